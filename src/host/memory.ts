/** Whether this machine has the memory for one more agent: what is free now, beside what those that have just begun will still take. */
import { procIdOf } from '#core/brand.ts';
import { SHELL } from '#core/task/fit.ts';
import type { LiveAgent } from '#core/view/agent.ts';
import type { TakenAgent } from '#core/world.ts';

const MIB = 1024 * 1024;

/**
 * What one agent of a tool took in a turn on the scripted model (Debian 12, x86-64, the pinned versions), its wrapper and helpers included: a first
 * guess, until one was measured here.
 */
const FIRST_GUESS_MIB: Readonly<Record<string, number>> = {
  claude: 230,
  codex: 190,
  gemini: 410,
  'acp opencode acp': 550,
  opencode: 700,
};
/** A tool that nobody measured. */
const UNKNOWN_MIB = 300;
/** Tools of which one server, under ids that begin so, serves all agents: the first takes its memory, each further one about so much. */
const SHARED: Readonly<Record<string, { procs: string; furtherMib: number }>> = {
  opencode: { procs: 'opencode-', furtherMib: 150 },
};
/** The most that one of the last few took is what the next is expected to take. */
const MEASURED_MAX = 5;

export type MemoryOptions = {
  /** Resident bytes of the running processes whose ids are picked. */
  residentBytes: (isPicked: (id: string) => boolean) => number;
  /** Undefined: nobody knows, and nothing is held back. */
  freeBytes: () => number | undefined;
};

type Work = { task: string; attempt: number };

export class Memory {
  readonly #o: MemoryOptions;
  readonly #measured = new Map<string, number[]>();

  constructor(o: MemoryOptions) {
    this.#o = o;
  }

  /** An agent has ended a turn, and still stands: what it takes now is what the next of its tool is expected to take. */
  measure(agent: LiveAgent, work: Work): void {
    if (!this.#counts(agent)) return;
    const { tool } = agent.registered;
    const bytes = this.#residentOf(tool, work);
    if (bytes === 0) return;
    this.#measured.set(tool, [bytes, ...(this.#measured.get(tool) ?? [])].slice(0, MEASURED_MAX));
  }

  /** In words for people; undefined where there is enough. `taken`: agents of this node that have work, or are about to. */
  lacksFor(agent: LiveAgent, taken: readonly TakenAgent[]): string | undefined {
    if (!this.#counts(agent)) return undefined;
    const free = this.#o.freeBytes();
    const needs = this.#needsNow(agent, taken);
    const counting = taken.filter((one) => this.#counts(one.agent));
    const atMost = counting.reduce((sum, one) => sum + this.needsBytes(one.agent.registered.tool), needs);
    // The common case: so much is free that it need not be known what each of them has taken already.
    if (free === undefined || free >= atMost) return undefined;
    const coming = counting.reduce((sum, one, at) => sum + this.#stillTakes(one, counting.slice(0, at)), 0);
    if (free - coming >= needs) return undefined;
    const spoken = coming === 0 ? '' : `, of which agents that have begun will take ${mib(coming)}`;
    return `${agent.registered.tool} takes about ${mib(needs)} of memory, and ${mib(free)} are free${spoken}`;
  }

  needsBytes(tool: string): number {
    const measured = this.#measured.get(tool);
    return measured === undefined ? (FIRST_GUESS_MIB[tool] ?? UNKNOWN_MIB) * MIB : Math.max(...measured);
  }

  /** A script is as large as it is; and what sits in a terminal has its memory already. */
  #counts({ registered }: LiveAgent): boolean {
    return registered.tool !== SHELL && registered.tmuxSessionId === null;
  }

  #needsNow({ registered: { tool } }: LiveAgent, others: readonly TakenAgent[]): number {
    const shared = SHARED[tool];
    const isThere = shared !== undefined && others.some((one) => one.agent.registered.tool === tool);
    return isThere ? shared.furtherMib * MIB : this.needsBytes(tool);
  }

  #stillTakes({ agent, work }: TakenAgent, before: readonly TakenAgent[]): number {
    const has = work === undefined ? 0 : this.#residentOf(agent.registered.tool, work);
    return Math.max(this.#needsNow(agent, before) - has, 0);
  }

  /** A session has further processes where its tool died and was started again. */
  #residentOf(tool: string, { task, attempt }: Work): number {
    const { procs } = SHARED[tool] ?? {};
    if (procs !== undefined) return this.#o.residentBytes((id) => id.startsWith(procs));
    const first = procIdOf(task, attempt);
    return this.#o.residentBytes((id) => id === first || id.startsWith(`${first}-`));
  }
}

const mib = (bytes: number): string => `${Math.round(bytes / MIB)} MiB`;
