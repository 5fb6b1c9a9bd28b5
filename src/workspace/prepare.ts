/** A place to work for one attempt: a worktree of its own, the user's own folder, or a fresh one. */
import { access, mkdir, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { OpId } from '#core/brand.ts';
import { prepareCheckout } from './checkout.ts';
import { readFacts } from './clone.ts';
import { TRANSFER_TIMEOUT_MS } from './git.ts';
import { copyIncluded } from './include.ts';
import type { AttemptId } from './layout.ts';
import { branchOf, refs } from './layout.ts';
import { layScratchAgain, leftBy, nothingLeft } from './left.ts';
import type { Folder } from './origin.ts';
import { inspectFolder, isDirty, isThere } from './origin.ts';
import type { Prepared, PreparedWorktree } from './record.ts';
import { readRecord, writeRecord } from './record.ts';
import type { WorkspaceRefusal } from './refusal.ts';
import { gitFailed, refusal } from './refusal.ts';
import { Repository } from './repository.ts';
import type { OnStatus, Room } from './room.ts';
import type { Warning } from './warning.ts';

/** Interrupted starts of one attempt that are kept beside it. An attempt starts once, so even two mean that the node crashed twice in it. */
const LEFTOVERS_MAX = 20;

export type Source =
  /** `base`: a branch of the origin, a tag, or a full commit id; `ensureProject` has been called. */
  | { kind: 'project'; id: OpId; base: string }
  /** A folder of this node. */
  | { kind: 'path'; path: string }
  /** A folder of this node in which the agent works as it is, because it lives there. */
  | { kind: 'checkout'; path: string }
  | { kind: 'scratch' };

/** `again`: the attempt is over, and its place is made anew as it left it; `base` of the source does not count. */
export type PrepareRequest = AttemptId & { source: Source; again?: boolean; onStatus?: OnStatus };

/** `found`: it had been prepared before (this node was restarted); nothing was touched. */
export type PrepareAnswer = { prepared: Prepared; found: boolean };

/** Makes the attempt's place, or finds it again. The set-up command is the host's to run, after this. */
export async function prepare(room: Room, request: PrepareRequest): Promise<PrepareAnswer | WorkspaceRefusal> {
  const known = await readRecord(room.layout, request);
  if (known !== undefined) return findAgain(known);
  const leftover = await moveLeftoverAside(room, request);
  if ('refused' in leftover) return leftover;
  const made = await make(room, request, leftover.warnings);
  if ('refused' in made) return made;
  await writeRecord(room.layout, made);
  return { prepared: made, found: false };
}

async function findAgain(prepared: Prepared): Promise<PrepareAnswer | WorkspaceRefusal> {
  if (await isThere(prepared.cwd)) return { prepared, found: true };
  return refusal('worktree_broken', 'the folder of this attempt is gone', { expected: prepared.cwd });
}

/** Without a record no agent was started here; still nothing is deleted. */
async function moveLeftoverAside(room: Room, id: AttemptId): Promise<{ warnings: Warning[] } | WorkspaceRefusal> {
  const folder = room.layout.attempt(id);
  if (!(await isThere(folder))) return { warnings: [] };
  for (let n = 1; n <= LEFTOVERS_MAX; n += 1) {
    const aside = `${folder}.left-${n}`;
    if (await isThere(aside)) continue;
    await rename(folder, aside);
    return { warnings: [{ code: 'leftover_kept', message: `the rest of an interrupted start was kept: ${aside}` }] };
  }
  return refusal('worktree_broken', `${LEFTOVERS_MAX} interrupted starts lie beside this attempt's folder`, {
    got: folder,
  });
}

async function make(room: Room, request: PrepareRequest, warnings: Warning[]): Promise<Prepared | WorkspaceRefusal> {
  const { task, attempt, source } = request;
  switch (source.kind) {
    case 'project':
      return fromProject(room, request, { ...source, warnings });
    case 'path':
      return fromPath(room, request, { path: source.path, warnings });
    case 'checkout':
      return prepareCheckout(room, request, { path: source.path, warnings });
    case 'scratch': {
      const cwd = room.layout.attempt(request);
      await mkdir(cwd, { recursive: true });
      const failed = request.again === true ? await layScratchAgain(room, { ...request, cwd }) : undefined;
      if (failed !== undefined) return failed;
      return { kind: 'scratch', task, attempt, cwd, warnings };
    }
  }
}

async function fromProject(
  room: Room,
  request: PrepareRequest,
  o: { id: OpId; base: string; warnings: Warning[] },
): Promise<Prepared | WorkspaceRefusal> {
  const facts = await readFacts(room, o.id);
  if (facts === undefined)
    return refusal('project_missing', 'this node has no clone of the project', {
      expected: 'ensureProject first',
      got: o.id,
    });
  const repository = new Repository(room.git, { gitDir: room.layout.clone(o.id) });
  const base = request.again === true ? await leftBy(repository, request) : await findStart(repository, o.base);
  if (base === undefined && request.again === true) return nothingLeft(request);
  if (base === undefined) return refusal('unknown_base', 'the project has no such branch', { got: o.base });
  const origin = facts.originPath === null ? undefined : await inspectFolder(room.git, facts.originPath);
  const checkout =
    origin !== undefined && !('refused' in origin) && origin.kind === 'repository' ? origin.top : undefined;
  return grow(room, request, { repository, project: o.id, base, checkout, prefix: '', warnings: o.warnings });
}

async function findStart(repository: Repository, base: string): Promise<string | undefined> {
  const named = [refs.origin(base), `refs/tags/${base}`, ...(/^[0-9a-f]{40,64}$/.test(base) ? [base] : [])];
  for (const revision of named) {
    const commit = await repository.commit(revision);
    if (commit !== undefined) return commit;
  }
  return undefined;
}

async function fromPath(
  room: Room,
  request: PrepareRequest,
  o: { path: string; warnings: Warning[] },
): Promise<Prepared | WorkspaceRefusal> {
  const { task, attempt } = request;
  const folder = await inspectFolder(room.git, o.path);
  if ('refused' in folder) return folder;
  const plain: Prepared = { kind: 'directory', task, attempt, cwd: o.path, warnings: o.warnings };
  switch (folder.kind) {
    case 'missing':
      return refusal('path_missing', 'this node has no such folder', {
        expected: 'an absolute path of a folder',
        got: o.path,
      });
    case 'plain':
      return plain;
    case 'repository':
      return fromRepository(room, request, { ...o, folder, plain });
  }
}

async function fromRepository(
  room: Room,
  request: PrepareRequest,
  o: { path: string; folder: Extract<Folder, { kind: 'repository' }>; plain: Prepared; warnings: Warning[] },
): Promise<Prepared | WorkspaceRefusal> {
  const { gitDir, top, prefix } = o.folder;
  const repository = new Repository(room.git, { gitDir });
  // HEAD of the checkout at hand, which may be a linked one.
  const head = await room.git.run(['rev-parse', '--verify', '--quiet', 'HEAD^{commit}'], { cwd: o.path });
  if (!head.ok)
    return refusal('empty_repository', 'the repository has no commit yet', {
      expected: 'a commit to start from',
      got: o.path,
    });
  // A folder that HEAD does not hold (ignored, or new) merely lies in somebody's repository: a worktree would not have it.
  const held = prefix === '' || (await repository.run(['cat-file', '-e', `${head.out}:${prefix.slice(0, -1)}`])).ok;
  if (!held) return o.plain;
  const base = request.again === true ? await leftBy(repository, request) : head.out;
  if (base === undefined) return nothingLeft(request);
  return grow(room, request, {
    repository,
    project: null,
    base,
    checkout: top,
    prefix,
    warnings: o.warnings,
  });
}

/** A branch of that name with commits of its own is remembered first. */
async function beginFrom(repository: Repository, id: AttemptId, base: string): Promise<WorkspaceRefusal | undefined> {
  const old = await repository.commit(refs.branch(id));
  const kept =
    old === undefined || (await repository.contains({ ancestor: old, descendant: base }))
      ? undefined
      : await repository.setRef(refs.left(id), old);
  return kept ?? repository.setRef(refs.base(id), base);
}

type Seed = {
  repository: Repository;
  project: OpId | null;
  base: string;
  /** Working tree at the source, where it is on this node. */
  checkout: string | undefined;
  prefix: string;
  warnings: Warning[];
};

/** Adds the worktree on its branch. */
async function grow(room: Room, request: PrepareRequest, seed: Seed): Promise<PreparedWorktree | WorkspaceRefusal> {
  const { repository, base } = seed;
  const { task, attempt } = request;
  const root = room.layout.attempt(request);
  const branch = branchOf(request);
  const failed = request.again === true ? undefined : await beginFrom(repository, request, base);
  if (failed !== undefined) return failed;
  // Set by itself: `worktree add -B` would refuse a branch that an interrupted start left checked out.
  const named = await repository.setRef(refs.branch(request), base);
  if (named !== undefined) return { ...named, code: 'branch_refused' };
  request.onStatus?.('Making the worktree');
  await mkdir(dirname(root), { recursive: true });
  // Forced twice: over what git still remembers of an interrupted start at this place, locked or not.
  const args = ['worktree', 'add', '--quiet', '--force', '--force', '--', root, branch];
  const added = await repository.run(args, { timeoutMs: TRANSFER_TIMEOUT_MS });
  if (!added.ok) return gitFailed('make the worktree', added);
  const cwd = join(root, seed.prefix.slice(0, -1));
  await access(cwd);
  const source = seed.checkout;
  const included = source === undefined ? undefined : await copyIncluded(room.git, { from: source, to: root });
  if (included !== undefined && included.copied > 0)
    request.onStatus?.(`Copied ${included.copied} files named by .worktreeinclude`);
  const dirty = source !== undefined && (await isDirty(room.git, source));
  const warnings = [...seed.warnings, ...(included?.warnings ?? [])];
  return {
    kind: 'worktree',
    task,
    attempt,
    project: seed.project,
    gitDir: repository.gitDir,
    root,
    cwd,
    branch,
    base,
    dirty,
    warnings,
  };
}
