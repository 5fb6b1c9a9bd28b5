/**
 * What an agent's hooks say of its state. Exact, as long as nothing shows that they have missed something: Escape, a "No" and a retry fire no hook,
 * and while the node is away nobody hears of any. So a screen that shows the contrary for a while takes over, until the next hook.
 * Pure: reports, looks and times go in.
 */
import type { AgentState, HookReport } from '#agent-ports.ts';
import { oneLine } from '../tool-title.ts';
import { INTERRUPTED } from './hook-turn.ts';
import type { Seen } from './pane.ts';

/** So long a screen has to contradict. It is drawn after the hook has run, and a busy machine draws late. */
const CONTRADICTED_MS = 2_000;
/** The same, where it has not yet shown that it heard of what the hook told. */
const UNSEEN_MS = 5_000;

export type HookStanding = { state: AgentState; rule: string };

/** States of a screen that say the contrary; all others say nothing. */
const CONTRARY: Readonly<Partial<Record<AgentState, ReadonlySet<AgentState>>>> = {
  running: new Set(['idle', 'error', 'waiting', 'retrying']),
  waiting: new Set(['idle', 'error', 'running', 'retrying']),
  retrying: new Set(['idle', 'error', 'waiting']),
  idle: new Set(['running', 'waiting', 'retrying']),
  error: new Set(['running', 'waiting', 'retrying']),
  rate_limited: new Set(['running', 'waiting', 'retrying']),
};

export class HookState {
  #said: HookStanding | undefined;
  /** Sessions of the prompts that were submitted and whose turn has not ended: words for an agent at work count at once, and may or may not get a turn of their own. */
  #prompts: (string | null)[] = [];
  readonly #endsAll: boolean;
  #wasAtWork = false;
  #contraryMs: number | undefined;

  /** `endsAll`: the end of a turn is that of all prompts of its session. */
  constructor(o: { endsAll: boolean } = { endsAll: false }) {
    this.#endsAll = o.endsAll;
  }

  /** Undefined: the hooks have said nothing, or were contradicted. */
  get standing(): HookStanding | undefined {
    return this.#said;
  }

  /** Prompts that wait behind the turn that runs. */
  get waiting(): number {
    return this.#endsAll ? 0 : Math.max(this.#prompts.length - 1, 0);
  }

  /** True when that report ended the last turn there was. */
  report(report: HookReport): boolean {
    switch (report.event) {
      case 'UserPromptSubmit':
        this.#prompts.push(report.session);
        this.#wasAtWork = false;
        return this.#say('running', 'a hook says that a prompt was submitted');
      case 'PreToolUse':
        return this.#say('running', `a hook says that it uses ${report.tool ?? 'a tool'}`);
      case 'PostToolUse':
      case 'PostToolUseFailure':
        return this.#say('running', `a hook says that it has used ${report.tool ?? 'a tool'}`);
      case 'PermissionRequest':
        return this.#say(
          'waiting',
          `a hook says that it asks ${report.tool === 'question' ? 'a question' : `leave for ${report.tool ?? 'a tool'}`}`,
        );
      case 'PermissionAnswered':
        return this.#say('running', 'a hook says that what it asked was answered');
      case 'Busy':
        return this.#say('running', 'a hook says that it is at work');
      case 'Retry':
        return this.#say('retrying', `a hook says that it tries again (${report.error ?? 'unknown'})${saidIn(report)}`);
      case 'Stop':
        return this.#over(report, 'idle', 'a hook says that its turn is over');
      case 'StopFailure':
        if (report.error === INTERRUPTED) return this.#over(report, 'idle', 'a hook says that its turn was stopped');
        return this.#over(report, report.error === 'rate_limit' ? 'rate_limited' : 'error', failureRule(report));
      case 'SessionStart':
        // A conversation that is made shorter goes on; any other begins with a screen that may show a dialog first.
        if (report.source !== 'compact') this.forget();
        return false;
      case 'SessionEnd':
        this.forget();
        return false;
      default:
        return false;
    }
  }

  /** Something that only this node knows: it has answered what was asked. */
  goesOn(rule: string): void {
    this.#say('running', rule);
  }

  /** The screen alone tells from now on, until the next hook: what ended a turn, or a dialog, was none that fires one. */
  forget(): void {
    this.#said = undefined;
    this.#prompts = [];
    this.#contraryMs = undefined;
  }

  /** What the screen shows now. Returns after how long it has to be asked again though it has not changed; undefined when that is not needed. */
  look({ detection: { state }, end }: Seen, nowMs: number): number | undefined {
    if (end !== undefined) this.forget();
    const said = this.#said;
    if (said === undefined) return undefined;
    if (state === 'running' || state === 'retrying' || state === 'waiting') this.#wasAtWork = true;
    if (CONTRARY[said.state]?.has(state) !== true) {
      this.#contraryMs = undefined;
      return undefined;
    }
    this.#contraryMs ??= nowMs;
    const waitMs = said.state === 'running' && !this.#wasAtWork ? UNSEEN_MS : CONTRADICTED_MS;
    const leftMs = this.#contraryMs + waitMs - nowMs;
    if (leftMs <= 0) this.forget();
    return leftMs <= 0 ? undefined : leftMs;
  }

  #say(state: AgentState, rule: string): false {
    this.#said = { state, rule };
    this.#contraryMs = undefined;
    return false;
  }

  #over({ session }: HookReport, state: AgentState, rule: string): boolean {
    this.#prompts = this.#endsAll ? this.#prompts.filter((one) => one !== session) : this.#prompts.slice(1);
    const isLast = this.#prompts.length === 0;
    if (isLast) this.#say(state, rule);
    else if (this.#endsAll) this.#say('running', 'hooks say that another of its sessions is at work');
    else this.#said = undefined;
    return isLast;
  }
}

const saidIn = ({ message }: HookReport): string => (message === null ? '' : `: ${oneLine(message)}`);

const failureRule = (report: HookReport): string =>
  `a hook says that its turn failed (${report.error ?? 'unknown'})${saidIn(report)}`;
