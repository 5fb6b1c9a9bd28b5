/** OpenCode's HTTP interface, as far as it is used here: `opencode serve`, its `/doc` names the rest. */
import { z } from 'zod';
import { DriverRefusal } from '../refusal.ts';

/** A request that is not answered by then fails. Its slowest answers that were seen, at its start with twenty others on two cores, took six seconds. */
const REQUEST_MAX_MS = 120_000;
/** An event carries at most one part of a message. */
const EVENT_MAX_CHARS = 32 * 1024 * 1024;

const ERROR_SHOWN_CHARS = 300;

export const errorSchema = z.looseObject({
  name: z.string().default('unknown'),
  data: z.looseObject({ message: z.string().optional(), statusCode: z.number().optional() }).default({}),
});
export type OpenCodeError = z.output<typeof errorSchema>;

const tokens = z.looseObject({
  input: z.number().default(0),
  output: z.number().default(0),
  reasoning: z.number().default(0),
  cache: z.looseObject({ read: z.number().default(0), write: z.number().default(0) }).default({ read: 0, write: 0 }),
});

const partSchema = z.looseObject({
  id: z.string(),
  messageID: z.string(),
  type: z.string(),
  text: z.string().optional(),
  tool: z.string().optional(),
  callID: z.string().optional(),
  state: z
    .looseObject({
      status: z.string(),
      input: z.unknown().optional(),
      title: z.string().optional(),
      output: z.string().optional(),
      error: z.string().optional(),
    })
    .optional(),
  tokens: tokens.optional(),
  cost: z.number().optional(),
});
export type Part = z.output<typeof partSchema>;

const infoSchema = z.looseObject({
  id: z.string(),
  role: z.string(),
  modelID: z.string().optional(),
  error: errorSchema.optional(),
});
const messageSchema = z.looseObject({ info: infoSchema, parts: z.array(partSchema) });
export type Message = z.output<typeof messageSchema>;

const statusSchema = z.looseObject({
  type: z.string(),
  attempt: z.number().optional(),
  message: z.string().optional(),
  /** When it tries again, by the wall clock. */
  next: z.number().optional(),
});

export const permissionSchema = z.looseObject({
  id: z.string(),
  sessionID: z.string(),
  permission: z.string(),
  patterns: z.array(z.string()).default([]),
  metadata: z.record(z.string(), z.unknown()).default({}),
});
export type Permission = z.output<typeof permissionSchema>;

export const eventSchema = z.looseObject({
  type: z.string(),
  properties: z
    .looseObject({
      sessionID: z.string().optional(),
      status: statusSchema.optional().catch(undefined),
      error: errorSchema.optional().catch(undefined),
      info: infoSchema.optional().catch(undefined),
      part: partSchema.optional().catch(undefined),
      partID: z.string().optional(),
      field: z.string().optional(),
      delta: z.string().optional(),
      requestID: z.string().optional(),
    })
    .default({}),
});
export type OpenCodeEvent = z.output<typeof eventSchema>;

/** A request that the server refused, with the status of its answer. One that did not reach it, or was not answered in time, fails as `fetch` does. */
export class OpenCodeFailure extends Error {
  readonly code = 'opencode_failed';
  readonly status: number;

  constructor(message: string, status: number) {
    super(message);
    this.status = status;
  }
}

const sessionSchema = z.looseObject({ id: z.string(), directory: z.string() });

const NOT_FOUND = 404;

/** One server. All methods speak of one folder, whose sessions and settings OpenCode keeps apart. */
export class OpenCodeApi {
  readonly #url: string;
  readonly #authorization: string;

  constructor(o: { url: string; password: string }) {
    this.#url = o.url;
    this.#authorization = `Basic ${Buffer.from(`opencode:${o.password}`).toString('base64')}`;
  }

  /** Rejects where nothing answers with this password. */
  async health(): Promise<void> {
    await this.#ask('GET', '/global/health', { directory: '/' });
  }

  async newSession(directory: string, body: object): Promise<string> {
    const session = z.looseObject({ id: z.string() });
    return session.parse(await this.#ask('POST', '/session', { directory, body })).id;
  }

  /**
   * A copy of it, with rules of its own: OpenCode copies none. It works in the folder of the first one, whatever folder is asked for, so it is moved;
   * where that is refused, no copy is left.
   */
  async forkSession(directory: string, session: string, body: object): Promise<string> {
    const answer = await this.#ask('POST', `/session/${session}/fork`, { directory, body: {} });
    const { id, directory: place } = sessionSchema.parse(answer);
    if (place !== directory) {
      const why = await this.#moved(id, directory).catch(String);
      if (why !== undefined) {
        await this.#ask('DELETE', `/session/${id}`, { directory: place });
        throw new DriverRefusal('not_supported', `opencode takes no copy of a conversation from ${place} here: ${why}`);
      }
    }
    await this.#ask('PATCH', `/session/${id}`, { directory, body });
    return id;
  }

  /** Undefined: it works there now. */
  async #moved(id: string, directory: string): Promise<string | undefined> {
    const body = { sessionID: id, destination: { directory } };
    await this.#ask('POST', '/experimental/control-plane/move-session', { directory, body });
    const { directory: place } = sessionSchema.parse(await this.#ask('GET', `/session/${id}`, { directory }));
    return place === directory ? undefined : `it stays in ${place}`;
  }

  async hasSession(directory: string, session: string): Promise<boolean> {
    const answer = await this.#ask('GET', `/session/${session}`, { directory }).catch(() => undefined);
    return answer !== undefined;
  }

  async prompt(directory: string, session: string, body: object): Promise<void> {
    await this.#ask('POST', `/session/${session}/prompt_async`, { directory, body });
  }

  async abort(directory: string, session: string): Promise<void> {
    await this.#ask('POST', `/session/${session}/abort`, { directory, body: {} });
  }

  async addServer(directory: string, name: string, config: object): Promise<void> {
    await this.#ask('POST', '/mcp', { directory, body: { name, config } });
  }

  /** One that is answered already, or whose turn has ended, is not there any more: it needs no answer. */
  async reply(directory: string, permission: string, body: object): Promise<void> {
    await this.#ask('POST', `/permission/${permission}/reply`, { directory, body }).catch((error: unknown) => {
      if (!(error instanceof OpenCodeFailure) || error.status !== NOT_FOUND) throw error;
    });
  }

  async permissions(directory: string): Promise<Permission[]> {
    return z.array(permissionSchema).parse(await this.#ask('GET', '/permission', { directory }));
  }

  async isBusy(directory: string, session: string): Promise<boolean> {
    const all = z.record(z.string(), statusSchema).parse(await this.#ask('GET', '/session/status', { directory }));
    return all[session] !== undefined && all[session].type !== 'idle';
  }

  /** What came after the last prompt of these words; undefined: there is none. */
  async messagesSince(directory: string, session: string, prompt: string): Promise<Message[] | undefined> {
    const answer = await this.#ask('GET', `/session/${session}/message`, { directory });
    const messages = z.array(messageSchema).parse(answer);
    const isPrompt = ({ info, parts }: Message): boolean =>
      info.role === 'user' && parts.some(({ text }) => text === prompt);
    const at = messages.findLastIndex(isPrompt);
    return at < 0 ? undefined : messages.slice(at + 1);
  }

  /** Events of the folder from now on: resolves when they are being heard. The stream ends with the connection. */
  async events(directory: string, signal: AbortSignal): Promise<AsyncIterable<OpenCodeEvent>> {
    const response = await fetch(this.#address('/event', directory), {
      headers: { authorization: this.#authorization },
      signal,
    });
    if (!response.ok || response.body === null)
      throw new OpenCodeFailure(`GET /event: status ${response.status}`, response.status);
    return readEvents(response.body);
  }

  async #ask(method: string, path: string, o: { directory: string; body?: object }): Promise<unknown> {
    const response = await fetch(this.#address(path, o.directory), {
      method,
      headers: { authorization: this.#authorization, 'content-type': 'application/json' },
      ...(o.body === undefined ? {} : { body: JSON.stringify(o.body) }),
      signal: AbortSignal.timeout(REQUEST_MAX_MS),
    });
    const text = await response.text();
    if (!response.ok) {
      const why = `${method} ${path}: status ${response.status} ${text.slice(0, ERROR_SHOWN_CHARS)}`;
      throw new OpenCodeFailure(why, response.status);
    }
    return text === '' ? undefined : JSON.parse(text);
  }

  #address(path: string, directory: string): string {
    return `${this.#url}${path}?directory=${encodeURIComponent(directory)}`;
  }
}

/** Server-sent events whose data is JSON on one line, as OpenCode writes them. What is no such event is passed over. */
async function* readEvents(body: AsyncIterable<Uint8Array>): AsyncGenerator<OpenCodeEvent, void, undefined> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const piece of body) {
    rest += decoder.decode(piece, { stream: true });
    const lines = rest.split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > EVENT_MAX_CHARS) throw new Error(`an event of more than ${EVENT_MAX_CHARS} characters`);
    for (const line of lines) {
      if (!line.startsWith('data:')) continue;
      const event = eventSchema.safeParse(JSON.parse(line.slice('data:'.length)));
      if (event.success) yield event.data;
    }
  }
}
