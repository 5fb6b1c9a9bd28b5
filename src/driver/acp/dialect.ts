/** The Agent Client Protocol, a line at a time: JSON-RPC 2.0 on pipes, spoken by many tools. It tells less than a tool's own protocol: no retries. */
import type { z } from 'zod';
import type { AgentEvent, PermissionAnswer, TurnFailure, TurnOutcome, ToolServer } from '#agent-ports.ts';
import { Telling } from '../line/telling.ts';
import { isKept, only, nothing, type Dialect, type Told } from '../line/dialect.ts';
import { Calls } from './calls.ts';
import { failureOf } from './failure.ts';
import {
  answerName,
  initialized,
  lineOf,
  messageOf,
  newSession,
  permissionParams,
  promptResult,
  updateParams,
  type Message,
  type RequestId,
  type RpcError,
  type Update,
} from './messages.ts';
import { callsServer, outcomeOf, permissionOf } from './permission.ts';
import { usageOf } from './usage.ts';

type Asked = z.output<typeof permissionParams>;

export type AcpDialectOptions = {
  cwd: string;
  version: string;
  instructions: string;
  servers: readonly ToolServer[];
  /** The conversation to go on with. */
  resume: string | null;
  /** With a copy of it. */
  isFork?: boolean;
};

/** Names of requests of ours, the same in each process; those of turns are unique. */
const INITIALIZE = 'initialize';
const SESSION = 'session';
const PROTOCOL_VERSION = 1;
const METHOD_NOT_FOUND = -32_601;

/** The answer to `session/prompt` is the end of its turn. */
const AT_ONCE = ['initialize', 'session/new', 'session/load', 'session/fork'];

export class AcpDialect implements Dialect {
  readonly answeredAtOnce = AT_ONCE;
  readonly #o: AcpDialectOptions;
  /** What was written before this node attached: requests of ours by name, answers by the request's id. */
  readonly #written = new Set<string>();
  /** Turns that were asked for before this node attached; the last one's events come after the answer to what was asked before it. */
  #asked: string[] = [];
  #skipTo: RequestId | undefined;
  #session: string | undefined;
  #turn: { name: string; text: string | undefined; isAsked: boolean; isCancelled: boolean } | undefined;
  #hasPrompted = false;
  readonly #open = new Map<string, { id: RequestId; asked: Asked }>();
  readonly #calls = new Calls();
  #said = '';
  #telling = new Telling();

  constructor(o: AcpDialectOptions) {
    this.#o = o;
  }

  get lastTurn(): string | undefined {
    return this.#asked.at(-1);
  }

  get isWaiting(): boolean {
    return this.#open.size > 0;
  }

  wrote(line: string): void {
    const message = messageOf(line);
    if (message === undefined) return;
    if (message.kind === 'response') this.#written.add(answerName(message.id));
    if (message.kind !== 'request') return;
    this.#written.add(String(message.id));
    if (message.method !== 'session/prompt') return;
    this.#skipTo = this.#asked.at(-1) ?? SESSION;
    this.#asked.push(String(message.id));
    this.#hasPrompted = true;
    this.#turn = { name: String(message.id), text: undefined, isAsked: true, isCancelled: false };
  }

  begin(): Told {
    const params = {
      protocolVersion: PROTOCOL_VERSION,
      clientCapabilities: { fs: { readTextFile: false, writeTextFile: false }, terminal: false },
      clientInfo: { name: 'skep', title: 'skep', version: this.#o.version },
    };
    return { events: [], lines: this.#request(INITIALIZE, 'initialize', params) };
  }

  /** Asked for when there is a conversation, which the tool makes first. */
  prompt(turn: string, text: string): Told {
    this.#turn = { name: turn, text, isAsked: false, isCancelled: false };
    return { events: [], lines: this.#startTurn() };
  }

  /** The protocol has no words for it. */
  steer(): undefined {
    return undefined;
  }

  /** One that comes before the turn was asked for is held until then. */
  interrupt(): Told {
    if (this.#turn !== undefined) this.#turn.isCancelled = true;
    return { events: [], lines: this.#cancel() };
  }

  answer(request: string, answer: PermissionAnswer): Told {
    const open = this.#open.get(request);
    if (open === undefined) return nothing();
    this.#open.delete(request);
    return {
      events: this.#open.size > 0 ? [] : this.#telling.stand('running', `${answer.behavior}: ${request}`),
      lines: this.#respond(open.id, { result: outcomeOf(open.asked, answer) }),
    };
  }

  missing(): void {
    this.#skipTo = undefined;
  }

  read(line: string): Told {
    const message = messageOf(line);
    if (message === undefined) return nothing();
    const told = this.#read(message);
    if (this.#skipTo === undefined) return told;
    if (message.kind === 'response' && message.id === this.#skipTo) {
      this.#beginAfterSkipped();
      return {
        events: [...told.events.filter(isKept), ...this.#telling.stand('running', 'it was asked for a turn')],
        lines: told.lines,
      };
    }
    return { ...told, events: told.events.filter(isKept) };
  }

  #beginAfterSkipped(): void {
    this.#skipTo = undefined;
    this.#telling = new Telling();
    this.#said = '';
    this.#calls.clear();
    this.#open.clear();
  }

  #read(message: Message): Told {
    if (message.kind === 'response') return this.#answered(message);
    if (message.kind === 'request') return this.#wasAsked(message);
    // What comes before the turn was asked for is told again of a conversation that goes on.
    if (message.method !== 'session/update' || this.#turn?.isAsked !== true) return nothing();
    const params = updateParams.safeParse(message.params).data;
    return params === undefined ? nothing() : only(this.#updated(params.update));
  }

  #answered({ id, result, error }: Extract<Message, { kind: 'response' }>): Told {
    if (error !== undefined) return only(this.#refused(id, error));
    if (id === INITIALIZE) return this.#startSession(result);
    if (id === SESSION) {
      const { resume, isFork } = this.#o;
      const session = (isFork === true ? null : resume) ?? newSession.safeParse(result).data?.sessionId;
      // A conversation that was loaded is told again by its updates: they are no turn of this node's.
      const isNew = this.#session === undefined;
      this.#session = session ?? this.#session;
      const events: AgentEvent[] = isNew && session !== undefined ? [{ kind: 'session', session }] : [];
      return { events, lines: this.#startTurn() };
    }
    return id === this.#turn?.name ? only(this.#ended(result)) : nothing();
  }

  /** Without a conversation or a turn nothing will follow. */
  #refused(id: RequestId, error: RpcError): AgentEvent[] {
    if (id !== INITIALIZE && id !== SESSION && id !== this.#turn?.name) return [];
    const failure = failureOf(error);
    return this.#end({ outcome: 'failed', text: error.message, failure });
  }

  #ended(result: unknown): AgentEvent[] {
    const told = promptResult.safeParse(result).data ?? { stopReason: 'no reason' };
    const { stopReason } = told;
    const used = usageOf(this.#turn?.name ?? '', told);
    if (stopReason === 'end_turn') return [...used, ...this.#end({ outcome: 'completed', text: this.#said.trim() })];
    // Some agents also end a turn so in which something was denied.
    if (stopReason === 'cancelled')
      return [...used, ...this.#end({ outcome: 'interrupted', text: 'it was cancelled' })];
    return [...used, ...this.#end({ outcome: 'failed', text: `it stopped: ${stopReason}` })];
  }

  #end(o: { outcome: TurnOutcome; text: string; failure?: TurnFailure | undefined }): AgentEvent[] {
    const turn = this.#turn;
    const events = this.#telling.endLine();
    for (const request of this.#open.keys()) events.push({ kind: 'permission_closed', request });
    this.#open.clear();
    this.#calls.clear();
    this.#said = '';
    if (turn === undefined) return events;
    this.#turn = undefined;
    const { outcome, text, failure } = o;
    if (failure === 'rate_limited') events.push(...this.#telling.stand('rate_limited', text));
    else if (failure === 'login') events.push(...this.#telling.stand('waiting', `login: ${text}`));
    else if (outcome === 'failed') events.push(...this.#telling.stand('error', text));
    const how = failure === undefined ? {} : { failure };
    events.push({ kind: 'turn_ended', turn: turn.name, outcome, text, exit: undefined, ...how });
    if (failure !== 'rate_limited' && failure !== 'login')
      events.push(...this.#telling.stand('idle', `its turn ${outcome}`));
    return events;
  }

  #updated(update: Update): AgentEvent[] {
    if (update.sessionUpdate === 'agent_message_chunk') {
      const { text = '' } = update.content;
      if (text === '') return [];
      this.#said += text;
      return [...this.#telling.stand('running', 'it speaks'), this.#telling.say(text)];
    }
    if (update.sessionUpdate === 'agent_thought_chunk') {
      const { text = '' } = update.content;
      return text === ''
        ? []
        : [...this.#telling.stand('running', 'it thinks'), { kind: 'delta', stream: 'thought', text }];
    }
    if (update.sessionUpdate === 'usage_update') return [{ kind: 'context', tokens: update.used, max: update.size }];
    // What it says after a call is another message: the last one is the result.
    this.#said = '';
    const call = this.#calls.updated(update);
    return call === undefined ? [] : [...this.#telling.endLine(), call];
  }

  #wasAsked({ id, method, params }: Extract<Message, { kind: 'request' }>): Told {
    if (this.#written.has(answerName(id))) return nothing();
    const asked = method === 'session/request_permission' ? permissionParams.safeParse(params).data : undefined;
    if (asked === undefined) {
      const error = { code: METHOD_NOT_FOUND, message: `skep does not answer ${method}` };
      return { events: [], lines: this.#respond(id, { error }) };
    }
    if (callsServer(asked, this.#o.servers))
      return { events: [], lines: this.#respond(id, { result: outcomeOf(asked, { behavior: 'allow' }) }) };
    const permission = permissionOf(id, asked, this.#o.cwd);
    this.#open.set(permission.request, { id, asked });
    return only([
      ...this.#telling.stand('waiting', `permission: ${permission.title}`),
      { kind: 'permission', request: permission },
    ]);
  }

  #startSession(result: unknown): Told {
    const { cwd, servers, resume, isFork } = this.#o;
    const mcpServers = servers.map(({ name, command: [command, ...args], env }) => ({
      name,
      command,
      args,
      env: Object.entries(env).map(([variable, value]) => ({ name: variable, value })),
    }));
    const { loadSession, sessionCapabilities } = initialized.safeParse(result).data?.agentCapabilities ?? {};
    if (isFork === true && sessionCapabilities?.fork === undefined)
      return only(
        this.#end({ outcome: 'failed', text: 'this tool cannot copy a conversation: it offers no session/fork' }),
      );
    const method =
      isFork === true ? 'session/fork' : resume !== null && loadSession === true ? 'session/load' : undefined;
    if (method === undefined) return { events: [], lines: this.#request(SESSION, 'session/new', { cwd, mcpServers }) };
    return { events: [], lines: this.#request(SESSION, method, { sessionId: resume, cwd, mcpServers }) };
  }

  #startTurn(): string[] {
    const turn = this.#turn;
    if (this.#session === undefined || turn?.text === undefined) return [];
    const { instructions } = this.#o;
    const texts = [...(instructions === '' || this.#hasPrompted ? [] : [instructions]), turn.text];
    this.#hasPrompted = true;
    turn.text = undefined;
    turn.isAsked = true;
    const prompt = texts.map((text) => ({ type: 'text', text }));
    return [...this.#request(turn.name, 'session/prompt', { sessionId: this.#session, prompt }), ...this.#cancel()];
  }

  #cancel(): string[] {
    const turn = this.#turn;
    if (turn === undefined || !turn.isCancelled || !turn.isAsked || this.#session === undefined) return [];
    turn.isCancelled = false;
    return [lineOf({ method: 'session/cancel', params: { sessionId: this.#session } })];
  }

  #request(id: string, method: string, params: object): string[] {
    if (this.#written.has(id)) return [];
    this.#written.add(id);
    return [lineOf({ id, method, params })];
  }

  #respond(id: RequestId, answer: object): string[] {
    if (this.#written.has(answerName(id))) return [];
    this.#written.add(answerName(id));
    return [lineOf({ id, ...answer })];
  }
}
