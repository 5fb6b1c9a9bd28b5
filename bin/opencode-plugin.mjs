// What an OpenCode in a terminal loads (docs/terminals.md): tells the node what OpenCode tells of itself, and brings the answers to what it asks leave
// for. It runs in OpenCode's own process: whatever goes wrong, it says nothing, throws nothing and holds nothing up.
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { OpenCodeEvents } from './opencode-events.mjs';

/** A node that is away is tried again; what it was not told within that time it is not told any more. */
const AWAY_MAX_MS = 10 * 60_000;
const AGAIN_MS = 1_000;
/** A node that takes a line and does not answer: the next one is told nevertheless. */
const ANSWER_MAX_MS = 2_000;
/** Lines that wait for a node that is away. The oldest go first: what is newest tells how the agent stands. */
const WAITING_MAX = 256;
/** Of one text: what a tool printed, or a file that it writes, can be anything. */
const TEXT_MAX_CHARS = 256 * 1024;

/** Tells line after line, in their order, over one connection that is made anew when it is lost. */
class Teller {
  #path;
  #socket;
  #rest = '';
  #ids = 0;
  /** Not yet written. */
  #waiting = [];
  /** Written, and not answered yet. */
  #asked = new Map();
  #toldLast;
  #timer;

  /** `path`: of the file with the secret of this agent. */
  constructor(path) {
    this.#path = path;
  }

  /** `onAnswer`: of a question; it is asked again when the node was away. */
  tell(body, onAnswer) {
    this.#waiting.push({ id: (this.#ids += 1), body, onAnswer, untilMs: Date.now() + AWAY_MAX_MS });
    if (this.#waiting.length > WAITING_MAX) this.#waiting.shift();
    this.#goOn();
  }

  /** That question is answered elsewhere. */
  forget(request) {
    for (const [id, { body }] of this.#asked) if (body.request === request) this.#asked.delete(id);
    this.#waiting = this.#waiting.filter(({ body, onAnswer }) => onAnswer === undefined || body.request !== request);
  }

  #goOn() {
    this.#waiting = this.#waiting.filter(({ untilMs }) => untilMs > Date.now());
    if (this.#waiting.length === 0 || this.#timer !== undefined) return;
    if (this.#socket === undefined) return this.#connect();
    if (this.#socket.connecting) return;
    const one = this.#waiting.shift();
    this.#asked.set(one.id, one);
    if (one.onAnswer === undefined) {
      this.#toldLast = one.id;
      this.#timer = setTimeout(() => this.#answered(one.id), ANSWER_MAX_MS).unref();
    }
    const { token } = this.#secret();
    this.#socket.write(
      `${JSON.stringify({ id: one.id, token, method: 'POST', path: '/api/hooks', body: one.body })}\n`,
    );
    if (one.onAnswer !== undefined) this.#goOn();
  }

  #secret() {
    return JSON.parse(readFileSync(this.#path, 'utf8'));
  }

  #connect() {
    try {
      const socket = connect(this.#secret().socket);
      this.#socket = socket;
      this.#rest = '';
      socket.unref();
      socket.setEncoding('utf8');
      socket.on('error', () => {});
      socket.on('connect', () => quietly(() => this.#goOn()));
      socket.on('data', (text) => quietly(() => this.#read(text)));
      socket.on('close', () => quietly(() => this.#lost(socket)));
    } catch {
      this.#again();
    }
  }

  #read(text) {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop();
    for (const line of lines) {
      const { id, body } = JSON.parse(line);
      this.#asked.get(id)?.onAnswer?.(body?.decision ?? undefined);
      this.#answered(id);
    }
  }

  #answered(id) {
    this.#asked.delete(id);
    if (id !== this.#toldLast) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#goOn();
  }

  #lost(socket) {
    if (this.#socket !== socket) return;
    this.#socket = undefined;
    clearTimeout(this.#timer);
    // What was asked and not answered is asked again, before whatever came after it.
    const untilMs = Date.now() + AWAY_MAX_MS;
    this.#waiting.unshift(...[...this.#asked.values()].map((one) => ({ ...one, untilMs })));
    this.#asked.clear();
    this.#again();
  }

  #again() {
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      quietly(() => this.#goOn());
    }, AGAIN_MS).unref();
  }
}

function quietly(act) {
  try {
    return act();
  } catch {
    return undefined;
  }
}

/**
 * The only export: OpenCode takes each one for a plugin. `secret`: the path of the file that holds it; `holds`: the node answers what OpenCode asks
 * leave for, which shows its dialog meanwhile.
 */
export const skep = async ({ client, directory }, options) => {
  const { secret, holds } = options ?? {};
  if (typeof secret !== 'string') return {};
  const teller = new Teller(secret);
  const events = new OpenCodeEvents();

  const reply = (request, { behavior, message }) => {
    const body = behavior === 'allow' ? { reply: 'once' } : { reply: 'reject', ...(message ? { message } : {}) };
    const headers = { 'content-type': 'application/json' };
    client._client.post({ url: `/permission/${request}/reply`, body, headers }).catch(() => {});
  };
  const tell = ({ request, ...hook }) => {
    const isAnswered = hook.hook_event_name === 'PermissionAnswered';
    if (isAnswered) teller.forget(request);
    const isQuestion = request !== undefined && !isAnswered && holds === true;
    const name = isQuestion || isAnswered ? { request } : {};
    const body = { hook: shortened({ ...hook, cwd: directory }), ...name };
    teller.tell(
      body,
      isQuestion ? (decision) => decision !== undefined && quietly(() => reply(request, decision)) : undefined,
    );
  };
  const say = (what) => void quietly(() => what().forEach((one) => quietly(() => tell(one))));

  say(() => [{ hook_event_name: 'SessionStart', source: 'startup' }]);
  return {
    event: async ({ event }) => say(() => events.read(event)),
    'chat.message': async (input, output) => say(() => events.prompted(input, output)),
    'tool.execute.before': async (input, output) => say(() => events.used('before', input, output.args)),
    'tool.execute.after': async (input) => say(() => events.used('after', input, input.args)),
  };
};

function shortened(hook) {
  const shorter = ([name, value]) => {
    if (typeof value === 'string') return [name, value.slice(0, TEXT_MAX_CHARS)];
    return [name, JSON.stringify(value)?.length > TEXT_MAX_CHARS ? {} : value];
  };
  return Object.fromEntries(Object.entries(hook).map(shorter));
}
