/** JSON lines out of a stream of bytes: split on `\n` only, bounded, a torn last line waits for its end. */
import { StringDecoder } from 'node:string_decoder';

/** Collects bytes and gives whole lines. Throws a `RangeError` when one line grows beyond `maxBytes`. */
export class LineBuffer {
  readonly #decoder = new StringDecoder('utf8');
  readonly #maxBytes: number;
  #pieces: string[] = [];
  #length = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  push(bytes: Buffer): string[] {
    const parts = this.#decoder.write(bytes).split('\n');
    const rest = parts.pop() ?? '';
    const lines = parts.map((part, at) => (at === 0 ? this.#take() + part : part));
    this.#pieces.push(rest);
    this.#length += rest.length;
    if (this.#length > this.#maxBytes) throw new RangeError(`a line of more than ${this.#maxBytes} bytes`);
    return lines;
  }

  #take(): string {
    const held = this.#pieces.join('');
    this.#pieces = [];
    this.#length = 0;
    return held;
  }
}
