/** Counts what passes, and fails where that is too much. */
import { Transform } from 'node:stream';
import type { TransformCallback } from 'node:stream';

export class Counted extends Transform {
  bytes = 0;
  readonly #maxBytes: number;

  constructor(maxBytes: number) {
    super();
    this.#maxBytes = maxBytes;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.bytes += chunk.length;
    if (this.bytes > this.#maxBytes) done(new Error(`more than ${this.#maxBytes} bytes`));
    else done(null, chunk);
  }
}
