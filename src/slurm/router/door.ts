/**
 * The door of `codeswarm.router.v1`: loopback TCP, a JSON object a line. A client's first line bears the token; then it sends commands, hears their
 * answers, and all that happens.
 *
 *     → {"type":"auth","token":"…"}
 *     → {"protocol":"codeswarm.router.v1","type":"command","command":"inject","request_id":"r1","payload":{…}}
 *     ← {"protocol":"codeswarm.router.v1","type":"event","timestamp":"…","event":"inject_ack","data":{"request_id":"r1",…}}
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { createServer, type Server, type Socket } from 'node:net';
import { z } from 'zod';
import { JsonLines } from '#runtime/json-lines.ts';
import type { FleetEvent } from './event.ts';
import { eventLine, PROTOCOL } from './line.ts';

/** A prompt, or a persona with its files. */
const LINE_MAX_BYTES = 4 * 1024 * 1024;
/** Who does not say who it is. */
const NAMELESS_MS = 10_000;
const CLIENTS_MAX = 64;
/** Commands of one client that are under way; what comes then waits in its socket. */
const COMMANDS_MAX = 64;
/** What a client may leave unread before it is cut off: what it missed is in the outboxes. */
const UNREAD_MAX_BYTES = 16 * 1024 * 1024;

const auth = z.object({ type: z.literal('auth'), token: z.string() });
const command = z.object({
  protocol: z.literal(PROTOCOL),
  type: z.literal('command'),
  command: z.string().max(64),
  request_id: z.string().min(1).max(200),
  payload: z.record(z.string(), z.unknown()).default({}),
});
export type Command = z.output<typeof command>;

/** Tells the asker something about its command: `request_id` is added. */
export type Answer = (event: string, data: Readonly<Record<string, unknown>>) => void;

export type RouterDoorOptions = {
  port: number;
  token: string;
  nowMs: () => number;
  /** Carries a command out, and answers it with exactly one last event. Never rejects. */
  carryOut: (command: Command, answer: Answer) => Promise<void>;
};

export class RouterDoor {
  readonly #o: RouterDoorOptions;
  readonly #server: Server;
  readonly #clients = new Set<Client>();
  readonly #token: Buffer;

  /** Rejects where the port is taken. */
  static async open(o: RouterDoorOptions): Promise<RouterDoor> {
    const door = new RouterDoor(o);
    await new Promise<void>((resolve, reject) => {
      door.#server.once('error', reject);
      door.#server.listen(o.port, '127.0.0.1', resolve);
    });
    return door;
  }

  private constructor(o: RouterDoorOptions) {
    this.#o = o;
    this.#token = digestOf(o.token);
    this.#server = createServer((socket) => this.#welcome(socket));
    this.#server.maxConnections = CLIENTS_MAX;
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : this.#o.port;
  }

  /** To everybody who has said who it is. */
  tell(events: readonly FleetEvent[]): void {
    if (this.#clients.size === 0) return;
    const nowMs = this.#o.nowMs();
    const text = events.map(({ event, data }) => `${eventLine(event, data, nowMs)}\n`).join('');
    for (const client of this.#clients) if (client.isKnown) client.say(text);
  }

  /** Idempotent. */
  async close(): Promise<void> {
    for (const client of this.#clients) client.socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #welcome(socket: Socket): void {
    const isToken = (token: string): boolean => timingSafeEqual(digestOf(token), this.#token);
    const client = new Client(socket, { ...this.#o, isToken });
    this.#clients.add(client);
    socket.once('close', () => this.#clients.delete(client));
  }
}

type ClientOptions = Pick<RouterDoorOptions, 'nowMs' | 'carryOut'> & { isToken: (token: string) => boolean };

class Client {
  readonly socket: Socket;
  readonly #o: ClientOptions;
  readonly #lines = new JsonLines(LINE_MAX_BYTES);
  readonly #nameless: NodeJS.Timeout;
  isKnown = false;
  #underWay = 0;

  constructor(socket: Socket, o: ClientOptions) {
    this.socket = socket;
    this.#o = o;
    this.#nameless = setTimeout(() => this.#refuse('the first line is to be {"type":"auth","token":…}'), NAMELESS_MS);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => clearTimeout(this.#nameless));
    socket.on('data', (chunk: Buffer) => this.#hear(chunk));
  }

  say(text: string): void {
    if (this.socket.destroyed || this.socket.writableEnded) return;
    this.socket.write(text);
    if (this.socket.writableLength > UNREAD_MAX_BYTES) this.socket.destroy();
  }

  #hear(chunk: Buffer): void {
    for (const line of this.#lines.feed(chunk)) {
      if (this.socket.destroyed || this.socket.writableEnded) return;
      if (line.kind === 'record') this.#take(line.value);
      else if (line.why === 'too_long') this.#refuse(`a line has at most ${LINE_MAX_BYTES} bytes`);
      else if (this.isKnown) this.#reject(null, 'expected a JSON object a line');
      else this.#refuse('the first line is to be {"type":"auth","token":…}');
    }
    // Long before it ends: whoever sends without an end is heard no further.
    if (this.#lines.heldBytes > LINE_MAX_BYTES) this.#refuse(`a line has at most ${LINE_MAX_BYTES} bytes`);
  }

  #take(value: unknown): void {
    if (!this.isKnown) {
      const given = auth.safeParse(value).data;
      if (given === undefined) return this.#refuse('the first line is to be {"type":"auth","token":…}');
      if (!this.#o.isToken(given.token)) return this.#refuse('that is not the token of this router');
      this.isKnown = true;
      clearTimeout(this.#nameless);
      return;
    }
    const asked = command.safeParse(value);
    if (!asked.success) {
      const named = z.object({ request_id: z.string() }).safeParse(value).data?.request_id ?? null;
      const issue = asked.error.issues[0];
      return this.#reject(named, `no command of ${PROTOCOL}: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`);
    }
    this.#carryOut(asked.data);
  }

  #carryOut(asked: Command): void {
    this.#underWay += 1;
    if (this.#underWay >= COMMANDS_MAX) this.socket.pause();
    const answer: Answer = (event, data) => this.#answer(event, { request_id: asked.request_id, ...data });
    void this.#o.carryOut(asked, answer).finally(() => {
      this.#underWay -= 1;
      if (this.#underWay < COMMANDS_MAX) this.socket.resume();
    });
  }

  #answer(event: string, data: Readonly<Record<string, unknown>>): void {
    this.say(`${eventLine(event, data, this.#o.nowMs())}\n`);
  }

  #reject(request: string | null, reason: string): void {
    this.#answer('command_rejected', { request_id: request, reason });
  }

  /** Says why, and hangs up. */
  #refuse(reason: string): void {
    clearTimeout(this.#nameless);
    if (this.socket.destroyed || this.socket.writableEnded) return;
    this.#reject(null, reason);
    this.socket.end();
    this.socket.destroySoon();
  }
}

const digestOf = (token: string): Buffer => createHash('sha256').update(token).digest();
