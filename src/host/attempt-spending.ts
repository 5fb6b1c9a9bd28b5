/** What an attempt uses, told to its desk as it uses it, and whether it may go on. */
import type { AgentEvent } from '#agent-ports.ts';
import { turnNameMs } from '#driver/line/turn-name.ts';
import type { AgentDesk } from './agent-desk.ts';
import type { AttemptPlan } from './attempt-plan.ts';

export class AttemptSpending {
  #isWarned = false;
  #isOver = false;
  #turn: { name: string; startedMs: number } | undefined;

  /** A turn that ends with this is not stopped any more; one that goes on is, by the next that is heard of it. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** A turn is told again, with its name, to a node that was restarted in the middle of it: most names carry when it began. */
  begins(turn: string): void {
    this.#turn = { name: turn, startedMs: turnNameMs(turn) ?? Date.now() };
  }

  /** What is to be told of a turn that has ended. */
  ended(turn: string): { name: string; timeMs: number } {
    const timeMs = this.#turn?.name === turn ? Math.max(Date.now() - this.#turn.startedMs, 0) : 0;
    return { name: turn, timeMs };
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
