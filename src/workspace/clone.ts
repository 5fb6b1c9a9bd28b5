/** This node's own bare clones, one a project: worktrees grow from them, bundles are read into them, merges are made in them. */
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { OpId } from '#core/brand.ts';
import type { ProjectBundle } from './bundle.ts';
import { readBundle, takeFromBundle } from './bundle.ts';
import type { GitResult } from './git.ts';
import { TRANSFER_TIMEOUT_MS, saidBy } from './git.ts';
import { refs } from './layout.ts';
import { inspectOrigin, isMissing, isThere, readOrigin } from './origin.ts';
import type { WorkspaceRefusal } from './refusal.ts';
import { gitFailed, refusal } from './refusal.ts';
import { findBase } from './remote.ts';
import { Repository, checkBranchName } from './repository.ts';
import type { OnStatus, Room } from './room.ts';

/** An agent may fetch in the same clone at the same moment; its lock is gone a moment later. */
const FETCH_TRIES = 3;

/** Branches of a clone that are named to home, so that a bundle from there stays thin. */
const TIPS_MAX = 256;

const factsSchema = z.object({
  name: z.string(),
  /** The origin, where it is a path on this node. */
  originPath: z.string().nullable(),
  /** Null for a clone that is fed by bundles from home: then there is nothing to push to. */
  url: z.string().nullable(),
});
export type CloneFacts = z.output<typeof factsSchema>;

export type ProjectRequest = {
  id: OpId;
  /** For messages. */
  name: string;
  /** As registered: a URL, or a path on the registering node. */
  origin: string;
  /** True on the registering node. It matters only for a path. */
  originIsHere: boolean;
  /** Null: the branch that the origin's HEAD points at. */
  base: string | null;
  /** What `bundleProject` at home answered; needed for a path at another node. */
  fromHome?: ProjectBundle;
  onStatus?: OnStatus;
};

export type ProjectReady = { id: OpId; gitDir: string; base: string; head: string };

/** Clones the project, or fetches into the clone that is there. Safe to repeat after an interruption at any point. */
export async function ensureProject(room: Room, request: ProjectRequest): Promise<ProjectReady | WorkspaceRefusal> {
  const origin = readOrigin(request.origin);
  if ('refused' in origin) return origin;
  const { layout, git } = room;
  const wrongName =
    request.base === null ? undefined : await checkBranchName(git, { cwd: layout.projects, branch: request.base });
  if (wrongName !== undefined) return wrongName;
  if (origin.kind === 'path' && !request.originIsHere) return takeProject(room, request);
  if (origin.kind === 'path') {
    const found = await inspectOrigin(git, origin.path);
    if ('refused' in found) return found;
  }
  const url = origin.kind === 'path' ? origin.path : origin.url;
  const tip = await findBase(room, { url, base: request.base });
  if ('refused' in tip) return tip;
  const repository = await openClone(room, { id: request.id, url, objectIdLength: tip.head.length });
  if ('refused' in repository) return repository;
  request.onStatus?.(`Fetching ${request.name}`);
  const fetched = await fetchOrigin(repository);
  if (!fetched.ok) return refusal('project_unreachable', `the project could not be fetched: ${saidBy(fetched)}`);
  const head = await repository.commit(refs.origin(tip.base));
  if (head === undefined)
    return refusal('unknown_base', 'the base branch went away while it was fetched', { got: tip.base });
  const originPath = origin.kind === 'path' ? origin.path : null;
  await writeFacts(room, request.id, { name: request.name, originPath, url });
  return { id: request.id, gitDir: repository.gitDir, base: tip.base, head };
}

/** Brings the clone up to what home sent. */
async function takeProject(room: Room, request: ProjectRequest): Promise<ProjectReady | WorkspaceRefusal> {
  const sent = request.fromHome;
  if (sent === undefined)
    return refusal('project_unreachable', 'the project is a folder on another node', {
      expected: 'its bundle from home',
    });
  const repository = await openClone(room, { id: request.id, url: undefined, objectIdLength: sent.head.length });
  if ('refused' in repository) return repository;
  request.onStatus?.(`Taking ${request.name} from its home`);
  const failed =
    sent.path === undefined ? await adoptHead(repository, sent) : await takeBundle(repository, sent, sent.path);
  if (failed !== undefined) return failed;
  await writeFacts(room, request.id, { name: request.name, originPath: null, url: null });
  return { id: request.id, gitDir: repository.gitDir, base: sent.base, head: sent.head };
}

async function adoptHead(repository: Repository, sent: ProjectBundle): Promise<WorkspaceRefusal | undefined> {
  if ((await repository.commit(sent.head)) !== undefined) return repository.setRef(refs.origin(sent.base), sent.head);
  return refusal('bundle_prerequisites_missing', 'home thinks this node has the base commit, but it has not', {
    expected: 'a whole bundle: ask home again without `have`',
    got: sent.head,
  });
}

async function takeBundle(
  repository: Repository,
  sent: ProjectBundle,
  path: string,
): Promise<WorkspaceRefusal | undefined> {
  const heads = await readBundle(repository, path);
  if ('refused' in heads) return heads;
  const from = `refs/heads/${sent.base}`;
  if (heads.get(from) !== sent.head)
    return refusal('bundle_mismatch', 'the bundle does not carry the base branch as home named it', {
      expected: sent.head,
      got: heads.get(from) ?? 'nothing',
    });
  return takeFromBundle(repository, { path, from, to: refs.origin(sent.base) });
}

/** The clone, made when it is not there. Every step may be repeated, so an interrupted start is finished by the next. */
async function openClone(
  room: Room,
  o: { id: OpId; url: string | undefined; objectIdLength: number },
): Promise<Repository | WorkspaceRefusal> {
  const gitDir = room.layout.clone(o.id);
  const repository = new Repository(room.git, { gitDir });
  if ((await readFacts(room, o.id)) !== undefined && (await isThere(join(gitDir, 'HEAD')))) return repository;
  await mkdir(gitDir, { recursive: true });
  const format = o.objectIdLength === 64 ? 'sha256' : 'sha1';
  // Two values of one name, each replaced by its first letter. The second: skep's own branches in the origin are not fetched back.
  const remote = (url: string): string[][] => [
    ['config', 'remote.origin.url', url],
    ['config', '--replace-all', 'remote.origin.fetch', '+refs/heads/*:refs/remotes/origin/*', '^\\+'],
    ['config', '--replace-all', 'remote.origin.fetch', '^refs/heads/skep/*', '^\\^'],
  ];
  const steps = [
    // No template: the clone has no hooks but those that somebody puts there.
    ['init', '--quiet', '--bare', '--template=', `--object-format=${format}`],
    ['config', 'core.logAllRefUpdates', 'true'],
    ...(o.url === undefined ? [] : remote(o.url)),
  ];
  for (const step of steps) {
    const done = await repository.run(step);
    if (!done.ok) return gitFailed('make the clone', done);
  }
  return repository;
}

async function fetchOrigin(repository: Repository, tries = FETCH_TRIES): Promise<GitResult> {
  // The one call that may tidy the clone up; in the foreground, so that nothing stays behind.
  const tidy = ['-c', 'gc.auto=6700', '-c', 'gc.autoDetach=false', '-c', 'maintenance.auto=true'];
  const args = ['fetch', '--quiet', '--prune', '--no-write-fetch-head', '--update-shallow', 'origin'];
  const fetched = await repository.run([...tidy, ...args], { timeoutMs: TRANSFER_TIMEOUT_MS });
  const locked = !fetched.ok && /cannot lock ref|Unable to create '.*\.lock'/.test(fetched.err);
  return locked && tries > 1 ? fetchOrigin(repository, tries - 1) : fetched;
}

/** Undefined when this node has no complete clone of the project. */
export async function readFacts(room: Room, id: OpId): Promise<CloneFacts | undefined> {
  try {
    return factsSchema.parse(JSON.parse(await readFile(room.layout.cloneFacts(id), 'utf8')));
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

async function writeFacts(room: Room, id: OpId, facts: CloneFacts): Promise<void> {
  const path = room.layout.cloneFacts(id);
  await writeFile(`${path}.new`, JSON.stringify(facts), { flush: true });
  await rename(`${path}.new`, path);
}

/** The last known tips of the origin's branches, for `have` of `bundleProject`; empty where there is no clone. */
export async function cloneTips(room: Room, id: OpId): Promise<string[]> {
  if ((await readFacts(room, id)) === undefined) return [];
  const repository = new Repository(room.git, { gitDir: room.layout.clone(id) });
  const listed = await repository.run([
    'for-each-ref',
    `--count=${TIPS_MAX}`,
    '--sort=-committerdate',
    '--format=%(objectname)',
    'refs/remotes/origin/',
  ]);
  return listed.out.split('\n').filter((commit) => commit !== '');
}

/**
 * Removes a project's clone. Without `force` a clone whose worktrees live, or that holds salvaged work, is kept: `project_in_use`. Idempotent.
 */
export async function removeClone(
  room: Room,
  o: { id: OpId; force: boolean },
): Promise<{ removed: boolean } | WorkspaceRefusal> {
  const gitDir = room.layout.clone(o.id);
  const facts = await readFacts(room, o.id);
  const repository = new Repository(room.git, { gitDir });
  if (facts !== undefined && !o.force) {
    const checkouts = await repository.checkouts();
    if ('refused' in checkouts) return checkouts;
    const salvaged = await repository.run([
      'for-each-ref',
      '--format=%(refname)',
      'refs/skep/salvage/',
      'refs/skep/left/',
    ]);
    const held = [
      ...checkouts.slice(1).map((one) => one.path),
      ...salvaged.out.split('\n').filter((ref) => ref !== ''),
    ];
    if (held.length > 0)
      return refusal('project_in_use', `the clone of ${facts.name} still holds work`, {
        expected: 'no worktree and no salvaged work, or force',
        got: held.slice(0, 5).join(', '),
      });
  }
  await rm(room.layout.cloneFacts(o.id), { force: true });
  await rm(gitDir, { recursive: true, force: true });
  return { removed: facts !== undefined };
}
