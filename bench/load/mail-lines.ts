/** The socket of an agent as the bench speaks at it: lines of one turn of the event loop leave in one write, answers are told apart by their mark. */
import type { Socket } from 'node:net';
import { connect } from 'node:net';

export type MailAnswer = { ok: boolean; error?: string; messages?: { id: string; body: string }[] };

export class MailLine {
  readonly #socket: Socket;
  readonly #waiting = new Map<number, (answer: MailAnswer) => void>();
  #out = '';
  #rest = '';
  #nextId = 0;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk: string) => {
      const lines = (this.#rest + chunk).split('\n');
      this.#rest = lines.pop() ?? '';
      for (const line of lines) this.#answered(line);
    });
  }

  static async open(path: string): Promise<MailLine> {
    const socket = connect(path).setEncoding('utf8');
    await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    return new MailLine(socket);
  }

  /** An answer that is a refusal ends the program. */
  ask(request: Record<string, unknown>): Promise<MailAnswer> {
    const id = this.#nextId++;
    if (this.#out === '') setImmediate(() => this.#flush());
    this.#out += `${JSON.stringify({ ...request, request: id })}\n`;
    return new Promise((resolve) => this.#waiting.set(id, resolve));
  }

  close(): void {
    this.#socket.destroy();
  }

  #flush(): void {
    this.#socket.write(this.#out);
    this.#out = '';
  }

  #answered(line: string): void {
    const answer: MailAnswer & { request: number } = JSON.parse(line);
    if (!answer.ok) throw new Error(`the node refused: ${line}`);
    const done = this.#waiting.get(answer.request);
    this.#waiting.delete(answer.request);
    done?.(answer);
  }
}
