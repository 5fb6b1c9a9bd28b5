/** What an agent asked in one attempt, each until it is answered or void. */
import type { AgentEvent, AgentSession } from '#agent-ports.ts';
import type { AgentDesk, Question, Void } from './agent-desk.ts';

type QuestionsOptions = Pick<Question, 'plan' | 'cwd' | 'tell'> & {
  session: Pick<AgentSession, 'answer'>;
  desk: Pick<AgentDesk, 'ask' | 'stands'>;
};

export class Questions {
  readonly #o: QuestionsOptions;
  readonly #open = new Map<string, AbortController>();

  constructor(o: QuestionsOptions) {
    this.#o = o;
  }

  on(event: AgentEvent): void {
    if (event.kind === 'permission_closed') this.#close(event.request, 'withdrawn');
    if (event.kind !== 'permission' || this.#open.has(event.request.request)) return;
    const { plan, cwd, tell, session, desk } = this.#o;
    const closed = new AbortController();
    const { request } = event.request;
    this.#open.set(request, closed);
    void desk.ask({ plan, cwd, tell, request: event.request, closed: closed.signal }).then(async (answer) => {
      // Void meanwhile; the same name may have been asked anew.
      if (closed.signal.aborted) return;
      this.#open.delete(request);
      if (answer === undefined) return;
      // A session that cannot take the answer ends, and its end is told by its events.
      await session.answer(request, answer).catch(() => {});
    });
  }

  /** Nobody follows the session any more: whatever is open is void, or asked again when the node is back. */
  close(why: Exclude<Void, 'withdrawn'>): void {
    for (const request of this.#open.keys()) this.#close(request, why);
    this.#o.desk.stands(this.#o.plan.agent.id, undefined);
  }

  #close(request: string, why: Void): void {
    this.#open.get(request)?.abort(why);
    this.#open.delete(request);
  }
}
