import type { AgentEvent } from '#agent-ports.ts';

/** How far a session may run ahead of whoever reads its events, in events and in characters. What it does not take stays in the runtime's files. */
const AHEAD_MAX = 1_000;
const AHEAD_MAX_CHARACTERS = 1024 * 1024;

/** What an agent says and does, of which there may be more than anybody takes. */
type Weighty = Extract<AgentEvent, { kind: 'delta' | 'tool' }>;

const sizeOf = (event: AgentEvent): number => {
  if (event.kind === 'tool') return (event.input?.text.length ?? 0) + (event.output?.text.length ?? 0);
  return event.kind === 'delta' ? event.text.length : 0;
};

/** The events of one session: one reader, in order, bounded. */
export class EventStream implements AsyncIterable<AgentEvent> {
  readonly #events: AgentEvent[] = [];
  #characters = 0;
  #closed = false;
  #hurry = false;
  #wakeReader: (() => void) | undefined;
  #wakeWriters: (() => void)[] = [];

  /** Adds an event at once, also above the bound: for the few that tell how a turn goes. Nothing is added after `close`. */
  push(event: AgentEvent): void {
    if (this.#closed) return;
    this.#events.push(event);
    this.#characters += sizeOf(event);
    this.#wakeReader?.();
  }

  /** Adds output: at once (undefined) or as soon as there is room for it. In a hurry nobody waits, and what finds no room is left out. */
  pushOutput(event: Weighty): Promise<void> | undefined {
    if (this.#full()) return this.#pushLater(event);
    this.push(event);
    return undefined;
  }

  /** From now on nobody waits for the reader: the session is being closed. */
  hurry(): void {
    this.#hurry = true;
    this.#wakeAllWriters();
  }

  /** The stream ends behind what is in it. Idempotent. */
  close(): void {
    this.#closed = true;
    this.#wakeReader?.();
    this.#wakeAllWriters();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<AgentEvent, void, undefined> {
    for (;;) {
      const event = this.#events.shift();
      if (event !== undefined) {
        this.#characters -= sizeOf(event);
        if (!this.#full()) this.#wakeAllWriters();
        yield event;
      } else if (this.#closed) return;
      else {
        await new Promise<void>((resolve) => {
          this.#wakeReader = resolve;
        });
      }
    }
  }

  async #pushLater(event: AgentEvent): Promise<void> {
    while (this.#full() && !this.#hurry && !this.#closed) {
      await new Promise<void>((resolve) => this.#wakeWriters.push(resolve));
    }
    if (!this.#full()) this.push(event);
  }

  #full(): boolean {
    return this.#events.length >= AHEAD_MAX || this.#characters >= AHEAD_MAX_CHARACTERS;
  }

  #wakeAllWriters(): void {
    const writers = this.#wakeWriters;
    this.#wakeWriters = [];
    for (const wake of writers) wake();
  }
}
