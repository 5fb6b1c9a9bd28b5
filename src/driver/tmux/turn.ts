/** How a turn stands, told by what its pane shows. Pure: screens and times go in; whether it has ended, or when to look again, comes out. */
import { RESULT_MARK } from '../last-words.ts';
import { partOf } from './detect.ts';
import type { Seen } from './pane.ts';
import type { Tool } from './tool.ts';

/** An agent that was seen at work and shows the same prompt for so long has ended its turn. */
const QUIET_MS = 2_000;
/** The same, where it said by its mark that this is the result. */
const MARKED_QUIET_MS = 300;
/** A turn that nobody saw running, though its transcript went on: short ones happen between two looks. */
const UNSEEN_QUIET_MS = 5_000;
/** Enter is pressed once more when nothing has happened for so long. */
const ENTER_AGAIN_MS = 5_000;
/** An agent that has not begun by then will not. */
const BEGIN_MAX_MS = 60_000;

/** The seed's: lines of a result that nothing marks. */
const RESULT_LINES = 10;

export type TurnLook =
  /** `lookMs`: when to look again though nothing has changed; undefined when only a change matters. */
  | { kind: 'going'; lookMs: number | undefined; pressEnter: boolean }
  | { kind: 'ended'; outcome: 'completed' | 'failed' | 'interrupted'; text: string }
  | { kind: 'gone'; why: string };

/** What a node keeps of a turn, so that it goes on after a restart. */
export type TurnStart = { prompt: string; before: string; submittedMs: number; hasRun: boolean; isTold?: boolean };

export class Turn {
  readonly start: TurnStart;
  readonly #tool: Tool;
  readonly #promptLines: ReadonlySet<string>;
  #enters = 0;

  constructor(tool: Tool, start: TurnStart) {
    this.#tool = tool;
    this.start = start;
    this.#promptLines = new Set(start.prompt.split('\n').map((line) => line.trim()));
  }

  /** Seen at work since it began. */
  get hasRun(): boolean {
    return this.start.hasRun;
  }

  /** A hook said that this prompt was submitted. */
  get isTold(): boolean {
    return this.start.isTold === true;
  }

  told(): void {
    this.start.isTold = true;
    this.start.hasRun = true;
  }

  look(seen: Seen, nowMs: number): TurnLook {
    if (seen.end !== undefined) return { kind: 'gone', why: seen.detection.rule };
    const { state } = seen.detection;
    if (state === 'idle' || state === 'error') return this.#still(seen, nowMs);
    const atWork = state === 'running' || state === 'retrying' || state === 'waiting';
    if (atWork || (state === 'unknown' && this.#tool.busyWhenUnknown)) this.start.hasRun = true;
    return this.#begun(nowMs) ?? { kind: 'going', lookMs: undefined, pressEnter: false };
  }

  /** A prompt, or an error above one: over, where this turn was at work, else not yet begun. */
  #still(seen: Seen, nowMs: number): TurnLook {
    const wentOn = this.#said(seen.text).join('\n') !== this.#said(this.start.before).join('\n');
    const isError = seen.detection.state === 'error';
    const mark = this.#marked(seen.text);
    const quietMs = this.hasRun ? (mark === undefined ? QUIET_MS : MARKED_QUIET_MS) : UNSEEN_QUIET_MS;
    if (!this.hasRun && !wentOn) return this.#begun(nowMs) ?? this.#notBegun(nowMs);
    const lookMs = seen.changedMs + quietMs;
    if (nowMs < lookMs) return { kind: 'going', lookMs, pressEnter: false };
    if (isError) return { kind: 'ended', outcome: 'failed', text: errorText(seen) };
    if (seen.detection.interrupted === true || (this.isTold && (!wentOn || !this.#isWhole(seen.text))))
      return { kind: 'ended', outcome: 'interrupted', text: '' };
    return { kind: 'ended', outcome: 'completed', text: mark ?? this.lastLines(seen.text) };
  }

  /** Where a hook told of the prompt and none of an end, the turn is over only with the line that the tool writes below one. Stopped early, it shows nothing. */
  #isWhole(text: string): boolean {
    const { decoration } = this.#tool;
    return (
      decoration === undefined ||
      this.#turnText(text)
        .split('\n')
        .some((line) => decoration.test(line))
    );
  }

  #notBegun(nowMs: number): TurnLook {
    const pressEnter = this.#enters === 0 && nowMs - this.start.submittedMs >= ENTER_AGAIN_MS;
    if (pressEnter) this.#enters += 1;
    const lookMs = this.start.submittedMs + (this.#enters === 0 ? ENTER_AGAIN_MS : BEGIN_MAX_MS);
    return { kind: 'going', lookMs, pressEnter };
  }

  #begun(nowMs: number): TurnLook | undefined {
    if (this.hasRun || nowMs - this.start.submittedMs < BEGIN_MAX_MS) return undefined;
    const text = `the agent did not begin to work within ${BEGIN_MAX_MS / 1000} s of being asked`;
    return { kind: 'ended', outcome: 'failed', text };
  }

  /** What stands behind the last mark of this turn. The prompt may speak of the mark, and an earlier turn's may still be on the screen. */
  #marked(text: string): string | undefined {
    const marks = marksIn(this.#turnText(text)).filter((mark) => !this.#promptLines.has(mark));
    const last = marks.at(-1);
    if (last === undefined) return undefined;
    const count = (among: readonly string[]): number => among.filter((mark) => mark === last).length;
    const isOld = count(marks) <= count(marksIn(this.start.before));
    return isOld && !('turn' in this.#tool.zones) ? undefined : last.slice(RESULT_MARK.length).trim();
  }

  /** What stands for its words where it did not say which they are. */
  lastLines(text: string): string {
    const lines = this.#said(text);
    return lines.slice(echoed(lines, this.start.prompt)).slice(-RESULT_LINES).join('\n');
  }

  #turnText(text: string): string {
    return turnText(this.#tool, text);
  }

  #said(text: string): string[] {
    return saidLines(this.#tool, text);
  }
}

/** How many lines at the beginning are the prompt, which the tool repeats above its answer in lines of its own length. */
function echoed(lines: readonly string[], prompt: string): number {
  let rest = prompt.replaceAll(/\s+/g, ' ').trim();
  for (const [at, line] of lines.entries()) {
    const text = line
      .replace(/^[❯›┃>$#\s]+/u, '')
      .replaceAll(/\s+/g, ' ')
      .trim();
    if (rest === '' || !rest.startsWith(text)) return at;
    rest = rest.slice(text.length).trim();
  }
  return 0;
}

/** Lines that begin with the mark, whatever the tool draws before it. */
const marksIn = (text: string): string[] =>
  text.split('\n').flatMap((line) => {
    const mark = /^[^\p{L}\p{N}]*(TASK_RESULT:.*)$/u.exec(line)?.[1];
    return mark === undefined ? [] : [mark.trim()];
  });

/** What the tool shows of its last turn, without input box and footer; all that it shows where the two cannot be told apart. */
export const turnText = (tool: Tool, text: string): string => partOf(tool, { text, zone: 'turn' }) ?? text.trimEnd();

/** The last line that says anything of what the agent does. */
export const progressOf = (tool: Tool, text: string): string | null => saidLines(tool, text).at(-1)?.trim() ?? null;

/** Without what only surrounds it: a hint that comes and goes is no sign that the agent did anything. */
const saidLines = (tool: Tool, text: string): string[] =>
  turnText(tool, text)
    .split('\n')
    .filter((line) => line.trim() !== '' && tool.decoration?.test(line) !== true);

const errorText = (seen: Seen): string =>
  seen.detection.evidence
    .map((one) => one.text.trim())
    .toSorted((a, b) => b.length - a.length)
    .at(0) ?? seen.detection.rule;
