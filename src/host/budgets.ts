/** What agents may cost: a task's budget, and that of this node for a day. Money that nobody knows of counts for nothing. */
import type { NodeId, OpId } from '#core/brand.ts';
import { SHELL } from '#core/task/fit.ts';
import { isLive } from '#core/view/agent.ts';
import type { TaskCreated } from '#core/view/task.ts';
import { dayOf } from '#core/view/usage.ts';
import type { Query } from '#core/view/view.ts';
import type { OpStore } from '#ports.ts';
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
  store: Pick<OpStore, 'list'>;
  ledger: Pick<UsageLedger, 'openUsd'>;
  states: Pick<AgentStates, 'hold'>;
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
  }

  /** How an attempt of that task stands, before it begins and whenever it used something. */
  spending({ task, created }: { task: OpId; created: TaskCreated }): Spending {
    const day = this.#ofDay();
    if (day.kind === 'over') return day;
    const budget = created.budgetUsd ?? undefined;
    const own = budget === undefined ? FINE : standing('the budget of this task', budget, this.#spent({ task }, task));
    return own.kind === 'fine' ? day : own;
  }

  #ofDay(): Spending {
    const { dayUsd, self, nowMs } = this.#o;
    if (dayUsd === undefined) return FINE;
    const day = dayOf(nowMs());
    const spending = standing('the budget of this node for today (UTC)', dayUsd, this.#spent({ node: self, day }));
    if (spending.kind === 'over') this.#hold(day, spending.text);
    return spending;
  }

  /** Its agents take nothing until the next day; what they are at is stopped when it uses more. */
  #hold(day: number, text: string): void {
    const { self, store, states, log } = this.#o;
    const rows = store.list('agent', { where: { live: 1, node: self }, limit: AGENTS_MAX }).filter(isLive);
    const costly = rows.filter(({ registered }) => registered.tool !== SHELL && registered.tmuxSessionId === null);
    states.hold(new Set(costly.map(({ id }) => id)), { evidence: text, untilMs: (day + 1) * DAY_MS });
    if (this.#toldDay !== day) log(text);
    this.#toldDay = day;
  }

  #spent(where: NonNullable<Query['where']>, task?: OpId): number {
    const rows = this.#o.store.list('usage', { where, limit: RECORDS_MAX });
    const recorded = rows.reduce((sum, row) => sum + (row.recorded?.costUsd ?? 0), 0);
    return recorded + this.#o.ledger.openUsd(task);
  }
}

const FINE: Spending = { kind: 'fine' };

function standing(what: string, budgetUsd: number, spentUsd: number): Spending {
  const text = (how: string): string => `${what} ${how}: $${spentUsd.toFixed(4)} of $${budgetUsd}`;
  if (spentUsd >= budgetUsd) return { kind: 'over', text: text('is used up') };
  return spentUsd >= budgetUsd * WARN_AT ? { kind: 'warn', text: text('is nearly used up') } : FINE;
}
