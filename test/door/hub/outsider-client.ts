/** A client of AgentChat by somebody who has read the reference page and nothing else: a WebSocket, and each frame held to the page's row. */
import type { KeyObject } from 'node:crypto';
import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { once } from 'node:events';
import { WebSocket } from 'ws';
import { z } from 'zod';
import { Challenge, Joined, Message, Pong, Refusal, Row, Welcome } from './outsider-rows.ts';

/** A busy machine is no failure; what has not come after this long does not come. */
const IN_VAIN_MS = 60_000;

/** What the page allows: one MSG a second. A clock on each side, so a little more. */
const MSG_PACE_MS = 1_050;

/** A client that is told RATE_LIMITED speaks again, but not for ever. */
const SAYING_ATTEMPTS_MAX = 20;

/** Ed25519 identity of section 6. */
export class Key {
  readonly pem: string;
  readonly agentId: string;
  readonly #private: KeyObject;

  constructor() {
    const pair = generateKeyPairSync('ed25519');
    this.pem = pair.publicKey.export({ type: 'spki', format: 'pem' }).toString();
    this.agentId = `@${createHash('sha256').update(this.pem).digest('hex').slice(0, 16)}`;
    this.#private = pair.privateKey;
  }

  /** Base64, as every signature of the protocol. */
  sign(text: string): string {
    return sign(null, Buffer.from(text), this.#private).toString('base64');
  }
}

/** One connection. Frames wait in order of arrival until somebody takes them. */
export class OutsiderClient {
  /** What came and is on no row of the page. A test ends with none. */
  readonly faults: string[] = [];
  readonly closed: Promise<{ code: number; reason: string }>;
  id = '';
  #waiting: unknown[] = [];
  readonly #socket: WebSocket;
  readonly #arrived = new Set<() => void>();
  #ended = '';
  #mayTalkAt = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    this.closed = new Promise((resolve) => {
      socket.once('close', (code, reason) => {
        this.#ended = `closed with ${code} ${String(reason)}`;
        resolve({ code, reason: String(reason) });
        for (const look of this.#arrived) look();
      });
    });
    socket.on('error', () => {});
    socket.on('message', (bytes: Buffer, binary: boolean) => this.#take(bytes, binary));
  }

  static async connect(url: string): Promise<OutsiderClient> {
    const socket = new WebSocket(url);
    const client = new OutsiderClient(socket);
    await once(socket, 'open');
    return client;
  }

  #take(bytes: Buffer, binary: boolean): void {
    const text = bytes.toString();
    if (binary) this.faults.push('a binary frame');
    const frame: unknown = JSON.parse(text);
    if (!Row.safeParse(frame).success) this.faults.push(text.slice(0, 2_000));
    this.#waiting.push(frame);
    for (const look of this.#arrived) look();
  }

  /** Sends a frame, or text as it is. */
  send(frame: object | string): void {
    this.#socket.send(typeof frame === 'string' ? frame : JSON.stringify(frame));
  }

  /** Takes the first waiting frame of this row for which `where` holds; waits for it where it has not come. */
  async next<S extends z.ZodType>(row: S, where: (frame: z.infer<S>) => boolean = () => true): Promise<z.infer<S>> {
    const until = AbortSignal.timeout(IN_VAIN_MS);
    for (;;) {
      for (const [at, frame] of this.#waiting.entries()) {
        const read = row.safeParse(frame);
        if (read.success && where(read.data)) {
          this.#waiting.splice(at, 1);
          return read.data;
        }
      }
      const seen = `; waiting: ${JSON.stringify(this.#waiting).slice(0, 3_000)}; on no row: ${this.faults.join(' ')}`;
      if (this.#ended !== '') throw new Error(`${this.#ended}${seen}`);
      if (until.aborted) throw new Error(`did not come${seen}`);
      await new Promise<void>((resolve) => {
        const look = (): void => {
          this.#arrived.delete(look);
          until.removeEventListener('abort', look);
          resolve();
        };
        this.#arrived.add(look);
        until.addEventListener('abort', look);
      });
    }
  }

  /** Sends a frame and takes the answer of this row. */
  ask<S extends z.ZodType>(
    frame: object | string,
    row: S,
    where?: (frame: z.infer<S>) => boolean,
  ): Promise<z.infer<S>> {
    this.send(frame);
    return this.next(row, where);
  }

  /** Sends what the hub has to refuse, and takes the refusal. */
  async refusal(frame: object | string): Promise<string> {
    const { code, message } = await this.ask(frame, Refusal);
    return `${code} ${message}`;
  }

  /** Whatever the hub had sent before it answers this is here now. Takes all waiting frames of this row. */
  async all<S extends z.ZodType>(row: S): Promise<z.infer<S>[]> {
    await this.ask({ type: 'PING' }, Pong);
    const taken: z.infer<S>[] = [];
    this.#waiting = this.#waiting.filter((frame) => {
      const read = row.safeParse(frame);
      if (read.success) taken.push(read.data);
      return !read.success;
    });
    return taken;
  }

  async comeAsGuest(name: string): Promise<z.infer<typeof Welcome>> {
    const welcome = await this.ask({ type: 'IDENTIFY', name }, Welcome);
    this.id = welcome.agent_id;
    return welcome;
  }

  async challenge(name: string, key: Key): Promise<z.infer<typeof Challenge>> {
    return this.ask({ type: 'IDENTIFY', name, pubkey: key.pem }, Challenge);
  }

  /** The frame that answers a challenge: section 6, row `login`. */
  answerTo({ nonce, challenge_id }: z.infer<typeof Challenge>, key: Key): object {
    const timestamp = Date.now();
    const signature = key.sign(`AGENTCHAT_AUTH|${nonce}|${challenge_id}|${timestamp}`);
    return { type: 'VERIFY_IDENTITY', challenge_id, signature, timestamp };
  }

  async comeWithKey(name: string, key: Key): Promise<z.infer<typeof Welcome>> {
    const challenge = await this.challenge(name, key);
    const welcome = await this.ask(this.answerTo(challenge, key), Welcome);
    this.id = welcome.agent_id;
    return welcome;
  }

  async join(channel: string): Promise<z.infer<typeof Joined>> {
    return this.ask({ type: 'JOIN', channel }, Joined, (joined) => joined.channel === channel);
  }

  /** Says it at the pace that the page allows, and returns it as it came back. */
  async say(to: string, content: string, fields: object = {}): Promise<z.infer<typeof Message>> {
    for (let attempt = 0; attempt < SAYING_ATTEMPTS_MAX; attempt++) {
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, this.#mayTalkAt - Date.now())));
      const answer = z.union([Message, Refusal]);
      const said = await this.ask({ type: 'MSG', to, content, ...fields }, answer, (frame) =>
        frame.type === 'ERROR' ? true : frame.from === this.id && frame.content === content,
      );
      this.#mayTalkAt = Date.now() + MSG_PACE_MS;
      if (said.type === 'MSG') return said;
      if (said.code !== 'RATE_LIMITED') throw new Error(`${said.code} ${said.message}`);
    }
    throw new Error(`still RATE_LIMITED after ${SAYING_ATTEMPTS_MAX} attempts`);
  }

  async close(): Promise<void> {
    this.#socket.close();
    const cut = setTimeout(() => this.#socket.terminate(), 5_000);
    await this.closed;
    clearTimeout(cut);
  }
}
