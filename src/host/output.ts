/** The newest lines of what an attempt printed, so that any node can show them while it runs and after. */

import { stripVTControlCharacters } from 'node:util';

/** Lines kept an attempt. */
const LINES_MAX = 500;
/** Characters shown at once: in a frame, escaped and all, they stay below 1 MiB. */
const TEXT_MAX_CHARS = 128 * 1024;
/** Characters kept of one line, and read of it: colours and cursors make it longer than what is seen. */
const LINE_MAX_CHARS = 2_000;
const LINE_READ_CHARS = 4 * LINE_MAX_CHARS;

/** Control characters but the tab: what is shown elsewhere must not move anybody's cursor. */
const CONTROL = /[^\P{Cc}\t]/gu;

export class OutputTail {
  private lines: string[] = [];
  private count = 0;
  /** The last line goes on with what streams next. */
  private isOpen = false;

  /** Takes one line in, with or without its end; returns it as it is shown. */
  add(line: string): string {
    const clean = cleaned(line);
    this.isOpen = false;
    this.push(clean);
    return clean;
  }

  /** As {@link add}; returns what follows upon all that was shown before: the line on a line of its own, with its end. */
  addBelow(line: string): string {
    const end = this.isOpen ? '\n' : '';
    return `${end}${this.add(line)}\n`;
  }

  /** Takes in a piece of what streams, with the lines that end in it; returns it as it is shown. */
  stream(text: string): string {
    const [first = '', ...lines] = text.split('\n').map(cleaned);
    if (this.isOpen) this.lines.push(`${this.lines.pop() ?? ''}${first}`.slice(0, LINE_MAX_CHARS));
    else if (first !== '' || lines.length > 0) this.push(first);
    for (const line of lines.slice(0, -1)) this.push(line);
    const torn = lines.at(-1);
    if (torn !== undefined && torn !== '') this.push(torn);
    this.isOpen = torn === undefined ? this.isOpen || first !== '' : torn !== '';
    return [first, ...lines].join('\n');
  }

  private push(clean: string): void {
    this.lines.push(clean);
    this.count += 1;
    if (this.lines.length > LINES_MAX * 2) this.lines = this.lines.slice(-LINES_MAX);
  }

  /** A terminal shows this now, and nothing of what it showed before. */
  show(screen: string): void {
    this.lines = [];
    for (const line of screen.trimEnd().split('\n').slice(-LINES_MAX)) this.add(line);
  }

  newest(lines: number): string {
    return this.lines.slice(-Math.min(lines, LINES_MAX)).join('\n').slice(-TEXT_MAX_CHARS);
  }

  /** As {@link newest}, for whoever puts behind it what streams next: a last line that is over has its end. */
  newestBefore(lines: number): string {
    const text = this.newest(lines);
    return text === '' || this.isOpen ? text : `${text}\n`;
  }

  /** The last line with anything on it. */
  last(): string | null {
    return this.lines.findLast((line) => line.trim() !== '') ?? null;
  }

  total(): number {
    return this.count;
  }
}

const cleaned = (line: string): string =>
  stripVTControlCharacters(copied(line, LINE_READ_CHARS)).replace(CONTROL, '').slice(0, LINE_MAX_CHARS);

/** The beginning of a text, in memory of its own: a part of a string holds all of it. */
const copied = (text: string, chars: number): string =>
  text.length <= chars ? text : Buffer.from(text.slice(0, chars)).toString();
