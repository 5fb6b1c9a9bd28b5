/** Backups and restores of members of a test swarm, through the admin socket and the function behind the verb. */
import { join } from 'node:path';
import type { NodeEvent } from '#cli/client.ts';
import { connectSocket } from '#cli/socket-client.ts';
import { canonicalJson } from '#core/canonical.ts';
import type { Restored } from '#host/restore.ts';
import { restoreBackup } from '#host/restore.ts';
import type { NodeOptions } from '#host-options.ts';
import { socketPath, stateDirOf } from '#socket-path.ts';
import type { Json, Member, TestSwarm } from './swarm.ts';
import { asJson, freePort } from './swarm.ts';

/** For agents that run scripts. */
export const SHELL = { required_capabilities: ['shell'] };
/** Nobody can work it: it stays pending. */
export const WAITING = { title: 'Wait', required_capabilities: ['php'] };

export const stateOf = ({ options }: Member): string => stateDirOf(options.dataDir, options.p2pPort);

/** Asks for a backup and hands out its events; the last one comes back. */
export async function backUp(
  member: Member,
  target: string,
  onEvent: (event: NodeEvent) => void = () => {},
): Promise<NodeEvent> {
  const client = await connectSocket(socketPath(stateOf(member), 'admin'));
  try {
    const request = { method: 'POST' as const, path: '/api/swarm/backup', body: { target } };
    for await (const event of client.stream(request, new AbortController().signal)) {
      onEvent(event);
      if (event.event !== 'backup.progress') return event;
    }
    throw new Error('the stream ended without a word');
  } finally {
    client.close();
  }
}

/** The answer; a failed backup fails the test with its words. */
export async function backedUp(member: Member, target: string): Promise<Json> {
  const last = await backUp(member, target);
  if (last.event !== 'backup.done') throw new Error(`${last.event}: ${JSON.stringify(last.data)}`);
  return asJson(last.data);
}

export const quietly = { onProgress: (): void => {} };

/** Restores a backup into a data directory of its own and starts the node, which finds the swarm by the addresses in the backup. */
export async function restoreAndStart(
  swarm: TestSwarm,
  source: string,
  o: Partial<NodeOptions> = {},
): Promise<{ member: Member; restored: Restored }> {
  const p2pPort = await freePort();
  const dataDir = join(swarm.dir, `restored-${swarm.members.length}`);
  const restored = await restoreBackup({ source, dataDir, p2pPort, ...quietly });
  if ('refused' in restored) throw new Error(JSON.stringify(restored));
  return { member: await swarm.add({ dataDir, p2pPort, seeds: [], ...o }), restored };
}

/** Resolves when both hold the same ops and the same views. */
export async function agree(a: Member, b: Member): Promise<Json> {
  return a.until(async () => {
    const [here, there] = [await a.get('/api/swarm/digest'), await b.get('/api/swarm/digest')];
    return canonicalJson(here) === canonicalJson(there) ? here : undefined;
  });
}
