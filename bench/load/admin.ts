/** A client of the admin socket: JSON lines, all requests of one turn of the event loop in one write. */
import type { Socket } from 'node:net';
import { connect } from 'node:net';

export type Answer = { status: number; body: Record<string, unknown> };

export class AdminClient {
  private readonly socket: Socket;
  private readonly waiting = new Map<number, (answer: Answer) => void>();
  private out = '';
  private rest = '';
  private nextId = 0;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk: string) => {
      const lines = (this.rest + chunk).split('\n');
      this.rest = lines.pop() ?? '';
      for (const line of lines) this.answered(line);
    });
  }

  static async open(path: string): Promise<AdminClient> {
    const socket = connect(path).setEncoding('utf8');
    await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    return new AdminClient(socket);
  }

  ask(method: 'GET' | 'POST', path: string, body?: unknown): Promise<Answer> {
    const id = this.nextId++;
    if (this.out === '') setImmediate(() => this.flush());
    this.out += `${JSON.stringify({ id, method, path, body })}\n`;
    return new Promise((resolve) => this.waiting.set(id, resolve));
  }

  /** The body of an answer with that status; any other ends the program. */
  async must(status: number, method: 'GET' | 'POST', path: string, body?: unknown): Promise<Record<string, unknown>> {
    const answer = await this.ask(method, path, body);
    if (answer.status !== status) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  }

  close(): void {
    this.socket.destroy();
  }

  private flush(): void {
    this.socket.write(this.out);
    this.out = '';
  }

  private answered(line: string): void {
    const answer: Answer & { id: number } = JSON.parse(line);
    const done = this.waiting.get(answer.id);
    this.waiting.delete(answer.id);
    done?.(answer);
  }
}
