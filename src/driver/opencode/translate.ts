/** Events of one OpenCode session as events of an agent. Pure: it is tested on recorded events. */
import type { AgentEvent, PermissionRequest, TurnFailure, TurnOutcome } from '#agent-ports.ts';
import { toolInput, toolOutput } from '../tool-text.ts';
import { oneLine, toolTitle } from '../tool-title.ts';
import type { Message, OpenCodeError, OpenCodeEvent, Part, Permission } from './api.ts';

/** How the turn went, as far as it was told, once the session is idle. */
export type TurnEnd = { outcome: TurnOutcome; text: string; failure?: TurnFailure };

/** OpenCode tries again for ever where a limit is reached; after so many tries in a row a turn is no longer worth its place. */
const RETRIES_MAX = 8;

/** As the server itself tells it. */
export const state = (
  name: 'starting' | 'running' | 'waiting' | 'retrying' | 'rate_limited' | 'idle' | 'exited',
  evidence: string,
  untilMs?: number,
): AgentEvent => ({
  kind: 'state',
  state: name,
  source: 'protocol',
  exact: true,
  evidence,
  ...(untilMs === undefined ? {} : { untilMs }),
});

const delta = (text: string, isSaid: boolean): AgentEvent => ({
  kind: 'delta',
  stream: isSaid ? 'stdout' : 'thought',
  text,
});

const RATE_LIMIT = /\b429\b|rate.?limit|too many requests/i;

export class Translator {
  readonly #session: string;
  readonly #cwd: string;
  /** Parts that hold text of the model, by id, and those that hold its thoughts. */
  readonly #texts = new Map<string, { message: string; text: string }>();
  readonly #thoughts = new Map<string, { message: string; text: string }>();
  readonly #tools = new Map<string, string>();
  readonly #models = new Map<string, string>();
  /** Messages of earlier turns: what an abort has still to say of them is no news. */
  readonly #older = new Set<string>();
  #error: OpenCodeError | undefined;
  /** Its retries are given up: whatever the abort is called then, this is why. */
  #givenUp: OpenCodeError | undefined;
  #wasLimited = false;
  /** An abort is followed by two words that the session is idle; the second is no end of the next turn. */
  #wasBusy = false;

  constructor(o: { session: string; cwd: string }) {
    this.#session = o.session;
    this.#cwd = o.cwd;
  }

  /** A turn was asked for: what came before it is not its own. */
  begin(): void {
    this.#texts.clear();
    this.#thoughts.clear();
    this.#tools.clear();
    for (const message of this.#models.keys()) this.#older.add(message);
    this.#models.clear();
    this.#error = undefined;
    this.#givenUp = undefined;
    this.#wasLimited = false;
    this.#wasBusy = false;
  }

  /** Messages that came after the prompt, read whole: what was not heard of them is told now. */
  catchUp(messages: readonly Message[]): AgentEvent[] {
    this.#wasBusy = true;
    return messages.flatMap(({ info, parts }) => {
      if (info.role !== 'assistant' || this.#older.has(info.id)) return [];
      this.#message(info);
      return parts.flatMap((part) => this.#part(part));
    });
  }

  /** `idle`: the session has nothing to do any more; `giveUp`: it would try for ever. */
  read({ type, properties }: OpenCodeEvent): { events: AgentEvent[]; follows?: 'idle' | 'giveUp' } {
    if (properties.sessionID !== this.#session) return { events: [] };
    switch (type) {
      case 'session.status':
        return this.#status(properties.status);
      case 'session.idle':
        return this.#wasBusy ? { events: [], follows: 'idle' } : { events: [] };
      case 'session.error':
        if (this.#wasBusy) this.#error = properties.error ?? this.#error;
        return { events: [] };
      case 'message.updated':
        this.#message(properties.info);
        return { events: [] };
      case 'message.part.updated':
        return { events: properties.part === undefined ? [] : this.#part(properties.part) };
      case 'message.part.delta':
        return { events: this.#delta(properties) };
      case 'permission.replied':
        return { events: [{ kind: 'permission_closed', request: properties.requestID ?? '' }, state('running', type)] };
      default:
        return { events: [] };
    }
  }

  permission(asked: Permission): AgentEvent[] {
    if (asked.sessionID !== this.#session) return [];
    const request = permissionOf(asked, this.#cwd);
    return [{ kind: 'permission', request }, state('waiting', `permission: ${request.title}`)];
  }

  /** How the turn went, as far as it was heard. */
  end(): TurnEnd {
    const error = this.#givenUp ?? this.#error;
    if (error === undefined) return { outcome: 'completed', text: this.#lastText() };
    const text = [error.name, error.data.message].filter((one) => one !== undefined).join(': ');
    if (error.name === 'MessageAbortedError') return { outcome: 'interrupted', text };
    return { outcome: 'failed', text, ...failureOf(error, this.#wasLimited) };
  }

  /** A part as it stands now; what was told of it before is not told again. */
  #part(part: Part): AgentEvent[] {
    if (part.type === 'tool') return this.#tool(part);
    if (part.type === 'step-finish') return this.#usage(part);
    const isText = part.type === 'text';
    return (isText || part.type === 'reasoning') && this.#models.has(part.messageID) ? this.#text(part, isText) : [];
  }

  #text({ id, messageID, text = '' }: Part, isText: boolean): AgentEvent[] {
    const texts = isText ? this.#texts : this.#thoughts;
    const told = texts.get(id)?.text ?? '';
    texts.set(id, { message: messageID, text });
    return text.length > told.length ? [delta(text.slice(told.length), isText)] : [];
  }

  #status(status: OpenCodeEvent['properties']['status']): { events: AgentEvent[]; follows?: 'giveUp' } {
    if (status?.type === 'busy') {
      const isNews = !this.#wasBusy || this.#wasLimited;
      this.#wasBusy = true;
      this.#wasLimited = false;
      return { events: isNews ? [state('running', 'session.status busy')] : [] };
    }
    if (status?.type !== 'retry') return { events: [] };
    const { attempt = 1, message = '', next } = status;
    this.#wasLimited = RATE_LIMIT.test(message);
    const name = this.#wasLimited ? 'rate_limited' : 'retrying';
    const events = [state(name, `try ${attempt}: ${oneLine(message)}`, next)];
    if (attempt <= RETRIES_MAX) return { events };
    this.#givenUp = { name: 'APIError', data: { message: `given up after ${RETRIES_MAX} tries: ${message}` } };
    return { events, follows: 'giveUp' };
  }

  #message(info: OpenCodeEvent['properties']['info']): void {
    if (info?.role !== 'assistant' || this.#older.has(info.id)) return;
    this.#models.set(info.id, info.modelID ?? '');
    this.#error = info.error ?? this.#error;
  }

  #delta({ partID = '', field, delta: text = '' }: OpenCodeEvent['properties']): AgentEvent[] {
    const said = this.#texts.get(partID);
    const part = said ?? this.#thoughts.get(partID);
    if (part === undefined || field !== 'text' || text === '') return [];
    part.text += text;
    return [delta(text, said !== undefined)];
  }

  #tool({ callID = '', tool = 'tool', state: now }: Part): AgentEvent[] {
    if (now === undefined || now.status === 'pending' || this.#tools.get(callID) === now.status) return [];
    this.#tools.set(callID, now.status);
    const title = toolTitle(tool, now.input);
    const call = { kind: 'tool' as const, id: callID, name: tool, title, input: toolInput(now.input) };
    if (now.status === 'completed') return [{ ...call, state: 'completed', output: toolOutput(now.output) }];
    if (now.status !== 'error') return [{ ...call, state: 'running' }];
    const state = /rejected/i.test(now.error ?? '') ? 'denied' : 'failed';
    return [{ ...call, state, output: toolOutput(now.error) }];
  }

  #usage({ id, messageID, tokens, cost }: Part): AgentEvent[] {
    if (tokens === undefined) return [];
    const { input, output, reasoning, cache } = tokens;
    const model = this.#models.get(messageID);
    return [
      {
        kind: 'usage',
        id,
        usage: {
          model: model === undefined || model === '' ? null : model,
          inputTokens: input + cache.write,
          cachedTokens: cache.read,
          // OpenCode tells reasoning apart.
          outputTokens: output + reasoning,
          reasoningTokens: reasoning,
          // A model without a price is counted as free; what it costs is then not known.
          costUsd: cost === undefined || cost === 0 ? null : cost,
        },
      },
      { kind: 'context', tokens: input + cache.read + cache.write + output + reasoning, max: null },
    ];
  }

  /** What the model said in its last message. */
  #lastText(): string {
    const last = [...this.#texts.values()].at(-1)?.message;
    return [...this.#texts.values()]
      .filter(({ message }) => message === last)
      .map(({ text }) => text)
      .join('')
      .trim();
  }
}

function failureOf({ name, data }: OpenCodeError, wasLimited: boolean): { failure?: TurnFailure } {
  const { statusCode } = data;
  if (statusCode === 429 || wasLimited) return { failure: 'rate_limited' };
  if (statusCode === 401 || statusCode === 403 || name === 'ProviderAuthError') return { failure: 'login' };
  return name === 'APIError' ? { failure: 'model' } : {};
}

const KINDS: Readonly<Record<string, PermissionRequest['kind']>> = { bash: 'command', edit: 'edit' };

/** What it asks leave for, in the words of the seam to drivers. */
export function permissionOf({ id, permission, patterns, metadata }: Permission, cwd: string): PermissionRequest {
  const { command, diff } = metadata;
  const path = metadata['filepath'] ?? metadata['filePath'];
  const kind = KINDS[permission] ?? 'tool';
  const exact = kind === 'command' ? command : diff;
  return {
    request: id,
    kind,
    tool: permission,
    title: typeof exact === 'string' && kind === 'command' ? oneLine(exact) : `${permission}: ${patterns.join(', ')}`,
    detail: typeof exact === 'string' ? exact : JSON.stringify({ patterns, ...metadata }, undefined, 2),
    cwd,
    paths: typeof path === 'string' && path.startsWith('/') ? [path] : [],
  };
}
