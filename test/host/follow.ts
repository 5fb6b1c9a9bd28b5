/** The WebSocket of a member of a test swarm, followed with its own token. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { WsClient } from '../door/ws-client.ts';
import type { Json, Member } from './swarm.ts';

export async function follow(member: Member): Promise<WsClient> {
  const token = readFileSync(join(member.options.dataDir, 'token'), 'utf8').trim();
  const url = `${member.running.httpUrl.replace(/^http/, 'ws')}/ws`;
  return WsClient.connect(url, { options: { headers: { authorization: `Bearer ${token}` } } });
}

/** The next event of that agent; what else is said is passed over. What was said while nobody read is still there: a state that passes by is not missed. */
export async function eventOf(client: WsClient, agent: Json, event: string): Promise<Json> {
  for (;;) {
    const frame = await client.next();
    if (frame['entity'] === agent['id'] && frame['event'] === event) return frame;
  }
}
