/**
 * A model that plays the script in the prompt, on loopback: the real agent CLIs run against it without an account and without cost. It keeps no
 * session, so one server serves all CLIs and all tests at once.
 */
import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { Dialect } from './answer.ts';
import { anthropicAnswer, anthropicError } from './anthropic.ts';
import { chatAnswer, readChat } from './chat.ts';
import { GEMINI_PATH, geminiAnswer, geminiError, readGemini } from './gemini.ts';
import type { Asked } from './request.ts';
import { readAnthropic, readResponses } from './request.ts';
import { openAiError, responsesAnswer } from './responses.ts';
import type { Step } from './script.ts';
import { Scripts } from './script.ts';
import { toolCallOf } from './tool-call.ts';

/** One request, for whoever watches. `note`: what became of it, where that is not plain. */
export type Served = {
  method: string;
  path: string;
  dialect: Speaker['dialect'] | null;
  status: number;
  model: string | null;
  stream: boolean;
  tools: number;
  /** The step's number in its script; -1 where there is none. */
  step: number;
  prompt: string;
  note: string | null;
};

export type ModelServer = {
  readonly url: string;
  readonly port: number;
  /** Idempotent; cuts what is open. */ close(): Promise<void>;
};

type Speaker = {
  dialect: 'anthropic' | 'responses' | 'chat' | 'gemini';
  /** The requests that it answers. */
  path: RegExp;
  read: (body: unknown, path: string) => Asked;
  answer: (step: Step, o: Parameters<typeof anthropicAnswer>[1]) => Dialect;
  error: (o: { status: number; type?: string | undefined; message: string; id: string }) => object;
};

const SPEAKERS: readonly Speaker[] = [
  {
    dialect: 'anthropic',
    path: /\/v1\/messages$/,
    read: readAnthropic,
    answer: anthropicAnswer,
    error: anthropicError,
  },
  { dialect: 'responses', path: /\/v1\/responses$/, read: readResponses, answer: responsesAnswer, error: openAiError },
  { dialect: 'chat', path: /\/chat\/completions$/, read: readChat, answer: chatAnswer, error: openAiError },
  { dialect: 'gemini', path: GEMINI_PATH, read: readGemini, answer: geminiAnswer, error: geminiError },
];

/** A CLI sends its whole conversation with each request. */
const BODY_MAX_BYTES = 64 * 1024 * 1024;
const PROMPT_SHOWN_CHARS = 80;
const LOOPBACK = '127.0.0.1';
const TOKENS = { input_tokens: 100, totalTokens: 100 };
const MODELS = {
  object: 'list',
  data: [{ id: 'stub-model', object: 'model', type: 'model', display_name: 'Stub Model' }],
};

/** Listens on loopback only; 0 takes a free port. Every request needs `key`, as a bearer token, `x-api-key` or `x-goog-api-key`. Rejects when the port is taken. */
export async function startModelServer(o: {
  port: number;
  key: string;
  onServed: (served: Served) => void;
}): Promise<ModelServer> {
  const scripts = new Scripts();
  const server = createServer((request, response) => {
    const exchange = new Exchange({ request, response, scripts, key: o.key });
    void exchange.run().then(o.onServed);
  });
  // A scripted silence may be long; its end is in the script.
  server.requestTimeout = 0;
  // Nor is an idle connection closed: a CLI that asks at that moment would take it for an outage.
  server.keepAliveTimeout = 0;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(o.port, LOOPBACK, resolve);
  });
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : o.port;
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> =>
    (closing ??= new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    }));
  return { url: `http://${LOOPBACK}:${port}`, port, close };
}

type Parts = { request: IncomingMessage; response: ServerResponse; scripts: Scripts; key: string };

class Exchange {
  private readonly parts: Parts;
  private readonly id = randomBytes(9).toString('hex');
  private readonly gone = new AbortController();
  private readonly served: Served;

  constructor(parts: Parts) {
    this.parts = parts;
    const { method = 'GET', url = '/' } = parts.request;
    const path = new URL(url, 'http://localhost').pathname;
    this.served = {
      method,
      path,
      dialect: null,
      status: 200,
      model: null,
      stream: false,
      tools: 0,
      step: -1,
      prompt: '',
      note: null,
    };
    parts.response.on('close', () => {
      if (!parts.response.writableEnded) this.gone.abort();
    });
  }

  /** Answers once; never rejects. */
  async run(): Promise<Served> {
    try {
      await this.answer();
    } catch (error) {
      this.served.note = this.gone.signal.aborted ? 'the client went away' : String(error);
      this.parts.response.destroy();
    }
    return this.served;
  }

  private async answer(): Promise<void> {
    const { method, path } = this.served;
    if (method === 'HEAD' || (method === 'GET' && path === '/')) return this.json(200, { skep: 'model server' });
    const speaker = SPEAKERS.find((one) => one.path.test(path));
    if (!this.isKnown()) return this.refuse(speaker, 401, 'the key of this model server is another');
    if (method === 'GET' && path.endsWith('/models')) return this.json(200, MODELS);
    if (method === 'POST' && /[/:]count_?tokens$/i.test(path)) return this.json(200, TOKENS);
    if (method !== 'POST' || speaker === undefined)
      return this.refuse(speaker, 404, `nothing answers ${method} ${path}`);
    await this.play(speaker);
  }

  private async play(speaker: Speaker): Promise<void> {
    this.served.dialect = speaker.dialect;
    const asked = await this.read(speaker);
    if (asked === undefined) return;
    const hasTools = asked.tools.length > 0;
    const { step, index } = this.parts.scripts.next({ prompt: asked.prompt, results: asked.results, hasTools });
    const prompt = asked.prompt.slice(0, PROMPT_SHOWN_CHARS);
    Object.assign(this.served, {
      model: asked.model,
      stream: asked.stream,
      tools: asked.tools.length,
      step: index,
      prompt,
    });
    if (step.hang !== undefined) return this.hang(step.hang);
    if (step.status !== undefined) {
      for (const [name, value] of Object.entries(step.headers ?? {})) this.parts.response.setHeader(name, value);
      return this.refuse(speaker, step.status, step.message ?? `stub error ${step.status}`, step.type);
    }
    const dialect = speaker.answer(step, { asked, call: toolCallOf(step, asked), id: this.id });
    if (!asked.stream && step.drop !== true) return this.json(200, dialect.whole());
    await this.send(dialect, step.drop === true);
  }

  private async read(speaker: Speaker): Promise<Asked | undefined> {
    const pieces: Buffer[] = [];
    let bytes = 0;
    for await (const piece of this.parts.request) {
      const buffer = Buffer.from(piece);
      bytes += buffer.length;
      if (bytes > BODY_MAX_BYTES) {
        this.refuse(speaker, 413, `a body is at most ${BODY_MAX_BYTES} bytes`);
        return undefined;
      }
      pieces.push(buffer);
    }
    try {
      return speaker.read(JSON.parse(Buffer.concat(pieces).toString('utf8')), this.served.path);
    } catch (error) {
      const why = error instanceof z.ZodError ? z.prettifyError(error) : String(error);
      this.refuse(speaker, 400, `not a request of this dialect: ${why}`);
      return undefined;
    }
  }

  private async send(dialect: Dialect, drops: boolean): Promise<void> {
    const { response } = this.parts;
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
    const events = dialect.events();
    const end = drops ? Math.ceil(events.length / 2) : events.length;
    for (const event of events.slice(0, end)) {
      if (event.waitMs > 0) await sleep(event.waitMs, undefined, { signal: this.gone.signal });
      const name = event.name === '' ? '' : `event: ${event.name}\n`;
      response.write(`${name}data: ${event.data === '[DONE]' ? event.data : JSON.stringify(event.data)}\n\n`);
    }
    if (!drops) return void response.end();
    // What was said so far arrives; only then is the line cut.
    await new Promise<void>((resolve) => void response.write(':\n\n', () => resolve()));
    this.served.note = 'dropped, as the script says';
    response.destroy();
  }

  private async hang(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.gone.signal });
    this.served.note = `silent for ${ms} ms, as the script says`;
    this.parts.response.destroy();
  }

  private isKnown(): boolean {
    const { authorization, 'x-api-key': apiKey, 'x-goog-api-key': googleKey } = this.parts.request.headers;
    const given = Buffer.from(authorization?.replace(/^Bearer /, '') ?? String(apiKey ?? googleKey ?? ''));
    const wanted = Buffer.from(this.parts.key);
    return given.length === wanted.length && timingSafeEqual(given, wanted);
  }

  private refuse(speaker: Speaker | undefined, status: number, message: string, type?: string): void {
    this.served.note ??= message;
    const body = (speaker?.error ?? openAiError)({ status, type, message, id: this.id });
    // What is left of a request must not be read as the next one.
    if (!this.parts.request.complete) this.parts.response.setHeader('connection', 'close');
    this.json(status, body);
  }

  private json(status: number, body: object): void {
    this.served.status = status;
    const text = this.served.method === 'HEAD' ? '' : JSON.stringify(body);
    this.parts.response.writeHead(status, { 'content-type': 'application/json' }).end(text);
  }
}
