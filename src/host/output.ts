/** The newest lines of what an attempt printed, so that any node can show them while it runs and after. */

/** Lines kept an attempt. */
const LINES_MAX = 500;
/** Characters kept of one line. */
const LINE_MAX_CHARS = 2_000;

/** Removes terminal control sequences: what is shown elsewhere must not move anybody's cursor. */
// eslint-disable-next-line no-control-regex
const CONTROL =
  /\u001b\][^\u0007\u001b]*(?:\u0007|\u001b\\)|\u001b\[[0-9;?]*[ -/]*[@-~]|\u001b[@-Z\\-_]|[\u0000-\u0008\u000b-\u001f\u007f]/g;

export class OutputTail {
  private lines: string[] = [];
  private count = 0;

  add(line: string): string {
    const clean = line.replace(CONTROL, '').slice(0, LINE_MAX_CHARS);
    this.lines.push(clean);
    this.count += 1;
    if (this.lines.length > LINES_MAX * 2) this.lines = this.lines.slice(-LINES_MAX);
    return clean;
  }

  newest(lines: number): string {
    return this.lines.slice(-Math.min(lines, LINES_MAX)).join('\n');
  }

  /** The last line with anything on it. */
  last(): string | null {
    return this.lines.findLast((line) => line.trim() !== '') ?? null;
  }

  total(): number {
    return this.count;
  }
}
