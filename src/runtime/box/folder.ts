/**
 * What lies in the folder of one box (mode 0700):
 *
 *     home/      `/home/agent` inside: credentials, settings and conversations of its tools
 *     etc/       the few files by which programs know users and the name of their own machine
 */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { IN_BOX } from '#box-ports.ts';

/** The user inside. Outside it is whoever runs the node; no program inside can tell. */
export const AGENT_ID = 1000;

const ETC = {
  passwd: `root:x:0:0:root:/root:/usr/sbin/nologin\nagent:x:${AGENT_ID}:${AGENT_ID}:agent:${IN_BOX.home}:/bin/bash\n`,
  group: `root:x:0:\nagent:x:${AGENT_ID}:\n`,
  hosts: '127.0.0.1 localhost\n::1 localhost\n',
  // Without it names are looked up by DNS first, and each look-up of `localhost` waits for an answer that never comes.
  'nsswitch.conf': 'passwd: files\ngroup: files\nhosts: files\n',
} as const;

export type BoxFolder = { home: string; etc: readonly { from: string; at: string }[] };

/** Makes what is missing. Idempotent; a home that is there stays as it is. */
export function layFolder(directory: string): BoxFolder {
  const [home, etc] = [join(directory, 'home'), join(directory, 'etc')];
  for (const path of [directory, home, etc]) mkdirSync(path, { recursive: true, mode: 0o700 });
  chmodSync(directory, 0o700);
  const files = Object.entries(ETC).map(([name, text]) => {
    const from = join(etc, name);
    writeFileSync(from, text, { mode: 0o644 });
    return { from, at: `/etc/${name}` };
  });
  return { home, etc: files };
}
