/** Bytes in, JSON values out, one a line. Lines are split on `\n` only: U+2028 and a lone `\r` are part of a line. */

/**
 * The longest line that is read: well above the largest record that is written (a piece of output of 128 KiB, each byte escaped as `\u0000`),
 * and small enough to hold one in memory for each file that is followed.
 */
export const JSON_LINE_MAX_BYTES = 4 * 1024 * 1024;

/** `bytes` is what the line took of the input, its `\n` included: their sum is the offset behind the last whole line. */
export type JsonLine =
  | { kind: 'record'; value: unknown; bytes: number }
  | { kind: 'fault'; why: 'not_json' | 'too_long'; bytes: number };

/** Feed it chunks as they come; it keeps the torn last line until its end arrives. A line above the bound is a fault and costs no memory. */
export class JsonLines {
  readonly #maxBytes: number;
  #parts: Buffer[] = [];
  #heldBytes = 0;
  #tooLong = false;

  constructor(maxBytes = JSON_LINE_MAX_BYTES) {
    this.#maxBytes = maxBytes;
  }

  /** Bytes of the torn last line so far. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** The lines that end in `chunk`, in order. The chunk may be reused afterwards. */
  *feed(chunk: Buffer): Generator<JsonLine, void, undefined> {
    let from = 0;
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, from)) {
      yield this.#line(chunk.subarray(from, end));
      from = end + 1;
    }
    this.#hold(chunk.subarray(from));
  }

  #hold(piece: Buffer): void {
    this.#heldBytes += piece.length;
    if (this.#heldBytes > this.#maxBytes) {
      this.#tooLong = true;
      this.#parts = [];
    } else if (piece.length > 0) this.#parts.push(Buffer.from(piece));
  }

  #line(rest: Buffer): JsonLine {
    const bytes = this.#heldBytes + rest.length + 1;
    const tooLong = this.#tooLong || bytes > this.#maxBytes;
    const parts = this.#parts;
    this.#parts = [];
    this.#heldBytes = 0;
    this.#tooLong = false;
    if (tooLong) return { kind: 'fault', why: 'too_long', bytes };
    const text = parts.length === 0 ? rest.toString() : Buffer.concat([...parts, rest]).toString();
    try {
      const value: unknown = JSON.parse(text);
      return { kind: 'record', value, bytes };
    } catch {
      // The caller counts faults; a torn line of a writer that died is one, and the lines behind it still count.
      return { kind: 'fault', why: 'not_json', bytes };
    }
  }
}

/** Tells a JSON object from everything else. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
