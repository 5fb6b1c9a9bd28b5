/** What an attempt that is over left, for a place in which its conversation goes on. */
import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { TRANSFER_TIMEOUT_MS } from './git.ts';
import type { AttemptId } from './layout.ts';
import { branchOf, refs } from './layout.ts';
import type { WorkspaceRefusal } from './refusal.ts';
import { gitFailed, refusal } from './refusal.ts';
import { Repository } from './repository.ts';
import type { Room } from './room.ts';

/** Its branch as it stands, where it is still there, else its last known state; undefined: nothing of it is kept any more. */
export async function leftBy(repository: Repository, id: AttemptId): Promise<string | undefined> {
  for (const ref of [refs.branch(id), refs.salvage(id), refs.delivered(id), refs.base(id)]) {
    const commit = await repository.commit(ref);
    if (commit !== undefined) return commit;
  }
  return undefined;
}

export const nothingLeft = (id: AttemptId): WorkspaceRefusal =>
  refusal('unknown_base', 'nothing of the work of this attempt is kept here any more', { got: branchOf(id) });

/** The files of a scratch folder as they were salvaged; a folder that was empty stays so. */
export async function layScratchAgain(
  { git, layout }: Pick<Room, 'git' | 'layout'>,
  o: AttemptId & { cwd: string },
): Promise<WorkspaceRefusal | undefined> {
  const inside = new Repository(git, { gitDir: layout.loose, workTree: o.cwd });
  const commit = await inside.commit(refs.salvage(o));
  if (commit === undefined) return undefined;
  const index = join(layout.bundles, `index-${randomUUID()}`);
  const environment = { GIT_INDEX_FILE: index };
  try {
    for (const args of [
      ['read-tree', commit],
      ['checkout-index', '--all', '--force'],
    ]) {
      const laid = await inside.run(args, { environment, timeoutMs: TRANSFER_TIMEOUT_MS });
      if (!laid.ok) return gitFailed('lay the files of the scratch folder again', laid);
    }
    return undefined;
  } finally {
    await rm(index, { force: true });
  }
}
