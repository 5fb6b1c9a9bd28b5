/** A client of a hub: one connection, logged in. It speaks AgentChat's protocol, and so to any server of it. */
import { WebSocket } from 'ws';
import { z } from 'zod';
import { CommandFailure, EXIT } from '../exit.ts';
import type { Identity } from './identity.ts';
import { signText } from './identity.ts';

/** An answer that has not come by then does not come. */
const ANSWER_MS = 15_000;
/** Between two signs of life of this client. */
const PING_MS = 30_000;

const frameSchema = z.looseObject({ type: z.string() });
export type HubFrame = z.output<typeof frameSchema>;

export type HubPlace = {
  url: string;
  name: string;
  identity: Identity | undefined;
  invite: string | undefined;
  /** Direct messages after it are sent again at the login. */
  after?: string | undefined;
};

export class HubClient {
  agentId = '';
  /** Why it must not come back by itself, when it was told so. */
  dismissed: string | undefined;
  readonly closed: Promise<string>;
  private hasKey = false;
  private readonly socket: WebSocket;
  private readonly listeners = new Set<(frame: HubFrame) => void>();

  private constructor(socket: WebSocket) {
    this.socket = socket;
    const pings = setInterval(() => this.say({ type: 'PING' }), PING_MS).unref();
    this.closed = new Promise((resolve) => {
      socket.once('close', (code, reason) => {
        clearInterval(pings);
        resolve(`${reason.toString() || 'the connection ended'} (${code})`);
      });
    });
    socket.on('error', () => socket.terminate());
    socket.on('message', (data: Buffer) => this.hear(data.toString('utf8')));
  }

  /** Rejects with what to do when nobody listens there, or this client is not let in. `hears` is told every frame from the login on. */
  static async connect(place: HubPlace, hears: (frame: HubFrame) => void = () => undefined): Promise<HubClient> {
    const socket = new WebSocket(place.url);
    const client = new HubClient(socket);
    const isOpen = new Promise<void>((resolve) => socket.once('open', resolve));
    const outcome = await Promise.race([isOpen, client.closed]);
    if (outcome !== undefined)
      throw new CommandFailure(EXIT.unreachable, `no hub answers at ${place.url}`, {
        hints: ['skep hub serve runs one; --hub names another'],
      });
    client.listeners.add(hears);
    try {
      await client.login(place);
    } catch (error) {
      client.close();
      throw error;
    }
    return client;
  }

  say(frame: Record<string, unknown>): void {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(frame));
  }

  onFrame(listener: (frame: HubFrame) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Says it, and gives the first frame for which `is` holds. An ERROR in between is its refusal. One question at a time. */
  async ask(frame: Record<string, unknown>, is: (answer: HubFrame) => boolean): Promise<HubFrame> {
    let stop = (): void => undefined;
    const answer = new Promise<HubFrame>((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new CommandFailure(EXIT.unreachable, 'the hub does not answer')),
        ANSWER_MS,
      ).unref();
      const off = this.onFrame((heard) => {
        if (is(heard)) resolve(heard);
        else if (heard.type === 'ERROR') reject(refusedBy(heard, this.hasKey));
      });
      stop = () => {
        clearTimeout(timer);
        off();
      };
      void this.closed.then((why) => reject(new CommandFailure(EXIT.unreachable, this.dismissed ?? why)));
    });
    this.say(frame);
    try {
      return await answer;
    } finally {
      stop();
    }
  }

  close(): void {
    this.socket.close(1000);
    setTimeout(() => this.socket.terminate(), 1_000).unref();
  }

  private async login({ name, identity, invite, after }: HubPlace): Promise<void> {
    this.hasKey = identity !== undefined;
    const first = await this.ask(
      { type: 'IDENTIFY', name, pubkey: identity?.publicKey, invite },
      ({ type }) => type === 'CHALLENGE' || type === 'WELCOME',
    );
    const welcome =
      first.type === 'WELCOME' || identity === undefined ? first : await this.prove(first, identity, after);
    this.agentId = String(welcome['agent_id']);
  }

  private prove(challenge: HubFrame, identity: Identity, after: string | undefined): Promise<HubFrame> {
    const { challenge_id: id, nonce } = challenge;
    const timestamp = Date.now();
    const text = `AGENTCHAT_AUTH|${String(nonce)}|${String(id)}|${timestamp}`;
    const proof = { type: 'VERIFY_IDENTITY', challenge_id: id, signature: signText(identity, text), timestamp, after };
    return this.ask(proof, ({ type }) => type === 'WELCOME');
  }

  private hear(text: string): void {
    let json: unknown;
    try {
      json = JSON.parse(text);
    } catch {
      return;
    }
    const frame = frameSchema.safeParse(json).data;
    if (frame === undefined) return;
    if (['SESSION_DISPLACED', 'KICKED', 'BANNED'].includes(frame.type))
      this.dismissed = [frame.type, frame['reason']].filter((word) => typeof word === 'string').join(': ');
    for (const listener of this.listeners) listener(frame);
  }
}

function refusedBy(error: HubFrame, hasKey: boolean): CommandFailure {
  const [code, message] = [String(error['code']), String(error['message'])];
  const toDo = hasKey
    ? 'an operator makes a code: skep hub invite; then --invite CODE, this once'
    : 'make a key: skep chat identity --create --name NAME';
  const hints = code === 'NOT_ALLOWED' ? [toDo] : [];
  return new CommandFailure(EXIT.refused, `${code}: ${message}`, { hints, detail: { code } });
}
