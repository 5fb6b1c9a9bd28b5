/** The admin socket of a node: a file, so that it is reached across network namespaces, whatever is cut. */
import type { Answer, NodeEvent } from '#cli/client.ts';
import { connectSocket } from '#cli/socket-client.ts';

/** Long enough for a vote that needs a round more; a node that is stopped does not answer at all. */
const ANSWER_WITHIN_MS = 10_000;

export type Question = { method: 'GET' | 'POST'; path: string; body?: unknown; withinMs?: number | undefined };

/** One question on a connection of its own. Throws `NodeGone` when there is no answer in time. */
export async function askSocket(socket: string, question: Question): Promise<Answer> {
  const client = await connectSocket(socket);
  const timer = setTimeout(() => client.close(), question.withinMs ?? ANSWER_WITHIN_MS);
  try {
    const [path = '', query] = question.path.split('?');
    const { method, body } = question;
    return await client.call({ method, path, query: Object.fromEntries(new URLSearchParams(query)), body });
  } finally {
    clearTimeout(timer);
    client.close();
  }
}

/** The events of a node until the signal says stop. Throws `NodeGone` when it goes away. */
export async function* followSocket(socket: string, until: AbortSignal): AsyncGenerator<NodeEvent> {
  const client = await connectSocket(socket);
  try {
    yield* client.events({}, until);
  } finally {
    client.close();
  }
}
