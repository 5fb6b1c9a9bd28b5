import type { WholeLine } from '#ports.ts';

/** Puts the pieces of long lines together again, up to a bound of bytes. What is above it is counted and let go as it comes. */
export class WholeLines {
  readonly #maxBytes: number;
  #pieces: string[] = [];
  #heldBytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Whole lines joined by `\n`; or, where `more`, the beginning of one that goes on in the next text. Yields what is complete with it. */
  *push(lines: string, more: boolean): Generator<WholeLine, void, undefined> {
    if (more) return this.#hold(lines);
    for (const line of lines.split('\n')) {
      this.#hold(line);
      yield this.#take();
    }
  }

  /** Output is missing here: of a line that had begun, the rest will not come. */
  *dropped(bytes: number): Generator<WholeLine, void, undefined> {
    yield { kind: 'dropped', bytes: bytes + this.#heldBytes };
    this.#pieces = [];
    this.#heldBytes = 0;
  }

  #hold(piece: string): void {
    this.#heldBytes += Buffer.byteLength(piece);
    if (this.#heldBytes <= this.#maxBytes) this.#pieces.push(piece);
    else this.#pieces = [];
  }

  #take(): WholeLine {
    const [text, bytes] = [this.#pieces.join(''), this.#heldBytes];
    this.#pieces = [];
    this.#heldBytes = 0;
    return bytes <= this.#maxBytes ? { kind: 'line', text } : { kind: 'too_long', bytes };
  }
}
