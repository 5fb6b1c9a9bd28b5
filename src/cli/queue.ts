/** Events that come when they like, read by one reader when it likes. */

type Turn<T> = { kind: 'item'; item: T } | { kind: 'end' } | { kind: 'fail'; error: Error };

/** A reader that stopped reading must not fill the memory: beyond this many unread events the stream fails. */
const UNREAD_MAX = 100_000;

export class EventQueue<T> implements AsyncIterable<T> {
  readonly #unread: T[] = [];
  #last: Turn<T> | undefined;
  #wake: (() => void) | undefined;

  push(item: T): void {
    if (this.#last !== undefined) return;
    if (this.#unread.length >= UNREAD_MAX) this.fail(new Error(`${UNREAD_MAX} events are unread`));
    else this.#unread.push(item);
    this.#wake?.();
  }

  /** Ends the stream after what is still unread. */
  end(): void {
    this.#last ??= { kind: 'end' };
    this.#wake?.();
  }

  /** The reader gets what is still unread, then this error. */
  fail(error: Error): void {
    this.#last ??= { kind: 'fail', error };
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    for (;;) {
      const turn = await this.#next();
      if (turn.kind === 'end') return;
      if (turn.kind === 'fail') throw turn.error;
      yield turn.item;
    }
  }

  async #next(): Promise<Turn<T>> {
    for (;;) {
      if (this.#unread.length > 0) {
        const [item] = this.#unread.splice(0, 1);
        if (item !== undefined) return { kind: 'item', item };
      }
      if (this.#last !== undefined) return this.#last;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}
