/** The protocol of `codex app-server` 0.169, a line at a time; 0.104 speaks a part of it, which is enough. */
import type { AgentEvent, PermissionAnswer } from '#agent-ports.ts';
import { isKept, nothing, only, type Dialect, type Told } from '../line/dialect.ts';
import { Telling } from '../line/telling.ts';
import { calledServer } from './approval.ts';
import { Approvals } from './approvals.ts';
import { failureOf, resetOf, statusOf } from './failure.ts';
import { itemCall } from './item.ts';
import {
  messageOf,
  threadSchema,
  turnSchema,
  type Notification,
  type RequestId,
  type Response,
  type ServerRequest,
  type TurnError,
} from './messages.ts';
import { Outgoing } from './outgoing.ts';
import { threadAsked, type CodexDialectOptions } from './thread.ts';
import { usedBy } from './usage.ts';

type Params<Method> = Extract<Notification, { method: Method }>['params'];

/** Names of requests of ours, the same in each process; those of turns, words and interrupts are unique. */
const INITIALIZE = 'init';
const THREAD = 'thread';

/** Codex answers them when it has taken them up: what its model does is told by notifications. */
const AT_ONCE = [
  'initialize',
  'thread/start',
  'thread/resume',
  'thread/fork',
  'turn/start',
  'turn/steer',
  'turn/interrupt',
];

export class CodexDialect implements Dialect {
  readonly answeredAtOnce = AT_ONCE;
  readonly #telling = new Telling();
  readonly #o: CodexDialectOptions;
  readonly #out = new Outgoing();
  readonly #approvals: Approvals;
  #skipTo: string | undefined;
  #thread: string | undefined;
  #model: string | null = null;
  /** `remote`: Codex's own name for it, known when it has begun. */
  #turn:
    | { name: string; remote: string | undefined; text: string | undefined; interrupt: string | undefined }
    | undefined;
  #isActive = false;
  #said = '';
  #totalTokens: number | undefined;
  #resetsAtMs: number | undefined;

  constructor(o: CodexDialectOptions) {
    this.#o = o;
    this.#approvals = new Approvals(o.cwd);
  }

  get lastTurn(): string | undefined {
    return this.#skipTo ?? this.#turn?.name;
  }

  get isWaiting(): boolean {
    return this.#approvals.size > 0;
  }

  wrote(line: string): void {
    const turn = this.#out.wrote(line);
    if (turn === undefined) return;
    this.#skipTo = turn;
    this.#turn = { name: turn, remote: undefined, text: undefined, interrupt: undefined };
  }

  begin(): Told {
    const params = {
      clientInfo: { name: 'skep', title: 'skep', version: this.#o.version },
      capabilities: { experimentalApi: true },
    };
    return { events: [], lines: this.#out.request(INITIALIZE, 'initialize', params) };
  }

  /** Asked for when there is a conversation, which the tool makes first. */
  prompt(turn: string, text: string): Told {
    this.#turn = { name: turn, remote: undefined, text, interrupt: undefined };
    return { events: [], lines: this.#startTurn() };
  }

  steer(name: string, text: string): Told | undefined {
    const expectedTurnId = this.#turn?.remote;
    if (expectedTurnId === undefined) return undefined;
    const params = { threadId: this.#thread, expectedTurnId, input: inputOf(text) };
    return { events: [], lines: this.#out.request(name, 'turn/steer', params) };
  }

  /** One that comes before the turn has begun is held until then. */
  interrupt(name: string): Told {
    const turn = this.#turn;
    if (turn === undefined) return nothing();
    turn.interrupt = name;
    return { events: [], lines: this.#interruptTurn() };
  }

  answer(request: string, answer: PermissionAnswer): Told {
    const answered = this.#approvals.answer(request, answer);
    if (answered === undefined) return nothing();
    const { id, tool, result } = answered;
    const events = this.isWaiting ? [] : this.#telling.stand('running', `${answer.behavior}: ${tool}`);
    return { events, lines: this.#out.respond(id, { result }) };
  }

  missing(): void {
    this.#skipTo = undefined;
  }

  read(line: string): Told {
    const message = messageOf(line);
    if (message === undefined) return nothing();
    const told =
      message.kind === 'notification'
        ? { events: this.#notified(message.value), lines: this.#interruptTurn() }
        : message.kind === 'request'
          ? this.#asked(message.value)
          : this.#answered(message.value);
    if (this.#skipTo === undefined) return told;
    return { ...told, events: told.events.filter(isKept) };
  }

  #answered({ id, result, error }: Response): Told {
    if (id === this.#skipTo) {
      this.#skipTo = undefined;
      this.#telling.forgetState();
    }
    if (error !== undefined) return { events: this.#refused(id, error.message), lines: [] };
    if (id === INITIALIZE) return { events: [], lines: [...this.#out.notify('initialized'), ...this.#startThread()] };
    if (id === THREAD) return this.#hasThread(result);
    if (id === this.#turn?.name && this.#turn.remote === undefined) {
      this.#turn.remote = turnSchema.safeParse(result).data?.turn.id;
    }
    return nothing();
  }

  /** Without a conversation or a turn nothing will follow; an interrupt that comes too late needs no word. */
  #refused(id: RequestId, why: string): AgentEvent[] {
    const isOurs = id === INITIALIZE || id === THREAD || id === this.#turn?.name;
    return isOurs && this.#skipTo === undefined ? this.#end({ outcome: 'failed', text: why, error: undefined }) : [];
  }

  #hasThread(result: unknown): Told {
    const started = threadSchema.safeParse(result).data;
    if (started === undefined) return nothing();
    this.#thread = started.thread.id;
    this.#model = started.model ?? null;
    return { events: [{ kind: 'session', session: started.thread.id }], lines: this.#startTurn() };
  }

  #notified({ method, params }: Notification): AgentEvent[] {
    switch (method) {
      case 'turn/started':
        return this.#began(params.turn.id);
      case 'turn/completed':
        return this.#completed(params);
      case 'thread/status/changed':
        return params.status.type === 'active' && !this.isWaiting ? this.#works('it is active') : [];
      case 'item/agentMessage/delta':
        return [...this.#works('it speaks'), this.#telling.say(params.delta)];
      case 'item/reasoning/summaryTextDelta':
      case 'item/reasoning/textDelta':
        return [...this.#works('it thinks'), this.#telling.think(params.delta)];
      case 'item/reasoning/summaryPartAdded':
        return params.summaryIndex === 0 ? [] : [this.#telling.think('\n\n')];
      case 'item/started':
      case 'item/completed':
        return this.#item(params.item, method === 'item/completed');
      case 'serverRequest/resolved':
        return this.#approvals.withdraw(params.requestId).map((request) => ({ kind: 'permission_closed', request }));
      case 'error':
        return params.willRetry ? this.#retries(params.error) : [];
      case 'thread/tokenUsage/updated':
        return this.#used(params);
      case 'account/rateLimits/updated':
        this.#resetsAtMs = resetOf(params.rateLimits);
        return [];
    }
  }

  #began(remote: string): AgentEvent[] {
    this.#isActive = true;
    if (this.#turn === undefined || this.#skipTo !== undefined) return [];
    this.#turn.remote = remote;
    return this.#works('it began a turn');
  }

  #completed({ turn }: Params<'turn/completed'>): AgentEvent[] {
    this.#isActive = false;
    if (this.#skipTo !== undefined) return [];
    const outcome = turn.status === 'completed' || turn.status === 'interrupted' ? turn.status : 'failed';
    const text = outcome === 'completed' ? this.#said : (turn.error?.message ?? '');
    return this.#end({ outcome, text, error: turn.error ?? undefined });
  }

  #end(o: {
    outcome: 'completed' | 'interrupted' | 'failed';
    text: string;
    error: TurnError | undefined;
  }): AgentEvent[] {
    const events: AgentEvent[] = this.#telling.endLine();
    for (const request of this.#approvals.withdrawAll()) events.push({ kind: 'permission_closed', request });
    this.#said = '';
    const turn = this.#turn;
    if (turn === undefined) return events;
    this.#turn = undefined;
    const { outcome, text, error } = o;
    const failure = outcome === 'failed' && error !== undefined ? failureOf(error) : undefined;
    if (failure === 'rate_limited') events.push(...this.#telling.stand('rate_limited', text, this.#resetsAtMs));
    else if (failure === 'login') events.push(...this.#telling.stand('waiting', `login: ${text}`));
    else if (outcome === 'failed') events.push(...this.#telling.stand('error', text));
    const how = failure === undefined ? {} : { failure };
    events.push({ kind: 'turn_ended', turn: turn.name, outcome, text, exit: undefined, ...how });
    if (failure !== 'rate_limited' && failure !== 'login')
      events.push(...this.#telling.stand('idle', `its turn ${outcome}`));
    return events;
  }

  #item(item: Params<'item/started'>['item'], isOver: boolean): AgentEvent[] {
    this.#approvals.note(item);
    if (item.type === 'agentMessage') {
      // Words during a turn cut what was being said: that one is not completed.
      const ended = this.#telling.endLine();
      if (isOver) this.#said = item.text ?? this.#said;
      return ended;
    }
    const call = itemCall(item, isOver);
    return call === undefined ? [] : [call];
  }

  #asked(request: ServerRequest): Told {
    if (this.#out.hasAnswered(request.id)) return nothing();
    const called = calledServer(request);
    if (called !== undefined && this.#o.servers.includes(called)) {
      return { events: [], lines: this.#out.respond(request.id, { result: { action: 'accept', content: {} } }) };
    }
    const permission = this.#approvals.ask(request);
    if (permission === undefined) {
      const error = { code: -32_601, message: `skep does not answer ${request.method}` };
      return { events: [], lines: this.#out.respond(request.id, { error }) };
    }
    const evidence = `${permission.kind === 'question' ? 'a question' : 'permission'}: ${permission.title}`;
    return only([...this.#telling.stand('waiting', evidence), { kind: 'permission', request: permission }]);
  }

  #retries(error: TurnError): AgentEvent[] {
    this.#telling.forgetState();
    const evidence = [error.message, error.additionalDetails ?? ''].filter((text) => text !== '').join(': ');
    return this.#telling.stand(statusOf(error) === 429 ? 'rate_limited' : 'retrying', evidence);
  }

  /** Told again as it was at some points, also of a conversation that was just resumed. */
  #used(params: Params<'thread/tokenUsage/updated'>): AgentEvent[] {
    const { totalTokens } = params.tokenUsage.total;
    if (!this.#isActive || totalTokens === this.#totalTokens) return [];
    this.#totalTokens = totalTokens;
    return usedBy(params, this.#model);
  }

  #startThread(): string[] {
    const { method, params } = threadAsked(this.#o);
    return this.#out.request(THREAD, method, params);
  }

  #startTurn(): string[] {
    const turn = this.#turn;
    if (this.#thread === undefined || turn?.text === undefined) return [];
    const params = { threadId: this.#thread, input: inputOf(turn.text) };
    turn.text = undefined;
    return this.#out.request(turn.name, 'turn/start', params);
  }

  #interruptTurn(): string[] {
    const turn = this.#turn;
    if (!this.#isActive || turn?.interrupt === undefined || turn.remote === undefined) return [];
    const name = turn.interrupt;
    turn.interrupt = undefined;
    return this.#out.request(name, 'turn/interrupt', { threadId: this.#thread, turnId: turn.remote });
  }

  #works(evidence: string): AgentEvent[] {
    return this.#turn === undefined ? [] : this.#telling.stand('running', evidence);
  }
}

const inputOf = (text: string): object[] => [{ type: 'text', text, text_elements: [] }];
