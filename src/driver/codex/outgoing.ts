import type { RequestId } from './messages.ts';
import { answerName, writtenOf } from './messages.ts';

/** Lines for Codex, each at most once in the life of its process, also across restarts of this node. */
export class Outgoing {
  readonly #written = new Set<string>();

  /** A line that was written before this node attached. Returns the turn that it asked for. */
  wrote(line: string): string | undefined {
    const { name, turn } = writtenOf(line);
    this.#written.add(name);
    return turn;
  }

  hasAnswered(id: RequestId): boolean {
    return this.#written.has(answerName(id));
  }

  request(id: string, method: string, params: object): string[] {
    return this.#once(id, { id, method, params });
  }

  notify(method: string): string[] {
    return this.#once(method, { method });
  }

  respond(id: RequestId, answer: { result: object } | { error: { code: number; message: string } }): string[] {
    return this.#once(answerName(id), { id, ...answer });
  }

  #once(name: string, message: object): string[] {
    if (this.#written.has(name)) return [];
    this.#written.add(name);
    return [JSON.stringify(message)];
  }
}
