/** What an agent asked in one attempt, each until it is answered or void. */
import type { AgentEvent, AgentSession } from '#agent-ports.ts';
import type { AgentDesk } from './agent-desk.ts';
import type { AttemptPlan } from './attempt.ts';

export class Questions {
  readonly #plan: AttemptPlan;
  readonly #session: AgentSession;
  readonly #desk: AgentDesk;
  readonly #open = new Map<string, AbortController>();

  constructor(plan: AttemptPlan, session: AgentSession, desk: AgentDesk) {
    this.#plan = plan;
    this.#session = session;
    this.#desk = desk;
  }

  on(event: AgentEvent): void {
    if (event.kind === 'permission_closed') this.#close(event.request);
    if (event.kind !== 'permission' || this.#open.has(event.request.request)) return;
    const closed = new AbortController();
    const { request } = event.request;
    this.#open.set(request, closed);
    void this.#desk.ask(this.#plan, event.request, closed.signal).then(async (answer) => {
      if (!this.#close(request) || answer === undefined) return;
      // A session that cannot take the answer ends, and its end is told by its events.
      await this.#session.answer(request, answer).catch(() => {});
    });
  }

  /** The turn is over: whatever is open is void. */
  close(): void {
    for (const request of this.#open.keys()) this.#close(request);
    this.#desk.stands(this.#plan.agent.id, undefined);
  }

  #close(request: string): boolean {
    const closed = this.#open.get(request);
    this.#open.delete(request);
    closed?.abort();
    return closed !== undefined;
  }
}
