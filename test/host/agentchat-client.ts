/**
 * A client of AgentChat, written from its protocol table alone: sections 2 to 6 of the reference, nothing of skep. It does what that table says a client does, and
 * takes no field for granted that the table does not have.
 */
import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { once } from 'node:events';
import { WebSocket } from 'ws';

export type Frame = Record<string, unknown> & { type: string };

const isFrame = (json: unknown): json is Frame =>
  typeof json === 'object' && json !== null && 'type' in json && typeof json.type === 'string';

export class AgentChatClient {
  readonly keys = generateKeyPairSync('ed25519');
  readonly heard: Frame[] = [];
  private socket: WebSocket | undefined;
  private wake = (): void => undefined;

  /** By section 6: the first 16 hex digits of SHA-256 over the PEM text. */
  get id(): string {
    return `@${createHash('sha256').update(this.pem).digest('hex').slice(0, 16)}`;
  }

  private get pem(): string {
    return this.keys.publicKey.export({ type: 'spki', format: 'pem' }).toString();
  }

  async login(url: string, name: string): Promise<Frame> {
    const socket = new WebSocket(url);
    socket.on('error', () => undefined);
    socket.on('message', (data: Buffer) => {
      const json: unknown = JSON.parse(data.toString());
      if (!isFrame(json) || typeof json['ts'] !== 'number') throw new Error(`no frame of AgentChat: ${String(data)}`);
      this.heard.push(json);
      this.wake();
    });
    socket.on('close', () => this.wake());
    await once(socket, 'open');
    this.socket = socket;
    this.say({ type: 'IDENTIFY', name, pubkey: this.pem });
    const { challenge_id: id, nonce } = await this.next(({ type }) => type === 'CHALLENGE');
    const timestamp = Date.now();
    const text = `AGENTCHAT_AUTH|${String(nonce)}|${String(id)}|${timestamp}`;
    const signature = sign(null, Buffer.from(text), this.keys.privateKey).toString('base64');
    this.say({ type: 'VERIFY_IDENTITY', challenge_id: id, signature, timestamp });
    return this.next(({ type }) => type === 'WELCOME');
  }

  say(frame: Frame): void {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(frame));
  }

  /** Takes the first frame that is meant out of what was heard; rejects when the connection ends before it comes. */
  async next(is: (frame: Frame) => boolean): Promise<Frame> {
    for (;;) {
      const at = this.heard.findIndex(is);
      const [found] = at === -1 ? [] : this.heard.splice(at, 1);
      if (found !== undefined) return found;
      if (this.socket?.readyState === WebSocket.CLOSED) throw new Error('the connection ended');
      await new Promise<void>((resolve) => (this.wake = resolve));
    }
  }

  async join(channel: string): Promise<Frame> {
    this.say({ type: 'JOIN', channel });
    return this.next((frame) => frame.type === 'JOINED' && frame['channel'] === channel);
  }

  close(): void {
    this.socket?.terminate();
  }
}
