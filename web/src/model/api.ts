/** Asks the node that served this page. */

/** What the node said instead of an answer; nothing was stored. */
export class Refused extends Error {
  readonly code: string;
  readonly expected: string | null;

  constructor(o: { error: string; code: string; expected: string | null }) {
    super(o.error);
    this.name = 'Refused';
    this.code = o.code;
    this.expected = o.expected;
  }
}

/** `T` is the answer of the route, as the OpenAPI document has it. Rejects with {@link Refused}, or when the node cannot be reached. */
export async function api<T>(method: 'GET' | 'POST' | 'DELETE', path: string, body?: unknown): Promise<T> {
  const init: RequestInit = { method };
  if (body !== undefined) {
    init.headers = { 'content-type': 'application/json' };
    init.body = JSON.stringify(body);
  }
  const answer = await fetch(path, init).catch(() => undefined);
  if (answer === undefined) throw new Error('this node cannot be reached right now');
  // What `json()` is typed as depends on which of two libraries the compiler looks at first.
  const text = await answer.text();
  if (!answer.ok) throw new Refused(JSON.parse(text));
  return JSON.parse(text);
}

export const taskPath = (id: string): string => `api/swarm/tasks/${encodeURIComponent(id)}`;
export const agentPath = (id: string): string => `api/swarm/agents/${encodeURIComponent(id)}`;

/** A refusal's words: what is wrong, and what was expected where it says so. */
export function sayError(error: unknown): string {
  if (error instanceof Refused && error.expected !== null) return `${error.message} (expected: ${error.expected})`;
  return error instanceof Error ? error.message : String(error);
}
