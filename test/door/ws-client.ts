/** Reads the frames of a WebSocket one by one. */
import { once } from 'node:events';
import { WebSocket } from 'ws';
import type { ClientOptions } from 'ws';
import { z } from 'zod';

const frame = z.record(z.string(), z.unknown());

export class WsClient {
  readonly socket: WebSocket;
  /** Resolves with why the connection ended. */
  readonly closed: Promise<{ code: number; reason: string }>;
  private readonly texts: string[] = [];
  private wake: () => void = () => undefined;

  private constructor(socket: WebSocket) {
    this.socket = socket;
    this.closed = new Promise((resolve) => {
      socket.once('close', (code, reason) => {
        resolve({ code, reason: reason.toString() });
        this.wake();
      });
    });
    // Whole messages come as one buffer.
    socket.on('message', (data: Buffer) => {
      this.texts.push(data.toString('utf8'));
      this.wake();
    });
    socket.on('error', () => undefined);
  }

  /** Resolves when the connection is open. Rejects with the status and body of a refusal: `401 {"error":…`. */
  static async connect(url: string, o: { protocols?: string[]; options?: ClientOptions } = {}): Promise<WsClient> {
    const socket = new WebSocket(url, o.protocols ?? [], o.options);
    const client = new WsClient(socket);
    const refused = new Promise<never>((_resolve, reject) => {
      socket.once('unexpected-response', (_request, response) => {
        let text = '';
        response.on('data', (chunk: Buffer) => (text += chunk.toString()));
        response.on('end', () => reject(new Error(`${response.statusCode ?? 0} ${text.trim()}`)));
      });
    });
    await Promise.race([once(socket, 'open'), refused]);
    return client;
  }

  /** The next message as it came; rejects when the connection ends before one does. */
  async text(): Promise<string> {
    for (;;) {
      const text = this.texts.shift();
      if (text !== undefined) return text;
      if (this.socket.readyState === WebSocket.CLOSED) throw new Error('the socket is closed');
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
  }

  async next(): Promise<Record<string, unknown>> {
    return frame.parse(JSON.parse(await this.text()));
  }

  async take(count: number): Promise<Record<string, unknown>[]> {
    const taken = [];
    while (taken.length < count) taken.push(await this.next());
    return taken;
  }

  async close(): Promise<void> {
    this.socket.terminate();
    await this.closed;
  }
}
