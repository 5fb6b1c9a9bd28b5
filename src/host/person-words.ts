/**
 * What a person does to an agent in the middle of an attempt: words for its turn, or a stop. Whoever stops a turn wants to say what to do instead, so
 * the attempt waits for that, as long as for any other answer of people.
 */
import type { AgentEvent, AgentSession } from '#agent-ports.ts';
import type { Refusal } from '#core/refusal.ts';
import { refusal } from '#core/refusal.ts';
import { DriverRefusal } from '#driver/refusal.ts';

export type PersonWordsOptions = {
  /** Undefined while the attempt is being prepared. */
  session: () => AgentSession | undefined;
  /** A script reads no words: stopped is ended. */
  isReader: boolean;
  /** Ends the whole attempt. */
  end: () => Promise<void>;
  /** Shown while it waits. */
  waits: () => void;
  /** It was given these words. */
  said: (text: string) => void;
};

const PREPARING = 'its attempt is still being prepared: no turn has begun';

export class PersonWords {
  readonly #o: PersonWordsOptions;
  #isStopped = false;
  #waiting: PromiseWithResolvers<string | undefined> | undefined;

  constructor(o: PersonWordsOptions) {
    this.#o = o;
  }

  /** Ends the turn, and resolves when it has ended. Without a turn there is nothing to do. */
  async interrupt(): Promise<Refusal | undefined> {
    const session = this.#o.session();
    if (session === undefined) return refusal('conflict', PREPARING, { expected: 'a turn', got: 'setup' });
    if (this.#waiting !== undefined) return undefined;
    this.#isStopped = true;
    if (this.#o.isReader) await session.interrupt();
    else await this.#o.end();
    return undefined;
  }

  /** For the running turn, or what an agent that was stopped does instead. Refused in the driver's words. */
  async say(text: string): Promise<Refusal | undefined> {
    const session = this.#o.session();
    if (session === undefined) return refusal('conflict', PREPARING, { expected: 'a turn', got: 'setup' });
    if (this.#waiting !== undefined) {
      this.#waiting.resolve(text);
      return undefined;
    }
    try {
      await session.steer(text);
      this.#o.said(text);
      return undefined;
    } catch (error) {
      if (error instanceof DriverRefusal)
        return refusal(error.code === 'too_long' ? 'too_large' : 'not_supported', error.message);
      throw error;
    }
  }

  /** What a person said after they stopped this turn; undefined where nobody stopped it, or nobody said anything in time. */
  async after(
    { outcome }: Extract<AgentEvent, { kind: 'turn_ended' }>,
    o: { patienceMs: number; closed: AbortSignal },
  ): Promise<string | undefined> {
    const isStopped = this.#isStopped && outcome === 'interrupted';
    this.#isStopped = false;
    if (!isStopped || o.patienceMs === 0 || o.closed.aborted) return undefined;
    const waiting = Promise.withResolvers<string | undefined>();
    const giveUp = (): void => waiting.resolve(undefined);
    const timer = setTimeout(giveUp, o.patienceMs).unref();
    o.closed.addEventListener('abort', giveUp, { once: true });
    this.#waiting = waiting;
    this.#o.waits();
    try {
      return await waiting.promise;
    } finally {
      this.#waiting = undefined;
      clearTimeout(timer);
      o.closed.removeEventListener('abort', giveUp);
    }
  }
}
