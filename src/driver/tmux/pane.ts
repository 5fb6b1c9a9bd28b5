/** One pane that is watched: when it is looked at, what was last seen, and who wants to know. */
import type { AgentScreen } from '#core/agent-terminal.ts';
import type { Detection } from './detect.ts';
import { detect } from './detect.ts';
import type { Tool } from './tool.ts';

/** A pane is looked at no more often than this, and at the latest so long after it printed: four times a second. */
const CAPTURE_EVERY_MS = 250;
/** An agent that is at work and prints without a pause changes nothing that anybody waits for: it is looked at so often. */
const RUNNING_EVERY_MS = 1_000;
/** A pane that printed and has been silent for so long shows something whole. What ends a run, a question or a prompt, is followed by silence. */
const SETTLED_MS = 100;
/** While somebody waits for the answer to what was just typed. */
const HURRIED_EVERY_MS = 60;

/** `dead`: the program has ended and tmux keeps its last screen; what it ended with. `gone`: the pane is not there any more. */
export type PaneEnd = { how: 'dead' | 'gone'; code: number | null; signal: string | null };

/** What a pane shows. `changedMs`: when it last looked different. */
export type Seen = {
  text: string;
  title: string | undefined;
  detection: Detection;
  changedMs: number;
  end: PaneEnd | undefined;
};

/** Somebody who may look at the pane as it is. */
export type Viewer = { isWatching(): boolean; show(screen: AgentScreen): void };

export class Pane {
  readonly number: number;
  readonly tool: Tool;
  readonly #now: () => number;
  readonly #listeners = new Set<(seen: Seen) => void>();
  /** While somebody looks, it is captured with its colours, too. */
  viewer: Viewer | undefined;
  #seen: Seen | undefined;
  #isDirty = true;
  #isCapturing = false;
  #printedMs: number;
  #capturedMs = Number.NEGATIVE_INFINITY;
  #hurryUntilMs = 0;
  #hasSettled: boolean;

  constructor(o: { number: number; tool: Tool; now: () => number }) {
    this.number = o.number;
    this.tool = o.tool;
    this.#now = o.now;
    this.#printedMs = o.now();
    this.#hasSettled = o.tool.settleMs === 0;
  }

  /** As tmux names it. */
  get id(): string {
    return `%${this.number}`;
  }

  /** Undefined before the first look. */
  get seen(): Seen | undefined {
    return this.#seen;
  }

  /** How long the prompt that it shows has to go on to be shown before it counts for one; 0 once one did, and for anything else. */
  unsettledMs(): number {
    const held = this.#seen;
    if (this.#hasSettled || held?.detection.state !== 'idle') return 0;
    const leftMs = held.changedMs + this.tool.settleMs - this.#now();
    if (leftMs <= 0) this.#hasSettled = true;
    return Math.max(leftMs, 0);
  }

  /** It is to be looked at; what has ended shows nothing new. */
  get isDirty(): boolean {
    return this.#isDirty && this.#seen?.end === undefined;
  }

  /** Its title is asked for only where it says something. */
  get wantsTitle(): boolean {
    return this.tool.rules.some((rule) => rule.all.some((one) => one.zone === 'title'));
  }

  /** Calls back with each look that shows something else, or that the pane has ended. The returned function stops it. */
  onSeen(listener: (seen: Seen) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** It printed something. */
  printed(): void {
    this.#isDirty = true;
    this.#printedMs = this.#now();
  }

  /** Something was typed: its answer is looked for more often, for so long. */
  hurry(forMs: number): void {
    this.#hurryUntilMs = this.#now() + forMs;
    this.#isDirty = true;
  }

  /** True when it should be looked at now; the caller then captures it and tells {@link captured} or {@link failed}. */
  takeTurn(): boolean {
    if (!this.isDirty || this.#isCapturing) return false;
    const nowMs = this.#now();
    const sinceMs = nowMs - this.#capturedMs;
    const isHurried = nowMs < this.#hurryUntilMs;
    const isSettled = nowMs - this.#printedMs >= SETTLED_MS;
    const isRunning = this.#seen?.detection.state === 'running' && this.viewer?.isWatching() !== true;
    const every = isHurried ? HURRIED_EVERY_MS : isRunning && !isSettled ? RUNNING_EVERY_MS : CAPTURE_EVERY_MS;
    if (sinceMs < every) return false;
    this.#isCapturing = true;
    // What is printed from here on may or may not be in this look, so it asks for another one.
    this.#isDirty = false;
    this.#capturedMs = nowMs;
    return true;
  }

  captured(o: { text: string; title: string | undefined }): void {
    this.#isCapturing = false;
    const held = this.#seen;
    if (held?.end !== undefined || (held !== undefined && held.text === o.text && held.title === o.title)) return;
    this.#show({ ...o, detection: detect(this.tool, o), changedMs: this.#now(), end: undefined });
  }

  /** The look did not succeed: the pane is gone, or the client is. */
  failed(): void {
    this.#isCapturing = false;
  }

  /** Its program ended, or the pane itself did. What it showed last is kept. */
  ended(end: PaneEnd): void {
    const held = this.#seen;
    if (held?.end !== undefined && (held.end.how === 'gone' || (end.how === 'dead' && !isHowNew(held.end, end))))
      return;
    const why = end.how === 'gone' ? 'the pane is gone' : `its program ended with ${end.signal ?? `code ${end.code}`}`;
    this.#show({
      text: held?.text ?? '',
      title: held?.title,
      detection: { state: 'exited', rule: why, evidence: held?.detection.evidence ?? [] },
      changedMs: this.#now(),
      end,
    });
  }

  #show(seen: Seen): void {
    this.#seen = seen;
    // What is at work was asked something, so it is past its start.
    if (seen.detection.state === 'running') this.#hasSettled = true;
    for (const listener of this.#listeners) listener(seen);
  }
}

/** tmux takes a pane for dead when its program has closed the terminal, and may learn only then how that ended. */
const isHowNew = (held: PaneEnd, end: PaneEnd): boolean =>
  held.code === null && held.signal === null && (end.code !== null || end.signal !== null);
