/** What an attempt uses, told to its desk as it uses it, and whether it may go on. */
import type { AgentEvent } from '#agent-ports.ts';
import type { AgentDesk } from './agent-desk.ts';
import type { AttemptPlan } from './attempt-plan.ts';

export class AttemptSpending {
  #isWarned = false;
  #isOver = false;

  /** A turn that ends with this is not stopped any more; one that goes on is, by the next that is heard of it. */
  get isOver(): boolean {
    return this.#isOver;
  }

  used(
    { id, usage }: Extract<AgentEvent, { kind: 'usage' }>,
    { plan, desk, tell }: { plan: AttemptPlan; desk: AgentDesk; tell: (line: string) => void },
  ): void {
    const { task, attempt, agent } = plan;
    desk.used({ task, attempt, agent: agent.id, id, usage });
    const spending = desk.spending(plan);
    if (spending.kind === 'fine' || this.#isOver) return;
    if (spending.kind === 'over' || !this.#isWarned) tell(spending.text);
    this.#isWarned = true;
    this.#isOver = spending.kind === 'over';
  }
}
