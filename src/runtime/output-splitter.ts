/** A longer line comes in pieces, so that neither a reader nor a watcher ever holds more. */
export const OUTPUT_LINE_MAX_BYTES = 64 * 1024;

/** Leaves room for the character that a cut may leave over, so that no line is above the bound. */
const STEP_BYTES = OUTPUT_LINE_MAX_BYTES - 4;

/**
 * Whole lines joined by `\n`, without the last one's; or, where `more` is true, the beginning of one line that goes on in the next text.
 * `bytes` is what it was on the pipe.
 */
export type OutputText = { lines: string; more: boolean; bytes: number };

/**
 * Turns what a process prints into lines: split on `\n` only, decoded as UTF-8 with replacement, one text for all whole lines of a chunk (a
 * program that prints millions of short lines then costs little more than one that prints long ones).
 */
export class OutputSplitter {
  /** The torn last line, at the beginning of a buffer that grows by doubling: a program may print a long line byte by byte. */
  #held: Buffer = Buffer.alloc(0);
  #heldBytes = 0;

  /** The texts that are complete with this chunk. The chunk may be reused afterwards. */
  push(chunk: Buffer): OutputText[] {
    const texts: OutputText[] = [];
    for (let at = 0; at < chunk.length; at += STEP_BYTES) this.#push(chunk.subarray(at, at + STEP_BYTES), texts);
    return texts;
  }

  /** What is left at the end of the pipe: a last line without its `\n`. */
  end(): OutputText | undefined {
    const torn = this.#take();
    return torn.length === 0 ? undefined : { lines: torn.toString(), more: false, bytes: torn.length };
  }

  #push(chunk: Buffer, texts: OutputText[]): void {
    const first = chunk.indexOf(10);
    if (this.#heldBytes + (first === -1 ? chunk.length : first) > OUTPUT_LINE_MAX_BYTES) texts.push(this.#piece());
    if (first === -1) {
      this.#hold(chunk);
      return;
    }
    const last = chunk.lastIndexOf(10);
    const whole = Buffer.concat([this.#take(), chunk.subarray(0, last)]);
    texts.push({ lines: whole.toString(), more: false, bytes: whole.length + 1 });
    this.#hold(chunk.subarray(last + 1));
  }

  /** All that is held, cut so that no character is; what is left is less than one character. */
  #piece(): OutputText {
    const torn = this.#take();
    const end = characterBoundary(torn);
    this.#hold(torn.subarray(end));
    return { lines: torn.toString('utf8', 0, end), more: true, bytes: end };
  }

  #hold(bytes: Buffer): void {
    const total = this.#heldBytes + bytes.length;
    if (total > this.#held.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(total, 2 * this.#held.length));
      this.#held.copy(larger, 0, 0, this.#heldBytes);
      this.#held = larger;
    }
    bytes.copy(this.#held, this.#heldBytes);
    this.#heldBytes = total;
  }

  #take(): Buffer {
    const held = this.#held.subarray(0, this.#heldBytes);
    this.#held = Buffer.alloc(0);
    this.#heldBytes = 0;
    return held;
  }
}

/** Where the last character begins if it is not whole yet, the end otherwise, also where the bytes are no UTF-8. */
function characterBoundary(bytes: Buffer): number {
  for (let back = 1; back <= 3 && back <= bytes.length; back += 1) {
    const byte = bytes[bytes.length - back] ?? 0;
    if ((byte & 0xc0) === 0x80) continue;
    const size = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return size > back ? bytes.length - back : bytes.length;
  }
  return bytes.length;
}
