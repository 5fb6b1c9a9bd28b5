/** Bundles: commits in a file, on their way between nodes. */
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { TRANSFER_TIMEOUT_MS, saidBy } from './git.ts';
import type { Layout } from './layout.ts';
import { inspectOrigin, isMissing, readOrigin } from './origin.ts';
import type { WorkspaceRefusal } from './refusal.ts';
import { gitFailed, refusal } from './refusal.ts';
import { findBase } from './remote.ts';
import type { Repository } from './repository.ts';
import { checkBranchName } from './repository.ts';
import type { Room } from './room.ts';

/** Commits that the other side may say it has: its branches, of which a few are enough to make a bundle thin. */
const HAVE_MAX = 256;

export type BundleFile = { path: string; sizeBytes: number };

/** Writes the bundle of `ref` without what `without` and its ancestors hold. The caller has seen that something remains. */
export async function writeBundle(
  repository: Repository,
  o: { layout: Layout; ref: string; without: readonly string[] },
): Promise<BundleFile | WorkspaceRefusal> {
  const path = join(await mkdtemp(join(o.layout.bundles, 'b-')), 'work.bundle');
  const args = ['bundle', 'create', '--quiet', path, o.ref, ...(o.without.length === 0 ? [] : ['--not', ...o.without])];
  const written = await repository.run(args, { timeoutMs: TRANSFER_TIMEOUT_MS });
  if (written.ok) return { path, sizeBytes: (await stat(path)).size };
  await discardBundle(o.layout, path);
  return gitFailed('write the bundle', written);
}

/** Removes a bundle that {@link writeBundle} made; any other path is left alone. Idempotent. */
export async function discardBundle(layout: Layout, path: string): Promise<void> {
  const folder = dirname(path);
  if (dirname(folder) === layout.bundles) await rm(folder, { recursive: true, force: true });
}

/** Refs and commits that a bundle holds. Refuses one that is damaged at its head or builds on commits that `repository` lacks. */
export async function readBundle(
  repository: Repository,
  path: string,
): Promise<ReadonlyMap<string, string> | WorkspaceRefusal> {
  try {
    await stat(path);
  } catch (error) {
    if (isMissing(error)) return refusal('bundle_unusable', 'the bundle is not there', { got: path });
    throw error;
  }
  const listed = await repository.run(['bundle', 'list-heads', path]);
  if (!listed.ok) return refusal('bundle_unusable', `that is no bundle: ${saidBy(listed)}`);
  const verified = await repository.run(['bundle', 'verify', path]);
  if (!verified.ok) {
    // The second: pieces of a damaged transfer are here, but nothing holds them.
    if (!/lacks these prerequisite commits|not connected to the repository's history/.test(verified.err))
      return refusal('bundle_unusable', `git does not take the bundle: ${saidBy(verified)}`);
    const missing = [...verified.err.matchAll(/^error: ([0-9a-f]{40,64})/gm)].map((match) => match[1]);
    return refusal('bundle_prerequisites_missing', 'the bundle builds on commits that are not here', {
      expected: 'a fetch from the origin first, or a whole bundle',
      got: missing.slice(0, 10).join(', '),
    });
  }
  return new Map(
    listed.out.split('\n').map((line): [string, string] => {
      const space = line.indexOf(' ');
      return [line.slice(space + 1), line.slice(0, space)];
    }),
  );
}

/** Takes `from` out of a bundle that {@link readBundle} found good, as `to`. On damage further in nothing moves. */
export async function takeFromBundle(
  repository: Repository,
  o: { path: string; from: string; to: string },
): Promise<WorkspaceRefusal | undefined> {
  const args = ['fetch', '--quiet', '--no-tags', '--no-write-fetch-head', '--', o.path, `+${o.from}:${o.to}`];
  const taken = await repository.run(args, { timeoutMs: TRANSFER_TIMEOUT_MS });
  return taken.ok ? undefined : refusal('bundle_unusable', `git does not take the bundle: ${saidBy(taken)}`);
}

/** A project on its way from home to a node that cannot reach the origin. `path` is undefined when that node has `head` already. */
export type ProjectBundle = { base: string; head: string; path: string | undefined; sizeBytes: number };

/**
 * Writes a bundle of the base branch of a project whose origin is a path on this node. Thin where `have` names commits that this repository
 * knows; others are ignored. The caller removes the file with `discard`.
 */
export async function bundleProject(
  room: Room,
  o: { origin: string; base: string | null; have?: readonly string[] },
): Promise<ProjectBundle | WorkspaceRefusal> {
  const origin = readOrigin(o.origin);
  if ('refused' in origin) return origin;
  if (origin.kind === 'url')
    return refusal('bad_origin', 'a project with a URL is cloned from there', { got: 'a URL' });
  const wrongName =
    o.base === null ? undefined : await checkBranchName(room.git, { cwd: room.layout.projects, branch: o.base });
  if (wrongName !== undefined) return wrongName;
  const found = await inspectOrigin(room.git, origin.path);
  if ('refused' in found) return found;
  const tip = await findBase(room, { url: origin.path, base: o.base });
  if ('refused' in tip) return tip;
  const { repository } = found;
  const without = await knownCommits(repository, o.have ?? []);
  const { base, head } = tip;
  if (without.length > 0 && (await nothingNew(repository, { head, without })))
    return { base, head, path: undefined, sizeBytes: 0 };
  const file = await writeBundle(repository, { layout: room.layout, ref: `refs/heads/${base}`, without });
  if ('refused' in file) return file;
  // The branch may have moved since it was asked for: what counts is what the file holds.
  const heads = await readBundle(repository, file.path);
  if ('refused' in heads) {
    await discardBundle(room.layout, file.path);
    return heads;
  }
  return { base, head: heads.get(`refs/heads/${base}`) ?? head, ...file };
}

async function knownCommits(repository: Repository, have: readonly string[]): Promise<string[]> {
  const asked = have.filter((commit) => /^[0-9a-f]{40,64}$/.test(commit)).slice(0, HAVE_MAX);
  if (asked.length === 0) return [];
  const checked = await repository.run(['cat-file', '--batch-check'], { input: `${asked.join('\n')}\n` });
  return checked.out.split('\n').flatMap((line) => {
    const [commit, type] = line.split(' ');
    return commit !== undefined && type === 'commit' ? [commit] : [];
  });
}

async function nothingNew(repository: Repository, o: { head: string; without: readonly string[] }): Promise<boolean> {
  const counted = await repository.run(['rev-list', '--count', '--max-count=1', o.head, '--not', ...o.without, '--']);
  return counted.ok && counted.out === '0';
}
