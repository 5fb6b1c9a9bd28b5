import { accessSync, constants } from 'node:fs';
import type { BoxProbe, BoxSpec } from '#box-ports.ts';

/** What a box of any kind needs of this machine before anything is started in it: its secrets, its mounts. Undefined: all is there. */
export function missingNeed({ secrets, mounts, socketDir }: BoxSpec): BoxProbe | undefined {
  for (const { name, file } of secrets) {
    if (isReadable(file)) continue;
    const wayOut = `write it to ${file}, for the owner of the node alone (mode 0600)`;
    return { works: false, reason: `the secret ${name} is not there`, wayOut };
  }
  for (const path of [socketDir, ...mounts.map((mount) => mount.from)]) {
    if (isReadable(path)) continue;
    return {
      works: false,
      reason: `${path}, which the box mounts, is not there`,
      wayOut: 'make it, or declare the box without it',
    };
  }
  return undefined;
}

function isReadable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK);
    return true;
  } catch {
    // Missing or not for this user: the same to a box.
    return false;
  }
}
