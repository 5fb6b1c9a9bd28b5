/** The end of an attempt's place: everything is remembered under a hidden ref before anything is removed. */
import { randomUUID } from 'node:crypto';
import { lstat, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { settleCheckout } from './checkout.ts';
import { settle } from './deliver.ts';
import { DURABLE, LIST_MAX_BYTES, TRANSFER_TIMEOUT_MS, pieces } from './git.ts';
import { identityEnvironment } from './identity.ts';
import { branchOf, refs } from './layout.ts';
import { unsavedLinks } from './links.ts';
import { isMissing, isThere } from './origin.ts';
import type { Prepared, PreparedCheckout, PreparedScratch, PreparedWorktree } from './record.ts';
import { dropRecord } from './record.ts';
import type { WorkspaceRefusal } from './refusal.ts';
import { gitFailed, refusal } from './refusal.ts';
import { openLoose } from './place.ts';
import { Repository } from './repository.ts';
import type { Room } from './room.ts';
import type { Warning } from './warning.ts';

/** A scratch folder above it is kept as it is: it holds data sets or builds, which git keeps badly. */
const SCRATCH_MAX_BYTES = 256 * 1024 * 1024;

/** Warnings that tell of files which no commit holds. */
const UNSAVED: ReadonlySet<Warning['code']> = new Set(['nested_repository', 'files_not_taken']);

export type Removal =
  /** `salvaged`: the commit that remembers the place, in the repository at `gitDir`. */
  | { state: 'removed'; salvaged: { ref: string; commit: string; gitDir: string } | undefined }
  /** Nothing was removed; `path` is where it lies. */
  | { state: 'kept'; path: string; reason: WorkspaceRefusal };

/** Remembers, then removes. What cannot be inspected as a whole is kept, and said so. Ignored files go with the worktree. Idempotent. */
export async function salvageAndRemove(room: Room, prepared: Prepared): Promise<Removal> {
  const removal = await removePlace(room, prepared);
  if (removal.state === 'removed') await dropRecord(room.layout, prepared);
  return removal;
}

async function removePlace(room: Room, prepared: Prepared): Promise<Removal> {
  switch (prepared.kind) {
    case 'directory':
      // The user's own folder: there is nothing of skep's in it.
      return { state: 'removed', salvaged: undefined };
    case 'checkout':
      return keepCheckout(room, prepared);
    case 'scratch':
      return removeScratch(room, prepared);
    case 'worktree':
      return removeWorktree(room, prepared);
  }
}

/** Nothing of it is skep's to remove; what stands there is remembered. */
async function keepCheckout(room: Room, prepared: PreparedCheckout): Promise<Removal> {
  const { root, gitDir } = prepared;
  if (!(await isThere(root))) return { state: 'removed', salvaged: undefined };
  const settled = await settleCheckout(room, prepared);
  if ('refused' in settled) return { state: 'kept', path: root, reason: settled };
  const ref = refs.salvage(prepared);
  const commit = await new Repository(room.git, { gitDir }).commit(ref);
  return { state: 'removed', salvaged: commit === undefined ? undefined : { ref, commit, gitDir } };
}

async function removeWorktree(room: Room, prepared: PreparedWorktree): Promise<Removal> {
  const { root, gitDir } = prepared;
  const keep = (reason: WorkspaceRefusal): Removal => ({ state: 'kept', path: root, reason });
  const repository = new Repository(room.git, { gitDir });
  if (await isThere(root)) {
    const settled = await settle(room, prepared);
    if ('refused' in settled) return keep(settled);
    const others = await unsavedLinks(room.git, prepared);
    const unsaved = [...settled.warnings.filter((one) => UNSAVED.has(one.code)), ...others];
    if (unsaved.length > 0) {
      const why = unsaved.map((warning) => warning.message).join('; ');
      return keep(refusal('worktree_broken', `not all of the worktree could be saved: ${why}`));
    }
  } else if (await isThere(gitDir)) {
    const failed = await salvageGone(repository, prepared);
    if (failed !== undefined) return keep(failed);
  } else return { state: 'removed', salvaged: undefined };
  const removed = await repository.run(['worktree', 'remove', '--force', '--', root], {
    timeoutMs: TRANSFER_TIMEOUT_MS,
  });
  if (!removed.ok && !/is not a working tree/.test(removed.err)) return keep(gitFailed('remove the worktree', removed));
  const ref = refs.salvage(prepared);
  const commit = await repository.commit(ref);
  // In the clone the salvage ref is enough; in the user's repository the branch is what the user gets.
  if (prepared.project !== null) await repository.dropRef(refs.branch(prepared));
  return { state: 'removed', salvaged: commit === undefined ? undefined : { ref, commit, gitDir } };
}

/** The folder is gone; git still knows where its HEAD stood. */
async function salvageGone(repository: Repository, prepared: PreparedWorktree): Promise<WorkspaceRefusal | undefined> {
  const checkouts = await repository.checkouts();
  if ('refused' in checkouts) return checkouts;
  const head = checkouts.find((one) => one.path === prepared.root)?.head;
  const commit = head ?? (await repository.commit(refs.branch(prepared)));
  return commit === undefined ? undefined : repository.setRef(refs.salvage(prepared), commit);
}

async function removeScratch(room: Room, prepared: PreparedScratch): Promise<Removal> {
  const { cwd } = prepared;
  const keep = (reason: WorkspaceRefusal): Removal => ({ state: 'kept', path: cwd, reason });
  if (!(await isThere(cwd))) return { state: 'removed', salvaged: undefined };
  if ((await readdir(cwd)).length === 0) {
    await rm(cwd, { recursive: true, force: true });
    return { state: 'removed', salvaged: undefined };
  }
  const commit = await saveScratch(room, prepared);
  if (typeof commit === 'object') return keep(commit);
  await rm(cwd, { recursive: true, force: true });
  return { state: 'removed', salvaged: { ref: refs.salvage(prepared), commit, gitDir: room.layout.loose } };
}

/** Commits all files of the folder, whatever a `.gitignore` in it says, to the loose repository. */
async function saveScratch(room: Room, prepared: PreparedScratch): Promise<string | WorkspaceRefusal> {
  const opened = await openLoose(room);
  if ('refused' in opened) return opened;
  const inside = new Repository(room.git, { gitDir: room.layout.loose, workTree: prepared.cwd });
  const index = join(room.layout.bundles, `index-${randomUUID()}`);
  const environment = {
    GIT_INDEX_FILE: index,
    ...(await identityEnvironment((args) => inside.run(args), room.identity)),
  };
  try {
    const unfit = await findUnfit(inside, { cwd: prepared.cwd, environment });
    if (unfit !== undefined) return unfit;
    const added = await inside.run([...DURABLE, 'add', '--all', '--force', '--', '.'], {
      environment,
      timeoutMs: TRANSFER_TIMEOUT_MS,
    });
    if (!added.ok) return gitFailed('save the scratch folder', added);
    const tree = await inside.run([...DURABLE, 'write-tree'], { environment });
    if (!tree.ok) return gitFailed('save the scratch folder', tree);
    const message = `skep: scratch folder of ${branchOf(prepared)}`;
    const made = await inside.run([...DURABLE, 'commit-tree', tree.out, '-m', message], { environment });
    if (!made.ok) return gitFailed('save the scratch folder', made);
    return (await opened.setRef(refs.salvage(prepared), made.out)) ?? made.out;
  } finally {
    await rm(index, { force: true });
  }
}

/** Why git cannot keep the folder: a repository in it, or too much. */
async function findUnfit(
  inside: Repository,
  o: { cwd: string; environment: Readonly<Record<string, string>> },
): Promise<WorkspaceRefusal | undefined> {
  const listed = await inside.run(['ls-files', '--others', '-z'], {
    environment: o.environment,
    outputMaxBytes: LIST_MAX_BYTES,
  });
  if (!listed.ok) return gitFailed('list the scratch folder', listed);
  const paths = pieces(listed.out);
  const nested = paths.find((path) => path.endsWith('/'));
  if (nested !== undefined || (await isThere(join(o.cwd, '.git'))))
    return refusal('worktree_broken', 'there is a repository in the scratch folder', { got: nested ?? '.git' });
  let sizeBytes = 0;
  for (const path of paths) sizeBytes += await fileSize(join(o.cwd, path));
  if (sizeBytes <= SCRATCH_MAX_BYTES) return undefined;
  return refusal('work_too_large', 'the scratch folder is too large to save', {
    expected: `at most ${SCRATCH_MAX_BYTES} bytes`,
    got: `${sizeBytes} bytes`,
  });
}

async function fileSize(path: string): Promise<number> {
  try {
    return (await lstat(path)).size;
  } catch (error) {
    if (isMissing(error)) return 0;
    throw error;
  }
}
