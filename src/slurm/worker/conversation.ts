/**
 * The one conversation of a worker: messages become turns, or words for the running one; each is told as taken before the agent gets it, and as
 * acknowledged when the turn is over that it was part of. What was taken and not acknowledged is given again by whoever comes next.
 */
import { setTimeout } from 'node:timers/promises';
import type { AgentDriver, AgentEvent, AgentSession, SessionSpec } from '#agent-ports.ts';
import { DriverRefusal } from '#driver/refusal.ts';
import type { MailboxPosition } from '#runtime/shared-mailbox/follower.ts';
import type { Runtime } from '#ports.ts';
import type { Pace } from '../pace.ts';
import { decisionOf, type Answer } from './answer.ts';
import { marksOf, textOf, type Message } from './message.ts';
import type { WorkerOutbox } from './outbox.ts';
import { callOf, EventWords } from './told.ts';

/** An agent that ends by itself so often will not do better the next time. */
export const RESTARTS_MAX = 5;
/** Before an agent that ended is started again. */
const BACKOFF_MS = 1_000;
/** A conversation begins in a second or two; ten times as long on a machine that is busy with something else. */
const BEGIN_MAX_MS = 120_000;

export type ConversationOptions = {
  driver: AgentDriver;
  runtime: Runtime;
  spec: SessionSpec;
  outbox: WorkerOutbox;
  pace: Pace;
  /** The agent ended too often, or began no conversation; called once. */
  gaveUp: () => void;
};

export class Conversation {
  readonly #o: ConversationOptions;
  readonly #session: AgentSession;
  readonly #words = new EventWords();
  readonly #waiting: Message[] = [];
  readonly #begun = Promise.withResolvers<void>();
  readonly #over: Promise<void>;
  /** What the running turn is about. */
  #current: Message[] = [];
  #isAsking = false;
  readonly #closing = new AbortController();
  #restarts = 0;
  #thread: string | undefined;
  readonly #asked = new Set<string>();

  static async open(o: ConversationOptions): Promise<Conversation> {
    return new Conversation(o, await o.driver.open(o.spec, o.runtime));
  }

  private constructor(o: ConversationOptions, session: AgentSession) {
    this.#o = o;
    this.#session = session;
    this.#over = this.#follow();
  }

  /** Nothing was told and not done with. */
  get isIdle(): boolean {
    return this.#waiting.length === 0 && this.#current.length === 0;
  }

  /** The agent's own name for the conversation, once it has told it. */
  get thread(): string | undefined {
    return this.#thread;
  }

  /** What was not done with, oldest first. */
  get left(): readonly Message[] {
    return [...this.#current, ...this.#waiting];
  }

  /** Starts a new conversation of the agent before anybody has told it anything. One that goes on is taken up with the next message. */
  async begin(): Promise<void> {
    if (this.#o.spec.resume !== null || this.#session.prepare === undefined) return;
    const { tool } = this.#o.driver;
    try {
      await this.#session.prepare();
      // Others tell of their conversation with the first turn.
      if (tool !== 'codex') return;
      const isOver = new AbortController();
      const signal = AbortSignal.any([isOver.signal, this.#closing.signal]);
      const limit = setTimeout(BEGIN_MAX_MS, true, { signal }).catch(() => false);
      const isLate = await Promise.race([this.#begun.promise, limit]);
      isOver.abort();
      if (isLate === true) throw new Error(`it began no conversation within ${BEGIN_MAX_MS / 1000} s`);
    } catch (error) {
      this.#giveUp(`${tool} cannot be started: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  /** A message becomes the next turn; where it asks for it and the agent takes them, words for the running one. */
  async tell(message: Message): Promise<void> {
    const isFirst = this.#current.length > 0 && this.#waiting.length === 0;
    if (message.steers && isFirst && (await this.#steered(message))) return;
    this.#waiting.push(message);
    await this.#advance();
  }

  /** False where nothing of that name is asked. */
  async answer(answer: Answer): Promise<boolean> {
    const request = [...this.#asked].find(answer.isFor);
    if (request === undefined) return false;
    const { behavior, stops } = decisionOf(answer);
    this.#asked.delete(request);
    await this.#session.answer(request, { behavior, message: '' });
    const { approved = behavior === 'allow', decision = null } = answer;
    const payload = { approval_id: request, call_id: callOf(request), approved, decision };
    this.#o.outbox.write({ type: 'worker_event', event: 'exec_approval_resolved', payload });
    if (stops) await this.interrupt();
    return true;
  }

  /** It is about to be closed: whoever waits for its beginning waits no longer. */
  hurry(): void {
    this.#closing.abort();
  }

  /** Ends the running turn. */
  async interrupt(): Promise<void> {
    await this.#session.interrupt();
  }

  /** Ends the agent. Nothing more is acknowledged. */
  async close(graceMs: number): Promise<void> {
    this.#closing.abort();
    await this.#session.close(graceMs);
    await this.#over;
  }

  /** Behind everything that is done with: told now where nothing is under way, and else with the end of that. */
  done(position: MailboxPosition): void {
    if (this.isIdle) this.#o.outbox.write({ type: 'acknowledged', inbox: position });
  }

  async #steered(message: Message): Promise<boolean> {
    if (!(await this.#taken(message))) return false;
    try {
      await this.#session.steer(textOf(message));
    } catch (error) {
      if (error instanceof DriverRefusal) return false;
      throw error;
    }
    this.#current.push(message);
    return true;
  }

  async #advance(): Promise<void> {
    if (this.#isAsking || this.#closing.signal.aborted || this.#current.length > 0) return;
    const message = this.#waiting.shift();
    if (message === undefined) return;
    this.#isAsking = true;
    this.#current = [message];
    this.#o.pace.turnStarted();
    try {
      if (await this.#taken(message)) await this.#session.prompt(textOf(message));
    } catch (error) {
      this.#o.pace.turnEnded();
      this.#refused(message, error);
    } finally {
      this.#isAsking = false;
    }
  }

  /** Told before the agent gets it, so that nobody gives it again without the mark. False where this ends first. */
  #taken(message: Message): Promise<boolean> {
    const record = { type: 'taken', inbox: message.position, ...marksOf(message) } as const;
    return this.#o.outbox.writeFirmly(record, this.#closing.signal);
  }

  /** Nothing was given to the agent: the message is at fault, or the agent cannot be started. */
  #refused(message: Message, error: unknown): void {
    const why = error instanceof Error ? error.message : String(error);
    if (error instanceof DriverRefusal && error.code === 'too_long') {
      this.#o.outbox.write({ type: 'worker_error', error: why, ...marksOf(message) });
      this.#ended();
    } else this.#giveUp(why);
  }

  async #follow(): Promise<void> {
    for await (const event of this.#session.events) {
      this.#o.pace.heard();
      // Told already, when it was answered.
      const isKnown = event.kind === 'permission_closed' && !this.#asked.has(event.request);
      for (const { event: name, payload } of isKnown ? [] : this.#words.of(event)) {
        this.#o.outbox.write({ type: 'worker_event', event: name, payload, ...marksOf(this.#current[0]) });
      }
      await this.#on(event);
    }
  }

  async #on(event: AgentEvent): Promise<void> {
    if (event.kind === 'session') {
      this.#thread = event.session;
      this.#begun.resolve();
    }
    if (event.kind === 'permission') this.#asked.add(event.request.request);
    if (event.kind === 'permission_closed') this.#asked.delete(event.request);
    const isIdleExit = event.kind === 'state' && event.state === 'exited' && this.#current.length === 0;
    if (isIdleExit && !this.#closing.signal.aborted) this.#countRestart();
    if (event.kind !== 'turn_ended' || this.#closing.signal.aborted) return;
    this.#o.pace.turnEnded();
    if (event.failure !== 'agent_gone' && event.failure !== 'start_failed') return this.#ended();
    // In the order in which they came; the agent that comes next goes on with the conversation.
    this.#waiting.unshift(...this.#current.map((message) => ({ ...message, redelivered: true })));
    this.#current = [];
    if (!this.#countRestart()) return;
    await setTimeout(BACKOFF_MS);
    await this.#advance();
  }

  #ended(): void {
    const position = this.#current.at(-1)?.position;
    this.#current = [];
    if (position !== undefined) this.#o.outbox.write({ type: 'acknowledged', inbox: position });
    // Not awaited: the events of that turn are read by whoever calls this.
    void this.#advance();
  }

  #countRestart(): boolean {
    this.#restarts += 1;
    if (this.#restarts <= RESTARTS_MAX) return true;
    this.#giveUp(`${this.#o.driver.tool} ended ${this.#restarts} times; it is given up`);
    return false;
  }

  #giveUp(error: string): void {
    this.#closing.abort();
    this.#o.outbox.write({ type: 'worker_error', error });
    this.#o.gaveUp();
  }
}
