/** One agent in a terminal: its pane, as long as it has one, and what is said to it. */
import type { OpId } from '#core/brand.ts';
import type { AgentState } from '#agent-ports.ts';
import type { AgentScreen, AgentTyped } from '#core/agent-terminal.ts';
import type { HookTold } from './agent-hooks.ts';
import { AgentHooks } from './agent-hooks.ts';
import { pressesOf } from './keys.ts';
import type { Pane, Seen, Viewer } from './pane.ts';
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
  /** Its program is started once, and not again when it has ended. */
  isOnce: boolean;
};

/** Where an agent is now. `pid` tells one life of its program from the next. */
export type Place = { terminal: Terminal; pane: Pane; pid: number };

/** How it stands, and by whose word: one authority at a time, its hooks before its screen. */
export type Standing = {
  state: AgentState;
  source: 'hooks' | 'screen';
  exact: boolean;
  rule: string;
  evidence: { zone: string; text: string }[];
};

type TerminalAgentOptions = {
  /** Its state may have changed. */
  onState: (agent: TerminalAgent) => void;
  viewer: Viewer;
  now: () => number;
};

export class TerminalAgent {
  readonly spec: TerminalAgentSpec;
  readonly tool: Tool;
  readonly hooks: AgentHooks;
  readonly #o: TerminalAgentOptions;
  readonly #watchers = new Set<(seen: Seen) => void>();
  readonly #listeners = new Set<(told: HookTold) => void>();
  #place: Place | undefined;
  #stopWatching: (() => void) | undefined;
  #settling: NodeJS.Timeout | undefined;
  #why = 'its session is being made';
  #isStarting = true;

  constructor(spec: TerminalAgentSpec, o: TerminalAgentOptions) {
    this.spec = spec;
    this.tool = toolOf(spec.tool);
    this.#o = o;
    this.hooks = new AgentHooks(this.tool.hooks, (told) => {
      for (const listener of this.#listeners) listener(told);
      this.#tell();
    });
  }

  get place(): Place | undefined {
    return this.#place;
  }

  standing(): Standing {
    const said = this.hooks.state.standing;
    if (said === undefined || this.#place === undefined) return this.#shown();
    return { ...said, source: 'hooks', exact: true, evidence: [] };
  }

  /** It shows a prompt, and no hook says that it is at work: what is typed now is read now. */
  isReady(): boolean {
    const seen = this.#place?.pane.seen;
    return seen?.end === undefined && isStill(seen?.detection.state) && isStill(this.standing().state);
  }

  #shown(): Standing {
    const inferred = { source: 'screen', exact: false } as const;
    const pane = this.#place?.pane;
    const seen = pane?.seen?.detection;
    if (seen !== undefined && pane !== undefined && pane.unsettledMs() > 0) {
      const rule = 'it has just shown its first prompt, and may ask something instead';
      return { ...inferred, evidence: seen.evidence, state: 'starting', rule };
    }
    if (seen !== undefined) return { ...inferred, state: seen.state, rule: seen.rule, evidence: seen.evidence };
    const state = this.#place !== undefined || this.#isStarting ? 'starting' : 'exited';
    const rule = this.#place === undefined ? this.#why : 'its screen was not looked at yet';
    return { ...inferred, state, rule, evidence: [] };
  }

  /** It has a pane now. */
  settle(place: Place): void {
    this.#stopWatching?.();
    const held = this.#place;
    this.#place = place;
    this.#isStarting = false;
    place.pane.viewer = this.#o.viewer;
    // Another life of its program: what the one before said of itself is over.
    if (held !== undefined && held.pid !== place.pid) this.#forget();
    this.#stopWatching = place.pane.onSeen(() => this.#tell());
    this.#tell();
  }

  /** It has none: it could not be made, or has ended. */
  unsettle(why: string): void {
    this.#stopWatching?.();
    this.#stopWatching = undefined;
    this.#place = undefined;
    this.#isStarting = false;
    this.#forget();
    this.#why = why;
    this.#tell();
  }

  #forget(): void {
    this.hooks.state.forget();
    this.hooks.contradicted();
  }

  /** And again when a first prompt has stood, or a screen has contradicted the hooks, long enough: no look tells of that. */
  #tell(): void {
    clearTimeout(this.#settling);
    const pane = this.#place?.pane;
    const seen = pane?.seen;
    const wasSaid = this.hooks.state.standing !== undefined;
    const contraryMs = seen === undefined ? undefined : this.hooks.state.look(seen, this.#o.now());
    if (wasSaid && this.hooks.state.standing === undefined) this.hooks.contradicted();
    if (seen !== undefined) for (const watcher of this.#watchers) watcher(seen);
    this.#o.onState(this);
    const againMs = Math.max(pane?.unsettledMs() ?? 0, contraryMs ?? 0);
    if (againMs > 0) this.#settling = setTimeout(() => this.#tell(), againMs + 1).unref();
  }

  /** What its hooks tell, as it comes. The returned function stops it. */
  onTold(listener: (told: HookTold) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Each look at its pane that shows something else, and whenever its state may have changed. The returned function stops it. */
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

  /** As who sits at the terminal types; false when there is nobody to type to. */
  async typed(typed: AgentTyped): Promise<boolean> {
    const place = this.#place;
    if (place === undefined) return false;
    const { terminal, pane } = place;
    return 'paste' in typed ? terminal.paste(pane, typed.paste) : terminal.write(pane, pressesOf(typed.keys));
  }

  /** Undefined when it has no pane. */
  async screen(): Promise<AgentScreen | undefined> {
    const place = this.#place;
    return place?.terminal.screen(place.pane);
  }

  async lines(count: number): Promise<string> {
    const place = this.#place;
    return place === undefined ? '' : place.terminal.lines(place.pane, count);
  }
}

const isStill = (state: AgentState | undefined): boolean =>
  state === 'idle' || state === 'error' || state === 'rate_limited';
