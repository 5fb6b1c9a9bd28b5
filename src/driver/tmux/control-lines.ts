/**
 * What tmux writes to a control-mode client (`man tmux`, CONTROL MODE), taken apart. Bytes, not strings: a chunk may end inside a character, and of
 * a pane's output, which is most of what comes, only the pane's number is read.
 */

export type ControlHandler = {
  /** A command of this client was answered: the lines between its `%begin` and its `%end` or `%error`. */
  answered(answer: { ok: boolean; lines: string[] }): void;
  /** Something was printed in the pane of that number. */
  output(pane: number): void;
  /** Every other line that begins with `%`, whole. */
  notified(line: string): void;
};

/** A line that does not end: tmux cuts its own far below. Whatever writes it is no tmux. */
const LINE_MAX_BYTES = 4 * 1024 * 1024;

const NEWLINE = 10;
const PERCENT = 37;
const DIGIT_0 = 48;
const OUTPUT = Buffer.from('%output %');
/** The flag of an answer to a command that this client wrote; hooks and the attach itself are answered without it. */
const OWN = 1;

type Block = { number: string; own: boolean; lines: string[] };

export class ControlLines {
  readonly #handler: ControlHandler;
  #rest: Buffer = Buffer.alloc(0);
  #block: Block | undefined;

  constructor(handler: ControlHandler) {
    this.#handler = handler;
  }

  /** Throws when a line has no end. */
  feed(chunk: Buffer): void {
    const data = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let start = 0;
    for (let end = data.indexOf(NEWLINE); end !== -1; end = data.indexOf(NEWLINE, start)) {
      this.#line(data, start, end);
      start = end + 1;
    }
    this.#rest = data.subarray(start);
    if (this.#rest.length > LINE_MAX_BYTES) throw new Error(`tmux wrote a line of more than ${LINE_MAX_BYTES} bytes`);
  }

  #line(data: Buffer, start: number, end: number): void {
    if (this.#block !== undefined) return this.#inBlock(data.toString('utf8', start, end), this.#block);
    if (data[start] !== PERCENT) return;
    const at = start + OUTPUT.length;
    if (end > at && data.compare(OUTPUT, 0, OUTPUT.length, start, at) === 0) {
      return this.#handler.output(numberAt(data, at));
    }
    const line = data.toString('utf8', start, end);
    const begin = /^%begin \d+ (\d+) (\d+)$/.exec(line);
    if (begin === null) return this.#handler.notified(line);
    this.#block = { number: begin[1] ?? '', own: (Number(begin[2]) & OWN) === OWN, lines: [] };
  }

  /** A pane may show a line that looks like an end: only the one with the block's own number is. */
  #inBlock(line: string, block: Block): void {
    const end = /^%(end|error) \d+ (\d+) \d+$/.exec(line);
    if (end === null || end[2] !== block.number) {
      block.lines.push(line);
      return;
    }
    this.#block = undefined;
    if (block.own) this.#handler.answered({ ok: end[1] === 'end', lines: block.lines });
  }
}

function numberAt(data: Buffer, start: number): number {
  let number = 0;
  for (let at = start; ; at += 1) {
    const digit = (data[at] ?? 0) - DIGIT_0;
    if (digit < 0 || digit > 9) return number;
    number = number * 10 + digit;
  }
}
