/** The WebSocket of a member of a test swarm, followed with its own token. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { WsClient } from '../door/ws-client.ts';
import type { Member } from './swarm.ts';

export async function follow(member: Member): Promise<WsClient> {
  const token = readFileSync(join(member.options.dataDir, 'token'), 'utf8').trim();
  const url = `${member.running.httpUrl.replace(/^http/, 'ws')}/ws`;
  return WsClient.connect(url, { options: { headers: { authorization: `Bearer ${token}` } } });
}
