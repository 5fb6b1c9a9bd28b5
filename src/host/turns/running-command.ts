/**
 * One command that goes on beyond the turn of its agent: followed to its end, which its agent is told once. Each step is on disk before the next, so a node
 * that was killed goes on where it was.
 */
import { masked } from '#core/approval/mask.ts';
import type { NodeId, OpId } from '#core/brand.ts';
import { nodePrincipal, parsedProcId } from '#core/brand.ts';
import { mailboxOf } from '#core/message/address.ts';
import type { Messaging } from '#core/message/messaging.ts';
import type { AgentCommand } from '#core/schema/agent-command.ts';
import { isLive } from '#core/view/agent.ts';
import { isKnownMessage } from '#core/view/message.ts';
import { LastWords } from '#driver/last-words.ts';
import type { Exit, OpStore, Proc, Runtime } from '#ports.ts';
import { codeOf, messageOf } from '#runtime/refusal.ts';
import type { KeptCommand, TurnBook } from '#store/turn-book.ts';
import { isRefusal } from '../remote.ts';
import { eventText, sourceOf, tailOf } from './command-words.ts';

/** What a command that is ended gets to tidy up. */
const GRACE_MS = 5_000;
/** A mailbox that is full, or a node that is just starting: its end is told later. */
export const AGAIN_MS = 10_000;
/** Messages of its mailbox that are looked through for an event that a node which was killed has sent already. */
const LOOKED_THROUGH_MAX = 5_000;

export type RunningCommandDesk = {
  store: Pick<OpStore, 'get' | 'list'>;
  messages: Pick<Messaging, 'send'>;
  book: TurnBook;
  runtime: Runtime;
  whenOpen: () => Promise<void>;
  nowMs: () => number;
  log: (line: string) => void;
};

type Options = { self: NodeId; agent: OpId; kept: KeptCommand; desk: RunningCommandDesk; detached: AbortSignal };

export const procOf = (agent: OpId, n: number) => parsedProcId(`${agent}.command-${n}`);

export class RunningCommand {
  readonly agent: OpId;
  readonly #o: Options;
  readonly #found = Promise.withResolvers<Proc | undefined>();
  readonly #ended = Promise.withResolvers<void>();
  #kept: KeptCommand;

  constructor(o: Options) {
    this.#o = o;
    this.agent = o.agent;
    this.#kept = o.kept;
  }

  get row(): AgentCommand {
    return this.#kept.row;
  }

  /**
   * Resolves when its agent has been told of its end, or when it goes on without this node. Never rejects. `proc` undefined: its process is gone. `isAgain`: a
   * node before this one may have told its agent already.
   */
  async run(proc: Proc | undefined, isAgain: boolean): Promise<void> {
    this.#found.resolve(proc);
    const { agent, desk, detached } = this.#o;
    try {
      if (this.row.state === 'running' && !(await this.#follow(proc))) return;
      this.#ended.resolve();
      if (!(await this.#tell(isAgain))) return;
      this.#put({ ...this.#kept, last: '', isTold: true });
      await desk.runtime.forget(procOf(agent, this.row.n));
    } catch (error) {
      if (!detached.aborted) desk.log(`command ${this.row.n} of ${agent}: ${messageOf(error)}`);
    } finally {
      this.#ended.resolve();
    }
  }

  /** This node, which stops, started nothing: the next one tells that it is lost. */
  leave(): void {
    this.#found.resolve(undefined);
    this.#ended.resolve();
  }

  /** Its agent was told at once that it does not run. */
  failed(): void {
    this.leave();
    this.#put({ ...this.#kept, row: { ...this.row, state: 'not_started', ms: 0 }, isTold: true });
  }

  /** Resolves when it has ended. Of several reasons the first counts. */
  async stop(why: NonNullable<KeptCommand['stop']>): Promise<void> {
    if (this.row.state !== 'running') return;
    if (this.#kept.stop === null) this.#put({ ...this.#kept, stop: why });
    const proc = await this.#found.promise;
    await proc?.kill(GRACE_MS).catch((error: unknown) => {
      if (codeOf(error) !== 'detached') throw error;
    });
    await this.#ended.promise;
  }

  /** True when its end is on disk; false when it goes on without this node. */
  async #follow(proc: Proc | undefined): Promise<boolean> {
    const words = new LastWords();
    const exit = proc === undefined ? undefined : await this.#exitOf(proc, words);
    if (exit === 'detached') return false;
    const { row, stop } = this.#kept;
    const isLost = exit === undefined || exit.error?.startsWith('holder_') === true;
    const ms = Math.max(0, this.#o.desk.nowMs() - Date.parse(row.started_at));
    const end = { code: exit?.code ?? null, signal: exit?.signal ?? null, ms };
    const last = tailOf(words.text(exit?.code === 0));
    this.#put({ ...this.#kept, last, row: { ...row, ...end, state: stop ?? (isLost ? 'lost' : 'exited') } });
    return true;
  }

  async #exitOf(proc: Proc, words: LastWords): Promise<Exit | 'detached'> {
    const { detached, desk } = this.#o;
    const leave = (): void => void proc.detach();
    if (detached.aborted) leave();
    else detached.addEventListener('abort', leave, { once: true });
    const leftMs = Date.parse(this.row.started_at) + this.row.time_limit_s * 1_000 - desk.nowMs();
    const late = (): void => void this.stop('timed_out').catch((error: unknown) => desk.log(messageOf(error)));
    const timer = setTimeout(late, Math.max(0, leftMs));
    const read = async (stream: 'stdout' | 'stderr', lines: AsyncIterable<string>): Promise<void> => {
      for await (const line of lines) words.take(stream, line);
    };
    try {
      await Promise.all([read('stdout', proc.lines), read('stderr', proc.errors)]);
      return await proc.exited;
    } catch (error) {
      if (codeOf(error) === 'detached' || detached.aborted) return 'detached';
      // Nobody would know any more what it does.
      desk.log(`what a command printed cannot be read, so it is ended: ${messageOf(error)}`);
      return await proc.kill(GRACE_MS);
    } finally {
      clearTimeout(timer);
      detached.removeEventListener('abort', leave);
    }
  }

  /** True when nothing is left to be told. */
  async #tell(isAgain: boolean): Promise<boolean> {
    const { agent, self, desk, detached } = this.#o;
    await desk.whenOpen();
    for (let mayBeSent = isAgain; !detached.aborted; mayBeSent = true) {
      if (!isLive(desk.store.get('agent', agent)) || (mayBeSent && this.#isSent())) return true;
      const sent = await desk.messages.send({
        by: nodePrincipal(self),
        sender: undefined,
        channels: [mailboxOf(agent)],
        kind: 'event',
        // What it printed may hold whatever it read.
        text: masked(eventText(this.row, this.#kept.last)),
        replyTo: null,
        source: sourceOf(this.row),
        dueMs: null,
      });
      if (!isRefusal(sent)) return true;
      desk.log(`the end of command ${this.row.n} of ${agent} is told later: ${sent.message}`);
      await pause(AGAIN_MS, detached);
    }
    return false;
  }

  #isSent(): boolean {
    const { agent, self, desk } = this.#o;
    const where = { channel: mailboxOf(agent) };
    const newest = desk.store.list('message', { where, order: [['lamport', 'desc']], limit: LOOKED_THROUGH_MAX });
    const by = nodePrincipal(self);
    return newest
      .filter(isKnownMessage)
      .some(({ sent }) => sent.from === by && sent.kind === 'event' && sent.source === sourceOf(this.row));
  }

  #put(kept: KeptCommand): void {
    this.#o.desk.book.writeCommand(this.agent, kept);
    this.#kept = kept;
  }
}

/** So long, or until the node stops. */
export function pause(ms: number, detached: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (detached.aborted) return resolve();
    const done = (): void => {
      clearTimeout(timer);
      detached.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    detached.addEventListener('abort', done);
  });
}
