/** Cuts a stream of bytes into lines at `\n`, and only there: `readline` also cuts at U+2028, which JSON may hold. */

/** `long` stands for a line above the limit, which is skipped to its end. */
export type Line = { kind: 'line'; text: string } | { kind: 'long' };

const NEWLINE = 0x0a;

export class LineCutter {
  private readonly maxBytes: number;
  /** Pieces of the line that has not ended yet; never joined before it does, or a long line would cost its square. */
  private pieces: Buffer[] = [];
  private pendingBytes = 0;
  private skipping = false;

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
  }

  /** The lines that end in this chunk. Empty lines are left out. */
  cut(chunk: Buffer): Line[] {
    const lines: Line[] = [];
    let from = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, from)) {
      const line = this.finish(chunk.subarray(from, end));
      if (line !== undefined) lines.push(line);
      from = end + 1;
    }
    this.keep(chunk.subarray(from));
    return lines;
  }

  private finish(last: Buffer): Line | undefined {
    const tooLong = this.skipping || this.pendingBytes + last.length > this.maxBytes;
    const whole = this.pieces.length === 0 ? last : Buffer.concat([...this.pieces, last]);
    this.pieces = [];
    this.pendingBytes = 0;
    this.skipping = false;
    if (tooLong) return { kind: 'long' };
    return whole.length === 0 ? undefined : { kind: 'line', text: whole.toString('utf8') };
  }

  private keep(rest: Buffer): void {
    if (rest.length === 0 || this.skipping) return;
    this.pendingBytes += rest.length;
    if (this.pendingBytes <= this.maxBytes) this.pieces.push(rest);
    else {
      this.skipping = true;
      this.pieces = [];
    }
  }
}
