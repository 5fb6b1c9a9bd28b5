/**
 * One agent that is woken by its mailbox: waits, begins a turn with what came, and closes it. It polls nothing and starts nothing by itself; what it waits
 * for is a message, a reminder that is due, an answer, or an operator's word.
 */
import type { OpId } from '#core/brand.ts';
import type { TurnCommands } from '#agent-ports.ts';
import type { LiveAgent } from '#core/view/agent.ts';
import { isLive, isPaused } from '#core/view/agent.ts';
import { messageOf } from '#runtime/refusal.ts';
import type { TurnStop } from './agent-turn.ts';
import type { ConversationDesk } from './conversation.ts';
import { Conversation } from './conversation.ts';

/** Messages of one turn: as many as a reader is handed at once. */
export const BATCH_MAX = 32;
/** One wait for a message; the next follows at once. */
const WAIT_MS = 3_600_000;
/** The longest a timer can wait; what is due later is looked at then. */
const TIMER_MAX_MS = 2 ** 31 - 1;
/** A turn that could not be begun or closed for a reason of this node: the disk, the log. */
const FAULT_PAUSE_MS = 30_000;

/** Why nothing is begun now. */
export type Hold = {
  state: 'parked' | 'paused' | 'over_budget' | 'given_up';
  why: string;
  untilMs: number | undefined;
};

export class AgentLoop {
  readonly #id: OpId;
  readonly #desk: ConversationDesk;
  readonly #closing = new AbortController();
  readonly conversation: Conversation;
  /** Rung when something that holds it back may be over. */
  #bell = Promise.withResolvers<void>();
  #wait = new AbortController();
  #isWithdrawn = false;
  #running: Promise<void> | undefined;

  constructor(agent: OpId, desk: ConversationDesk, commands: TurnCommands) {
    this.#id = agent;
    this.#desk = desk;
    this.conversation = new Conversation(agent, { desk, detached: this.#closing.signal, commands });
  }

  get isInTurn(): boolean {
    const { turn, stand } = this.conversation;
    return turn !== undefined || stand.underWay !== null;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Something that is known of the agent changed. */
  look(): void {
    this.#bell.resolve();
    this.#bell = Promise.withResolvers();
    if (this.holdNow() !== undefined) this.#wait.abort();
  }

  /** The agent is withdrawn: what it is at ends, and nothing more begins. */
  async withdraw(): Promise<void> {
    this.#isWithdrawn = true;
    this.look();
    await this.conversation.turn?.interrupt('withdrawn');
    await this.#running;
  }

  /** The node stops: a turn goes on under the holder. Idempotent. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.look();
    this.#wait.abort();
    await this.#running;
  }

  async interrupt(stop: TurnStop): Promise<boolean> {
    const { turn } = this.conversation;
    if (turn === undefined) return false;
    await turn.interrupt(stop);
    return true;
  }

  /** Undefined: a turn may begin. */
  holdNow(): Hold | undefined {
    const agent = this.#live();
    if (agent === undefined || isPaused(agent)) return { state: 'paused', why: 'it is paused', untilMs: undefined };
    const givenUp = this.#desk.crashes.whyGivenUp(this.#id);
    if (givenUp !== undefined) return { state: 'given_up', why: givenUp, untilMs: undefined };
    const { parked } = this.conversation.stand;
    if (parked !== null && parked.untilMs > this.#desk.nowMs()) return { state: 'parked', ...parked };
    const spending = this.#desk.budgets.spendingOf(agent);
    if (spending.kind !== 'over') return undefined;
    return { state: 'over_budget', why: spending.text, untilMs: nextDayMs(this.#desk.nowMs()) };
  }

  async #run(): Promise<void> {
    await this.#desk.whenOpen();
    while (!this.#isOver()) {
      try {
        const { underWay } = this.conversation.stand;
        if (underWay !== null) await this.conversation.resume(underWay);
        else await this.#next();
      } catch (error) {
        if (this.#isOver()) return;
        this.#desk.log(`the turns of ${this.#name()}: ${messageOf(error)}`);
        await this.#pause(FAULT_PAUSE_MS);
      }
    }
  }

  #isOver(): boolean {
    return this.#closing.signal.aborted || this.#isWithdrawn;
  }

  async #next(): Promise<void> {
    const hold = this.holdNow();
    if (hold !== undefined) return this.#pause((hold.untilMs ?? Number.POSITIVE_INFINITY) - this.#desk.nowMs());
    if (this.conversation.stand.isFull) return this.conversation.checkpoint();
    this.#wait = new AbortController();
    const { signal } = this.#wait;
    const handed = await this.#desk.messages.receive({ agent: this.#id, max: BATCH_MAX, waitMs: WAIT_MS, signal });
    if (handed.length === 0) return;
    if (this.#isOver() || this.holdNow() !== undefined) return this.#putBack();
    await this.conversation.wake(handed);
  }

  /** Until somebody rings, or so long. */
  async #pause(forMs: number): Promise<void> {
    const bell = this.#bell.promise;
    if (this.#isOver()) return;
    const timer = setTimeout(() => this.look(), Math.max(1, Math.min(forMs, TIMER_MAX_MS)));
    timer.unref();
    await bell;
    clearTimeout(timer);
  }

  async #putBack(): Promise<void> {
    await this.#desk.messages.requeue({ agent: this.#id, messages: undefined, isBlameless: true });
  }

  #live(): LiveAgent | undefined {
    const row = this.#desk.store.get('agent', this.#id);
    return isLive(row) ? row : undefined;
  }

  #name(): string {
    return this.#live()?.registered.name ?? this.#id;
  }
}

const DAY_MS = 86_400_000;
const nextDayMs = (nowMs: number): number => (Math.floor(nowMs / DAY_MS) + 1) * DAY_MS;
