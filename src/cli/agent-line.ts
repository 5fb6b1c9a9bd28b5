/** The socket of one agent, for the program that runs the agent: one JSON line a request, one an answer, in turn. */
import type { Socket } from 'node:net';
import { connect } from 'node:net';
import { z } from 'zod';
import { NodeGone } from './client.ts';
import { CommandFailure, EXIT } from './exit.ts';
import { LineBuffer } from './json-lines.ts';

/** 32 messages of the largest size that comes whole, with what JSON adds at worst. */
const ANSWER_MAX_BYTES = 8 * 1024 * 1024;

const answerSchema = z.looseObject({ ok: z.boolean(), error: z.string().optional(), expected: z.string().nullish() });
export type AgentAnswer = z.output<typeof answerSchema>;

export class AgentLine {
  readonly #path: string;
  readonly #socket: Socket;
  readonly #lines = new LineBuffer(ANSWER_MAX_BYTES);
  readonly #waiting: { resolve: (line: string) => void; reject: (error: Error) => void }[] = [];

  private constructor(path: string, socket: Socket) {
    this.#path = path;
    this.#socket = socket;
    socket.on('data', (bytes) => {
      for (const line of this.#lines.push(bytes)) this.#waiting.shift()?.resolve(line);
    });
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      for (const { reject } of this.#waiting.splice(0)) reject(new NodeGone(path, 'it closed the connection'));
    });
  }

  /** Throws {@link NodeGone} when nobody listens there. */
  static open(path: string): Promise<AgentLine> {
    return new Promise((resolve, reject) => {
      const socket = connect(path);
      socket.once('error', (error) => reject(new NodeGone(path, error.message)));
      socket.once('connect', () => resolve(new AgentLine(path, socket)));
    });
  }

  /** Throws {@link NodeGone} when the node goes away before it answers, and a {@link CommandFailure} where it refuses. */
  async ask(request: Record<string, unknown>): Promise<AgentAnswer> {
    if (this.#socket.destroyed) throw new NodeGone(this.#path, 'it closed the connection');
    const line = await new Promise<string>((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#socket.write(`${JSON.stringify(request)}\n`);
    });
    const answer = answerSchema.parse(JSON.parse(line));
    if (answer.ok) return answer;
    const hints = typeof answer.expected === 'string' ? [`expected: ${answer.expected}`] : [];
    throw new CommandFailure(EXIT.refused, answer.error ?? 'the node refused', { hints, detail: answer });
  }

  /** Idempotent. */
  close(): void {
    this.#socket.destroy();
  }
}
