/** One agent in a terminal: its pane, as long as it has one, and what is said to it. */
import type { OpId } from '#core/brand.ts';
import type { AgentState } from '#agent-ports.ts';
import type { Pane, Seen } from './pane.ts';
import type { Terminal } from './terminal.ts';
import type { Tool } from './tool.ts';
import { toolOf } from './tool.ts';

export type TerminalAgentSpec = {
  id: OpId;
  name: string;
  /** A tool's name, or a whole command line. */
  tool: string;
  /** Its tmux session; of skep's own server when `owned`, else of the user's, in any form that tmux takes for a target. */
  session: string;
  owned: boolean;
  /** Where its program starts; unused when it is not skep's to start. */
  cwd: string;
};

/** Where an agent is now. `pid` tells one life of its program from the next. */
export type Place = { terminal: Terminal; pane: Pane; pid: number };

/** What is seen of an agent that has no pane. */
export type Standing = { state: AgentState; rule: string; evidence: { zone: string; text: string }[] };

export class TerminalAgent {
  readonly spec: TerminalAgentSpec;
  readonly tool: Tool;
  readonly #onState: (agent: TerminalAgent) => void;
  readonly #watchers = new Set<(seen: Seen) => void>();
  #place: Place | undefined;
  #stopWatching: (() => void) | undefined;
  #settling: NodeJS.Timeout | undefined;
  #why = 'its session is being made';
  #isStarting = true;

  constructor(spec: TerminalAgentSpec, onState: (agent: TerminalAgent) => void) {
    this.spec = spec;
    this.tool = toolOf(spec.tool);
    this.#onState = onState;
  }

  get place(): Place | undefined {
    return this.#place;
  }

  standing(): Standing {
    const pane = this.#place?.pane;
    const seen = pane?.seen?.detection;
    if (seen !== undefined && pane !== undefined && pane.unsettledMs() > 0)
      return { ...seen, state: 'starting', rule: 'it has just shown its first prompt, and may ask something instead' };
    if (seen !== undefined) return seen;
    const state = this.#place !== undefined || this.#isStarting ? 'starting' : 'exited';
    return { state, rule: this.#place === undefined ? this.#why : 'its screen was not looked at yet', evidence: [] };
  }

  /** It has a pane now. */
  settle(place: Place): void {
    this.#stopWatching?.();
    this.#place = place;
    this.#isStarting = false;
    this.#stopWatching = place.pane.onSeen((seen) => {
      for (const watcher of this.#watchers) watcher(seen);
      this.#tell();
    });
    this.#tell();
  }

  /** It has none: it could not be made, or has ended. */
  unsettle(why: string): void {
    this.#stopWatching?.();
    this.#stopWatching = undefined;
    this.#place = undefined;
    this.#isStarting = false;
    this.#why = why;
    this.#tell();
  }

  /** And again when a first prompt has stood long enough, which no look tells. */
  #tell(): void {
    clearTimeout(this.#settling);
    this.#onState(this);
    const unsettledMs = this.#place?.pane.unsettledMs() ?? 0;
    if (unsettledMs > 0) this.#settling = setTimeout(() => this.#tell(), unsettledMs).unref();
  }

  /** Each look at its pane that shows something else. The returned function stops it. */
  onSeen(watcher: (seen: Seen) => void): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  /** False when there is nobody to type to. */
  async type(text: string): Promise<boolean> {
    const place = this.#place;
    return place !== undefined && place.terminal.type(place.pane, text);
  }

  async press(keys: readonly string[]): Promise<boolean> {
    const place = this.#place;
    return place !== undefined && place.terminal.press(place.pane, keys);
  }

  async lines(count: number): Promise<string> {
    const place = this.#place;
    return place === undefined ? '' : place.terminal.lines(place.pane, count);
  }
}
