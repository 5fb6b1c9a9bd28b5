/** The beginning of a session: a conversation at the node's server, which may be just going. */
import type { SessionSpec } from '#agent-ports.ts';
import { isToBeCopied } from '../line/open.ts';
import { DriverRefusal } from '../refusal.ts';
import type { OpenCodeApi } from './api.ts';
import type { Running } from './server.ts';
import type { TurnEnd } from './translate.ts';

/** Asked for one after the other: a second one that does not answer, either, is no chance of the moment. */
const SERVERS_MAX = 2;
/** A server that refuses connections is ending, which took it two seconds where it was seen. */
const GOING_MAX_MS = 10_000;

type Servers = { acquire: () => Promise<Running>; release: (running: Running) => Promise<void> };

/**
 * What `use` makes of a server, which is then held; one more is asked for where the first one cannot be reached. Rejects with `not_started`, and then
 * holds none.
 */
export async function atServer<T>({ acquire, release }: Servers, use: (running: Running) => Promise<T>): Promise<T> {
  for (let servers = 1; ; servers += 1) {
    const running = await acquire();
    try {
      return await use(running);
    } catch (error) {
      const isGoing = isUnreachable(error);
      if (isGoing) await hasEnded(running);
      await release(running);
      if (isGoing && servers < SERVERS_MAX) continue;
      if (error instanceof DriverRefusal) throw error;
      throw new DriverRefusal('not_started', `opencode takes no session: ${String(error)}`);
    }
  }
}

/** The name of the conversation at that server: the one to go on with where it is known there, or a new one. */
export async function conversationAt(
  api: OpenCodeApi,
  { spec, asks, known }: { spec: SessionSpec; asks: readonly string[]; known: string | null },
): Promise<string> {
  for (const { name, command, env } of spec.servers)
    await api.addServer(spec.cwd, name, { type: 'local', command, environment: env, enabled: true });
  const rules = {
    title: spec.procId,
    permission: asks.map((one) => ({ permission: one, pattern: '*', action: 'ask' })),
  };
  if (known !== null && isToBeCopied(spec, known)) return api.forkSession(spec.cwd, known, rules);
  if (known !== null && (await api.hasSession(spec.cwd, known))) return known;
  return api.newSession(spec.cwd, rules);
}

/** `fetch` rejects so where it has no connection, or loses it before the answer. */
const isUnreachable = (error: unknown): boolean => error instanceof TypeError;

/** The end of a turn whose prompt did not arrive: where the server is gone, the next one takes it. */
export const unasked = (error: unknown): TurnEnd => ({
  outcome: 'failed',
  text: String(error),
  ...(isUnreachable(error) ? { failure: 'agent_gone' } : {}),
});

async function hasEnded({ process }: Running): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, GOING_MAX_MS);
  });
  await Promise.race([process.ended, late]);
  clearTimeout(timer);
}
