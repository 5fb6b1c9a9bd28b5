/** What agents may cost: a task's budget, and those of an agent and of this node for a day. Money that nobody knows of counts for nothing. */
import type { NodeId, OpId } from '#core/brand.ts';
import { SHELL } from '#core/task/fit.ts';
import type { LiveAgent } from '#core/view/agent.ts';
import { isLive } from '#core/view/agent.ts';
import type { TaskCreated } from '#core/view/task.ts';
import { dayOf } from '#core/view/usage.ts';
import type { Arrival, OpStore } from '#ports.ts';
import type { AgentStates } from './agent-states.ts';
import type { UsageLedger } from './usage-ledger.ts';

/** `warn`: most of it is used. `over`: nothing more may be. */
export type Spending = { kind: 'fine' } | { kind: 'warn' | 'over'; text: string };

const WARN_AT = 0.8;
/** Records that are added up: a day of one node, or one task. */
const RECORDS_MAX = 20_000;
const AGENTS_MAX = 1_000;
const DAY_MS = 86_400_000;

export type BudgetsOptions = {
  self: NodeId;
  store: Pick<OpStore, 'get' | 'list'>;
  ledger: Pick<UsageLedger, 'openUsd'>;
  states: Pick<AgentStates, 'hold' | 'release'>;
  /** US dollars a day in UTC; undefined: as much as it is. */
  dayUsd: number | undefined;
  nowMs: () => number;
  log: (line: string) => void;
};

export class Budgets {
  readonly #o: BudgetsOptions;
  /** The day on which it was last said that its budget is used up. */
  #toldDay = 0;

  constructor(o: BudgetsOptions) {
    this.#o = o;
  }

  /** After the start: a budget that is used up stays so. */
  start(): void {
    this.#ofDay();
    for (const agent of this.#agents()) this.#ofAgent(agent);
  }

  /** An operator gave an agent of this node another budget. */
  arrived(arrivals: readonly Arrival[]): void {
    for (const { op } of arrivals) {
      const row = op.body.type === 'agent.budgeted' ? this.#o.store.get('agent', op.header.entity) : undefined;
      if (!isLive(row) || row.registered.node !== this.#o.self) continue;
      this.#o.states.release(row.id);
      this.#ofAgent(row);
      this.#ofDay();
    }
  }

  /** How an attempt stands, before it begins and whenever it used something. */
  spending({ task, created, agent }: { task: OpId; created: TaskCreated; agent: LiveAgent }): Spending {
    const budget = created.budgetUsd ?? undefined;
    const ofTask = budget === undefined ? FINE : standing('the budget of this task', budget, this.#spent({ task }));
    const now = this.#o.store.get('agent', agent.id);
    return tightest([this.spendingOf(isLive(now) ? now : agent), ofTask]);
  }

  /** How an agent stands, whatever it is at. */
  spendingOf(agent: LiveAgent): Spending {
    return tightest([this.#ofDay(), this.#ofAgent(agent)]);
  }

  #ofAgent(agent: LiveAgent): Spending {
    const usdDay = agent.budget?.usdDay ?? undefined;
    if (usdDay === undefined) return FINE;
    const day = dayOf(this.#o.nowMs());
    const what = `the budget of ${agent.registered.name} for today (UTC)`;
    const spending = standing(what, usdDay, this.#spent({ agent: agent.id, day }));
    if (spending.kind === 'over') this.#hold([agent], day, spending.text);
    return spending;
  }

  #ofDay(): Spending {
    const { dayUsd, self, nowMs } = this.#o;
    if (dayUsd === undefined) return FINE;
    const day = dayOf(nowMs());
    const spending = standing('the budget of this node for today (UTC)', dayUsd, this.#spent({ node: self, day }));
    if (spending.kind === 'over') {
      this.#hold(this.#agents(), day, spending.text);
      if (this.#toldDay !== day) this.#o.log(spending.text);
      this.#toldDay = day;
    }
    return spending;
  }

  /** They take nothing until the next day; what they are at is stopped when it uses more. */
  #hold(agents: readonly LiveAgent[], day: number, text: string): void {
    const ids = new Set(agents.map(({ id }) => id));
    this.#o.states.hold(ids, { evidence: text, untilMs: (day + 1) * DAY_MS });
  }

  /** Those that cost something of which anybody tells. */
  #agents(): LiveAgent[] {
    const { self, store } = this.#o;
    const rows = store.list('agent', { where: { live: 1, node: self }, limit: AGENTS_MAX }).filter(isLive);
    return rows.filter(({ registered }) => registered.tool !== SHELL && registered.tmuxSessionId === null);
  }

  #spent(where: { task: OpId } | { agent: OpId; day: number } | { node: NodeId; day: number }): number {
    const rows = this.#o.store.list('usage', { where, limit: RECORDS_MAX });
    const recorded = rows.reduce((sum, row) => sum + (row.recorded?.costUsd ?? 0), 0);
    return recorded + this.#o.ledger.openUsd(where);
  }
}

const FINE: Spending = { kind: 'fine' };

const tightest = (all: readonly Spending[]): Spending =>
  all.find(({ kind }) => kind === 'over') ?? all.find(({ kind }) => kind === 'warn') ?? FINE;

function standing(what: string, budgetUsd: number, spentUsd: number): Spending {
  const text = (how: string): string => `${what} ${how}: $${spentUsd.toFixed(4)} of $${budgetUsd}`;
  if (spentUsd >= budgetUsd) return { kind: 'over', text: text('is used up') };
  return spentUsd >= budgetUsd * WARN_AT ? { kind: 'warn', text: text('is nearly used up') } : FINE;
}
