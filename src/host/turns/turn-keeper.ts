/** The agents of this node that are woken by messages, each with its loop: there while the agent is registered. */
import type { NodeId, OpId } from '#core/brand.ts';
import type { AgentTurns } from '#core/schema/agent-turn.ts';
import { hasTurns, isLive } from '#core/view/agent.ts';
import type { Arrival } from '#ports.ts';
import { messageOf } from '#runtime/refusal.ts';
import type { Closers } from '../parts.ts';
import type { CommandDesk } from './command-keeper.ts';
import { CommandKeeper } from './command-keeper.ts';
import type { ConversationDesk } from './conversation.ts';
import { AgentLoop } from './agent-loop.ts';
import type { TurnStop } from './agent-turn.ts';
import { notesPath } from './notes.ts';
import { turnFolder } from './turn-spec.ts';

/** Agents of one node. */
const AGENTS_MAX = 1_000;
/** A node whose disk failed hears of nothing any more: it does not wait for that. */
const CLOSE_MAX_MS = 10_000;

export class TurnKeeper {
  readonly #self: NodeId;
  readonly #desk: ConversationDesk;
  readonly #commands: CommandKeeper;
  readonly #loops = new Map<OpId, AgentLoop>();
  /** Of those that are withdrawn, until they have ended. */
  readonly #leaving = new Set<Promise<unknown>>();
  #isStarted = false;

  constructor(self: NodeId, desk: ConversationDesk & CommandDesk) {
    this.#self = self;
    this.#desk = desk;
    this.#commands = new CommandKeeper(self, desk);
  }

  /** Closed before all that was opened before it: what its loops wait for is told by the rest of the node. */
  start(closers: Closers): void {
    closers.add(() => this.close());
    this.#isStarted = true;
    const where = { live: 1, node: this.#self };
    for (const { id } of this.#desk.store.list('agent', { where, limit: AGENTS_MAX })) this.#set(id);
    this.#commands.start();
  }

  arrived(arrivals: readonly Arrival[]): void {
    if (!this.#isStarted) return;
    for (const { op } of arrivals) {
      const { type } = op.body;
      if (!type.startsWith('agent.') && type !== 'box.declared') continue;
      this.#set(op.header.entity);
    }
  }

  isInTurn(agent: OpId): boolean {
    return this.#loops.get(agent)?.isInTurn ?? this.#desk.book.stand(agent).underWay !== null;
  }

  /** It is in a turn, or a command goes on that it started in one. */
  isAtWork(agent: OpId): boolean {
    return this.isInTurn(agent) || this.#commands.running(agent).length > 0;
  }

  /** Whatever it is at ends, also what goes on beyond its turn. */
  async end(agent: OpId): Promise<void> {
    await this.interrupt(agent, 'stopped');
    await this.#commands.end(agent);
  }

  /** What kept it from its turns may be over. */
  look(agent: OpId): void {
    this.#loops.get(agent)?.look();
  }

  /** Ends what it is at; false where it is in no turn. */
  async interrupt(agent: OpId, stop: TurnStop): Promise<boolean> {
    return (await this.#loops.get(agent)?.interrupt(stop)) ?? false;
  }

  /** Words for the turn it is in; false where it is in none. Throws what its driver refuses. */
  async steer(agent: OpId, text: string): Promise<boolean> {
    const turn = this.#loops.get(agent)?.conversation.turn;
    if (turn === undefined) return false;
    await turn.steer(text);
    return true;
  }

  flush(agent: OpId): void {
    this.#loops.get(agent)?.conversation.turn?.transcript.flush();
  }

  /** How its turns stand, the newest `limit` of them; undefined: it has none. */
  standing(agent: OpId, limit: number): AgentTurns | undefined {
    const row = this.#desk.store.get('agent', agent);
    const loop = this.#loops.get(agent);
    if (!isLive(row) || loop === undefined) return undefined;
    const { waiting, leased, later } = this.#desk.messages.counts(agent);
    const hold = loop.isInTurn ? undefined : loop.holdNow();
    const { conversation, context } = loop.conversation.stand;
    return {
      agent_id: agent,
      state: loop.isInTurn ? 'running' : (hold?.state ?? 'idle'),
      why: hold?.why ?? null,
      until: hold?.untilMs === undefined ? null : new Date(hold.untilMs).toISOString(),
      waiting,
      in_hand: leased,
      reminders: later,
      conversation,
      context,
      notes_path: notesPath(turnFolder(row, this.#desk.stateDir)),
      commands: this.#commands.running(agent),
      turns: this.#desk.book.turns(agent, limit),
    };
  }

  /** The node stops: turns go on under the holder. Idempotent. */
  async close(): Promise<void> {
    this.#isStarted = false;
    const closed = Promise.all([
      ...[...this.#loops.values()].map((loop) => loop.close()),
      ...this.#leaving,
      this.#commands.close(),
    ]);
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(late.resolve, CLOSE_MAX_MS);
    await Promise.race([closed, late.promise]);
    clearTimeout(timer);
  }

  #set(id: OpId): void {
    const row = this.#desk.store.get('agent', id);
    const held = this.#loops.get(id);
    if (held !== undefined && !isLive(row)) {
      this.#loops.delete(id);
      const ends = Promise.all([
        held.withdraw(),
        this.#commands.end(id).catch((error: unknown) => this.#desk.log(messageOf(error))),
      ]);
      const leaving: Promise<unknown> = ends.finally(() => this.#leaving.delete(leaving));
      this.#leaving.add(leaving);
    } else if (held !== undefined) held.look();
    else if (isLive(row) && hasTurns(row) && row.registered.node === this.#self) {
      const loop = new AgentLoop(id, this.#desk, this.#commands.of(id));
      this.#loops.set(id, loop);
      loop.start();
    }
  }
}
