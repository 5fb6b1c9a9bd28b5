/** Claude Code 2.1's stream-json protocol, a line at a time. */
import type { AgentEvent, PermissionAnswer, TurnFailure, TurnOutcome } from '#agent-ports.ts';
import { isKept, nothing, only, type Dialect, type Told } from '../line/dialect.ts';
import { Telling } from '../line/telling.ts';
import { toolInput, toolOutput } from '../tool-text.ts';
import { toolTitle } from '../tool-title.ts';
import { messageOf, writtenOf, type ApiUsage, type Asked, type Message, type Result } from './messages.ts';
import { decisionOf, permissionOf } from './permission.ts';
import { contextMaxOf, contextTokensOf, usageOf } from './usage.ts';

type Of<Type> = Extract<Message, { type: Type }>;

export class ClaudeDialect implements Dialect {
  readonly #telling = new Telling();
  readonly #cwd: string;
  /** Of a turn that this node asked for before it attached: what comes before it is not told. */
  #skipTo: string | undefined;
  /** Requests that were answered before this node attached; the output says so only later, or never. */
  readonly #answered = new Set<string>();
  #conversation: string | undefined;
  /** The turn that runs, or is to run; it has begun when the tool has taken its line up. */
  #turn: { name: string; hasBegun: boolean; interrupt: string | undefined } | undefined;
  readonly #open = new Map<string, Asked>();
  readonly #calls = new Map<string, { name: string; title: string }>();
  #isInText = false;
  #context: ApiUsage | undefined;
  #contextMax: number | null = null;
  #resetsAtMs: number | undefined;

  constructor(o: { cwd: string }) {
    this.#cwd = o.cwd;
  }

  get lastTurn(): string | undefined {
    return this.#skipTo ?? this.#turn?.name;
  }

  get isWaiting(): boolean {
    return this.#open.size > 0;
  }

  wrote(line: string): void {
    const written = writtenOf(line);
    if (written?.type === 'control_response') this.#answered.add(written.response.request_id);
    if (written?.type !== 'user' || written.steers === true) return;
    this.#skipTo = written.uuid;
    this.#turn = { name: written.uuid, hasBegun: false, interrupt: undefined };
  }

  begin(): Told {
    return nothing();
  }

  prompt(turn: string, text: string): Told {
    this.#turn = { name: turn, hasBegun: false, interrupt: undefined };
    return { events: [], lines: [userLine({ uuid: turn, text })] };
  }

  /** Claude Code takes it up after the call that it is in; where the turn has just ended, it becomes one of its own. */
  steer(name: string, text: string): Told | undefined {
    if (this.#turn === undefined) return undefined;
    return { events: [], lines: [userLine({ uuid: name, text, steers: true })] };
  }

  /** One that comes before the turn has begun would interrupt nothing: it is held until then. */
  interrupt(name: string): Told {
    const turn = this.#turn;
    if (turn?.hasBegun === true) return { events: [], lines: [interruptLine(name)] };
    if (turn !== undefined) turn.interrupt = name;
    return nothing();
  }

  answer(request: string, answer: PermissionAnswer): Told {
    const asked = this.#open.get(request);
    if (asked === undefined) return nothing();
    this.#open.delete(request);
    const line = responseLine({ subtype: 'success', request_id: request, response: decisionOf(asked, answer) });
    return {
      events: this.#telling.stand('running', `${answer.behavior}: ${asked.request.tool_name ?? ''}`),
      lines: [line],
    };
  }

  missing(): void {
    this.#skipTo = undefined;
  }

  read(line: string, nowMs: number): Told {
    const message = messageOf(line);
    if (message === undefined) return nothing();
    const told = this.#read(message, nowMs);
    if (this.#skipTo === undefined) return told;
    return { events: told.events.filter(isKept), lines: [] };
  }

  #read(message: Message, nowMs: number): Told {
    switch (message.type) {
      case 'command_lifecycle':
        return this.#lifecycle(message);
      case 'system':
        return message.subtype === 'init' ? this.#init(message.session_id) : only(this.#retry(message, nowMs));
      case 'stream_event':
        return only(this.#streamed(message));
      case 'assistant':
        return only(this.#called(message));
      case 'user':
        return this.#user(message);
      case 'rate_limit_event': {
        const { status, resetsAt } = message.rate_limit_info;
        this.#resetsAtMs = status === 'rejected' && typeof resetsAt === 'number' ? resetsAt * 1000 : undefined;
        return nothing();
      }
      case 'control_request':
        return this.#asked(message);
      case 'control_cancel_request':
        return only(this.#close(message.request_id));
      case 'control_response':
        return only(this.#close(message.response.request_id));
      case 'result':
        return only(this.#result(message));
    }
  }

  #init(session: string): Told {
    const events: AgentEvent[] = session === this.#conversation ? [] : [{ kind: 'session', session }];
    this.#conversation = session;
    return { events: [...events, ...this.#telling.stand('running', 'it began a turn')], lines: [] };
  }

  #lifecycle({ command_uuid: uuid, state }: Of<'command_lifecycle'>): Told {
    return state === 'started' ? this.#began(uuid) : nothing();
  }

  /** The tool has taken a line of ours up: the prompt's, or one that was meant for a turn which is over. */
  #began(uuid: string): Told {
    if (uuid === this.#skipTo) {
      this.#skipTo = undefined;
      this.#telling.forgetState();
    }
    if (this.#skipTo !== undefined) return nothing();
    if (this.#turn === undefined) {
      this.#turn = { name: uuid, hasBegun: true, interrupt: undefined };
      return {
        events: [{ kind: 'turn_started', turn: uuid }, ...this.#telling.stand('running', 'it took up what came late')],
        lines: [],
      };
    }
    if (this.#turn.name !== uuid || this.#turn.hasBegun) return nothing();
    const { interrupt } = this.#turn;
    this.#turn = { name: uuid, hasBegun: true, interrupt: undefined };
    return {
      events: this.#telling.stand('running', 'it took the prompt up'),
      lines: interrupt === undefined ? [] : [interruptLine(interrupt)],
    };
  }

  #retry(message: Extract<Of<'system'>, { subtype: 'api_retry' }>, nowMs: number): AgentEvent[] {
    const { attempt, max_retries: max, error_status: status, error } = message;
    const evidence = `attempt ${attempt} of ${max} after ${status ?? 'a broken connection'} (${error})`;
    this.#telling.forgetState();
    return this.#telling.stand(status === 429 ? 'rate_limited' : 'retrying', evidence, nowMs + message.retry_delay_ms);
  }

  #streamed({ parent_tool_use_id: parent, event }: Of<'stream_event'>): AgentEvent[] {
    if (typeof parent === 'string') return [];
    this.#context = event.type === 'message_start' ? event.message?.usage : { ...this.#context, ...event.usage };
    if (event.type === 'content_block_start') this.#isInText = event.content_block?.type === 'text';
    const { delta } = event;
    if (event.type === 'content_block_delta' && delta?.type === 'text_delta' && delta.text !== undefined) {
      return [...this.#telling.stand('running', 'it speaks'), this.#telling.say(delta.text)];
    }
    if (event.type === 'content_block_delta' && delta?.type === 'thinking_delta' && delta.thinking !== undefined) {
      return [...this.#telling.stand('running', 'it thinks'), this.#telling.think(delta.thinking)];
    }
    if (event.type === 'message_delta') return this.#holds();
    if (event.type !== 'content_block_stop' || !this.#isInText) return [];
    this.#isInText = false;
    return this.#telling.endLine();
  }

  /** What is in the conversation, after a message of the model. */
  #holds(): AgentEvent[] {
    const tokens = contextTokensOf(this.#context);
    return tokens === undefined ? [] : [{ kind: 'context', tokens, max: this.#contextMax }];
  }

  #called({ message }: Of<'assistant'>): AgentEvent[] {
    return message.content.flatMap(({ type, id, name, input }): AgentEvent[] => {
      if (type !== 'tool_use' || id === undefined || name === undefined || this.#calls.has(id)) return [];
      const call = { name, title: toolTitle(name, input) };
      this.#calls.set(id, call);
      return [{ kind: 'tool', id, ...call, state: 'running', input: toolInput(input) }];
    });
  }

  #user({ message, isReplay, uuid, tool_result_meta: meta }: Of<'user'>): Told {
    if (isReplay === true && typeof uuid === 'string') return this.#began(uuid);
    const ends = message.content.flatMap(({ type, tool_use_id: id, is_error: isError, content }): AgentEvent[] => {
      const call = type === 'tool_result' && id !== undefined ? this.#calls.get(id) : undefined;
      if (id === undefined || call === undefined) return [];
      this.#calls.delete(id);
      const decision = meta?.find((one) => one.id === id)?.permission_decision?.decision;
      const state = isError !== true ? 'completed' : decision === 'reject' ? 'denied' : 'failed';
      return [{ kind: 'tool', id, ...call, state, output: toolOutput(content) }];
    });
    return only(ends);
  }

  #asked(asked: Asked): Told {
    const { request_id: request, request: what } = asked;
    if (what.subtype !== 'can_use_tool') {
      const error = `skep does not answer ${what.subtype}`;
      return this.#answered.has(request)
        ? nothing()
        : { events: [], lines: [responseLine({ subtype: 'error', request_id: request, error })] };
    }
    if (this.#answered.has(request) || this.#open.has(request)) return nothing();
    this.#open.set(request, asked);
    const permission = permissionOf(asked, this.#cwd);
    const evidence = `${permission.kind === 'question' ? 'a question' : 'permission'}: ${permission.title}`;
    return only([...this.#telling.stand('waiting', evidence), { kind: 'permission', request: permission }]);
  }

  #close(request: string): AgentEvent[] {
    if (!this.#open.delete(request)) return [];
    const goesOn = this.#open.size === 0 ? this.#telling.stand('running', 'nothing is asked any more') : [];
    return [{ kind: 'permission_closed', request }, ...goesOn];
  }

  /** `is_error` decides: the subtype is `success` also where the model could not be reached. */
  #result(result: Result): AgentEvent[] {
    this.#contextMax = contextMaxOf(result) ?? this.#contextMax;
    const events: AgentEvent[] = [...this.#telling.endLine(), ...usageOf(result), ...this.#holds()];
    for (const request of this.#open.keys()) events.push({ kind: 'permission_closed', request });
    this.#open.clear();
    const turn = this.#turn;
    // Where it is skipped, another turn ended before the one that is waited for.
    if (turn === undefined || this.#skipTo !== undefined) return events;
    this.#turn = undefined;
    const [outcome, failure] = outcomeOf(result);
    const text = result.result ?? (result.errors ?? []).join('\n');
    events.push(...this.#before(failure, text));
    const how = failure === undefined ? {} : { failure };
    events.push({ kind: 'turn_ended', turn: turn.name, outcome, text, exit: undefined, ...how });
    if (failure !== 'rate_limited' && failure !== 'login')
      events.push(...this.#telling.stand('idle', `its turn ${outcome}`));
    this.#resetsAtMs = undefined;
    return events;
  }

  /** What stays so when the turn is over. */
  #before(failure: TurnFailure | undefined, text: string): AgentEvent[] {
    if (failure === 'rate_limited') return this.#telling.stand('rate_limited', text, this.#resetsAtMs);
    if (failure === 'login') return this.#telling.stand('waiting', `login: ${text}`);
    return failure === undefined ? [] : this.#telling.stand('error', text);
  }
}

function outcomeOf(result: Result): [TurnOutcome, TurnFailure | undefined] {
  if (!result.is_error) return ['completed', undefined];
  if (result.terminal_reason?.startsWith('aborted') === true) return ['interrupted', undefined];
  const status = result.api_error_status;
  if (status === 401 || status === 403) return ['failed', 'login'];
  if (status === 429) return ['failed', 'rate_limited'];
  return ['failed', typeof status === 'number' || result.terminal_reason === 'api_error' ? 'model' : undefined];
}

/** `steers` is for this node alone: it tells words during a turn from the prompt of one. */
const userLine = ({ uuid, text, steers }: { uuid: string; text: string; steers?: true }): string =>
  JSON.stringify({
    type: 'user',
    message: { role: 'user', content: text },
    parent_tool_use_id: null,
    session_id: '',
    uuid,
    ...(steers === undefined ? {} : { steers }),
  });

const interruptLine = (name: string): string =>
  JSON.stringify({ type: 'control_request', request_id: name, request: { subtype: 'interrupt' } });

const responseLine = (response: object): string => JSON.stringify({ type: 'control_response', response });
