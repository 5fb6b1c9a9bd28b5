/** One turn of an agent, from its first event to its end: it is shown, counted and asked about like the turns of a task. Never throws. */
import type { AgentEvent, AgentSession, TurnFailure, TurnOutcome } from '#agent-ports.ts';
import type { ContextUse } from '#core/schema/transcript.ts';
import type { LiveAgent } from '#core/view/agent.ts';
import type { Exit } from '#ports.ts';
import type { AttemptTranscript } from '../transcript.ts';
import type { Approvals } from '../approvals.ts';
import type { AgentStates } from '../agent-states.ts';
import type { Budgets } from '../budgets.ts';
import { Questions } from '../questions.ts';
import type { UsageLedger } from '../usage-ledger.ts';
import { untilAborted } from '../until-aborted.ts';

/** Who ended it: `person` has seen what it was about; the others have not. */
export type TurnStop = 'person' | 'stopped' | 'withdrawn' | 'budget';

export type Spent = {
  model: string | null;
  inputTokens: number;
  cachedTokens: number;
  outputTokens: number;
  costUsd: number | null;
};

export type TurnEnd = {
  outcome: TurnOutcome | 'lost';
  text: string;
  failure: TurnFailure | undefined;
  /** How its program ended, where it did. */
  exit: Exit | undefined;
  /** What its tool was told, or told, of a limit: until when. */
  limitedUntilMs: number | undefined;
  stop: TurnStop | undefined;
  /** The tool took the prompt up. */
  hasWorked: boolean;
  spent: Spent;
  context: ContextUse | null;
};

const NOTHING_SPENT: Spent = { model: null, inputTokens: 0, cachedTokens: 0, outputTokens: 0, costUsd: 0 };

/** What a turn needs of its node. */
export type TurnDesk = {
  approvals: Pick<Approvals, 'ask'>;
  states: Pick<AgentStates, 'stands' | 'holds'>;
  ledger: Pick<UsageLedger, 'used'>;
  budgets: Pick<Budgets, 'spendingOf'>;
};

type TurnOptions = {
  agent: LiveAgent;
  n: number;
  /** The folder it works in. */
  cwd: string;
  desk: TurnDesk;
  transcript: AttemptTranscript;
  /** The tool's own name for its conversation. */
  began: (session: string) => void;
};

type Ended = Extract<AgentEvent, { kind: 'turn_ended' }>;

export class AgentTurn {
  readonly transcript: AttemptTranscript;
  readonly #o: TurnOptions;
  #session: AgentSession | undefined;
  #stop: TurnStop | undefined;
  #spent: Spent = NOTHING_SPENT;
  #context: ContextUse | null = null;
  #limitedUntilMs: number | undefined;
  #hasWorked = false;

  constructor(o: TurnOptions) {
    this.#o = o;
    this.transcript = o.transcript;
  }

  /** Gives it a prompt and follows it. Undefined: `detached` was aborted, and the turn goes on without this node. */
  async run(session: AgentSession, prompt: string, detached: AbortSignal): Promise<TurnEnd | undefined> {
    this.#session = session;
    this.transcript.prompts(prompt);
    if (this.#stop !== undefined) return this.end('interrupted', '');
    await session.prompt(prompt);
    // Whoever stopped it while it was starting found nothing to interrupt.
    if (this.#wasStopped()) await session.interrupt();
    return this.follow(session, detached);
  }

  /** Follows one that ran when this node stopped. */
  async follow(session: AgentSession, detached: AbortSignal): Promise<TurnEnd | undefined> {
    this.#session = session;
    const questions = this.#questions(session);
    try {
      for await (const event of untilAborted(session.events, detached)) {
        this.transcript.on(event);
        questions.on(event);
        if (event.kind === 'turn_ended') return this.#over(event);
        if (event.kind === 'exited') break;
        this.#heard(event);
      }
      return detached.aborted ? undefined : this.end('failed', 'the agent ended without ending its turn', 'agent_gone');
    } finally {
      questions.close(detached.aborted ? 'detached' : 'ended');
    }
  }

  /** A tool may name its questions anew in each turn: what was answered in an earlier one is no answer to the same name in this. */
  #questions(session: AgentSession): Questions {
    const { agent, n, cwd, desk } = this.#o;
    const answer: AgentSession['answer'] = (request, decision) => {
      this.transcript.answered(request, decision);
      return session.answer(request, decision);
    };
    return new Questions({
      plan: { task: agent.id, attempt: 1, agent },
      session: { answer },
      cwd,
      tell: () => {},
      desk: {
        ask: (question) => {
          const request = { ...question.request, request: `${n}.${question.request.request}` };
          return desk.approvals.ask({ ...question, request });
        },
        stands: (id, state) => desk.states.stands(id, state),
      },
    });
  }

  /** Safe at any time, and again. */
  async interrupt(stop: TurnStop): Promise<void> {
    this.#stop ??= stop;
    await this.#session?.interrupt();
  }

  steer(text: string): Promise<void> {
    if (this.#session === undefined) throw new Error('its turn has not begun');
    this.transcript.person(text);
    return this.#session.steer(text);
  }

  end(outcome: TurnEnd['outcome'], text: string, failure?: TurnFailure, exit?: Exit): TurnEnd {
    return {
      outcome,
      text,
      failure,
      exit,
      limitedUntilMs: this.#limitedUntilMs,
      stop: this.#stop,
      hasWorked: this.#hasWorked,
      spent: this.#spent,
      context: this.#context,
    };
  }

  #wasStopped(): boolean {
    return this.#stop !== undefined;
  }

  #heard(event: AgentEvent): void {
    const { desk, began } = this.#o;
    const { id } = this.#o.agent;
    switch (event.kind) {
      case 'state':
        if (event.state === 'running') this.#hasWorked = true;
        if (event.state === 'rate_limited') this.#limitedUntilMs = event.untilMs;
        desk.states.stands(id, event);
        break;
      case 'context':
        this.#context = { tokens: event.tokens, max: event.max };
        desk.states.holds(id, this.#context);
        break;
      case 'session':
        began(event.session);
        break;
      case 'usage':
        this.#use(event);
        break;
      default:
    }
  }

  #use({ id: name, usage }: Extract<AgentEvent, { kind: 'usage' }>): void {
    const { agent, desk } = this.#o;
    const { inputTokens, cachedTokens, outputTokens, costUsd } = usage;
    const held = this.#spent;
    this.#spent = {
      model: held.model ?? usage.model,
      inputTokens: held.inputTokens + inputTokens,
      cachedTokens: held.cachedTokens + cachedTokens,
      outputTokens: held.outputTokens + outputTokens,
      costUsd: costUsd === null || held.costUsd === null ? null : held.costUsd + costUsd,
    };
    desk.ledger.used({ task: agent.id, attempt: 1, agent: agent.id, id: name, usage });
    if (desk.budgets.spendingOf(agent).kind === 'over') void this.interrupt('budget').catch(() => {});
  }

  /** An end of the holder, or of the machine, is none of the agent's. */
  #over({ outcome, text, failure, exit }: Ended): TurnEnd {
    if (exit?.error?.startsWith('holder_') === true) return this.end('lost', text, failure, exit);
    return this.end(this.#stop !== undefined && outcome === 'failed' ? 'interrupted' : outcome, text, failure, exit);
  }
}
