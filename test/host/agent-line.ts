/** An agent at its socket, as the tests play it: one line, one answer. */
import { createConnection } from 'node:net';
import type { Socket } from 'node:net';
import { LineCutter } from '#door/lines.ts';

/** Larger than any answer. */
const LINE_MAX_BYTES = 64 * 1024 * 1024;

export type AgentAnswer = { ok: boolean } & Record<string, unknown>;

export class AgentLine {
  readonly socket: Socket;
  readonly #answers: string[] = [];
  readonly #waiting: ((line: string | undefined) => void)[] = [];

  private constructor(socket: Socket) {
    this.socket = socket;
    const cutter = new LineCutter(LINE_MAX_BYTES);
    socket.on('data', (chunk: Buffer) => {
      for (const line of cutter.cut(chunk)) {
        const text = line.kind === 'line' ? line.text : '';
        const waiter = this.#waiting.shift();
        if (waiter === undefined) this.#answers.push(text);
        else waiter(text);
      }
    });
    socket.on('close', () => this.#waiting.splice(0).forEach((waiter) => waiter(undefined)));
  }

  static async open(path: string): Promise<AgentLine> {
    const socket = createConnection(path);
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    socket.on('error', () => {});
    return new AgentLine(socket);
  }

  /** Sends without waiting: the answer is the {@link next} one. */
  say(line: unknown): void {
    this.socket.write(`${typeof line === 'string' ? line : JSON.stringify(line)}\n`);
  }

  async next(): Promise<AgentAnswer> {
    const line =
      this.#answers.shift() ?? (await new Promise<string | undefined>((resolve) => this.#waiting.push(resolve)));
    if (line === undefined) throw new Error('the node closed the socket');
    return JSON.parse(line);
  }

  ask(line: unknown): Promise<AgentAnswer> {
    this.say(line);
    return this.next();
  }

  /** What it is handed now, acknowledged by nobody. */
  async recv(o: { wait_seconds?: number; max?: number } = {}): Promise<Record<string, unknown>[]> {
    const { messages } = await this.ask({ cmd: 'recv', ...o });
    if (!Array.isArray(messages)) throw new Error('no messages in the answer');
    return messages;
  }

  close(): void {
    this.socket.destroy();
  }
}
