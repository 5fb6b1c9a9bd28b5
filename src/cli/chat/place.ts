/** Which hub, and as whom: the options that `skep chat` and `skep agentchat-mcp` share. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { Given } from '../given.ts';
import { stateDir } from '../places.ts';
import type { VerbOption } from '../verb.ts';
import type { World } from '../world.ts';
import { ReadCursor } from './cursor.ts';
import type { HubPlace } from './hub-client.ts';
import { identityPath, readIdentity } from './identity.ts';

export const PLACE_OPTIONS: readonly VerbOption[] = [
  { flags: '--hub <url>', about: 'the hub (AGENTCHAT_URL, else ws://127.0.0.1:6667)' },
  { flags: '--identity <file>', about: 'the key to come by (~/.agentchat/identity.json); without one, as a guest' },
  { flags: '--name <name>', about: 'what to be called' },
  { flags: '--invite <code>', about: 'a code of skep hub invite, for a key that the hub does not know' },
];

export function placeOf(given: Given, { env, home }: World): HubPlace {
  const file = given.text('identity') ?? env['AGENTCHAT_IDENTITY'];
  const identity = readIdentity(file ?? identityPath(home));
  const guest = `guest-${createHash('sha256').update(`${home}${process.pid}`).digest('hex').slice(0, 6)}`;
  return {
    url: given.text('hub') ?? env['AGENTCHAT_URL'] ?? 'ws://127.0.0.1:6667',
    name: given.text('name') ?? identity?.name ?? guest,
    identity,
    invite: given.text('invite') ?? env['AGENTCHAT_INVITE'],
  };
}

/** Kept for a key; what a guest read is forgotten with it, unless a file is named. */
export function cursorOf(place: HubPlace, world: World, file: string | undefined): ReadCursor {
  if (file !== undefined) return new ReadCursor(file);
  if (place.identity === undefined) return new ReadCursor(undefined);
  const hub = createHash('sha256').update(place.url).digest('hex').slice(0, 16);
  return new ReadCursor(join(stateDir(world), 'chat', `${place.identity.agentId}-${hub}.json`));
}
