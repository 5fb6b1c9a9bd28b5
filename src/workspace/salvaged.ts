/** Salvaged work on its way through a backup: refs that nothing outside this node holds leave as bundles, and come back into clones made anew. */
import { copyFile, mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { OpId } from '#core/brand.ts';
import { DURABLE, LIST_MAX_BYTES, TRANSFER_TIMEOUT_MS } from './git.ts';
import { isMissing, isThere } from './origin.ts';
import { openLoose } from './place.ts';
import type { WorkspaceRefusal } from './refusal.ts';
import { gitFailed } from './refusal.ts';
import { Repository } from './repository.ts';
import type { Room } from './room.ts';

/** What an attempt left and no delivery carried away. All other refs under `refs/skep/` name commits of the origin, or of a bundle among the blobs. */
const KEPT = ['refs/skep/salvage', 'refs/skep/left'] as const;

const DELIVERED = 'refs/skep/delivered';

/** `<repository>.bundle`, and with numbers those that waited for their repository when a backup was made. */
const BUNDLE = /^([0-9a-z-]+)(?:\.\d+)?\.bundle$/;

/** Repositories of this node that may hold salvaged work, or will: ids of projects, and `loose`. */
export async function repositoryNames({ layout }: Room): Promise<string[]> {
  const held = (await namesIn(layout.projects)).filter((name) => name.endsWith('.git'));
  const waiting = (await namesIn(layout.salvaged)).flatMap((name) => BUNDLE.exec(name)?.[1] ?? []);
  return [...new Set([...held.map((name) => name.slice(0, -'.git'.length)), ...waiting])].toSorted();
}

/**
 * Writes the salvaged work of one repository into `folder`, without what its origin holds, and returns the names of the files. A project's
 * bundle can be read where the project has been cloned.
 */
export async function bundleSalvaged(
  room: Room,
  o: { name: string; folder: string },
): Promise<string[] | WorkspaceRefusal> {
  await mkdir(o.folder, { recursive: true });
  const made = await bundleRefs(room, o);
  if (typeof made === 'object') return made;
  const files = made === undefined ? [] : [made];
  for (const waiting of await bundlesOf(room, o.name)) {
    const file = files.length === 0 ? `${o.name}.bundle` : `${o.name}.${files.length}.bundle`;
    await copyFile(waiting, join(o.folder, file));
    files.push(file);
  }
  return files;
}

async function bundleRefs(
  { git, layout }: Room,
  o: { name: string; folder: string },
): Promise<string | undefined | WorkspaceRefusal> {
  const gitDir = join(layout.projects, `${o.name}.git`);
  if (!(await isThere(join(gitDir, 'HEAD')))) return undefined;
  const repository = new Repository(git, { gitDir });
  const refs = await unheldRefs(repository);
  if ('refused' in refs) return refs;
  if (refs.length === 0) return undefined;
  const file = `${o.name}.bundle`;
  const args = ['bundle', 'create', '--quiet', join(o.folder, file), '--stdin', '--not', '--remotes=origin'];
  const written = await repository.run(args, { input: `${refs.join('\n')}\n`, timeoutMs: TRANSFER_TIMEOUT_MS });
  if (written.ok) return file;
  // The origin holds all of it.
  return /empty bundle/.test(written.err) ? undefined : gitFailed('bundle salvaged work', written);
}

/** A salvaged commit that was also delivered is in a bundle among the blobs. */
async function unheldRefs(repository: Repository): Promise<string[] | WorkspaceRefusal> {
  const format = '--format=%(objectname) %(refname)';
  const which = [...KEPT, DELIVERED].map((ref) => `${ref}/`);
  const listed = await repository.run(['for-each-ref', format, ...which], { outputMaxBytes: LIST_MAX_BYTES });
  if (!listed.ok) return gitFailed('list salvaged work', listed);
  const found = listed.out.split('\n').map((line): [string, string] => {
    const space = line.indexOf(' ');
    return [line.slice(0, space), line.slice(space + 1)];
  });
  const delivered = new Set(found.flatMap(([commit, ref]) => (ref.startsWith(`${DELIVERED}/`) ? [commit] : [])));
  return found.flatMap(([commit, ref]) => (ref === '' || delivered.has(commit) ? [] : [ref]));
}

/** Takes back what a restore laid down for a project; into a clone that is up to date. What cannot be read yet stays for the next time. */
export async function takeSalvaged(room: Room, id: OpId): Promise<void> {
  const bundles = await bundlesOf(room, id);
  if (bundles.length > 0) await take(new Repository(room.git, { gitDir: room.layout.clone(id) }), bundles);
}

/** The same for work that belongs to no project. */
export async function takeLooseSalvaged(room: Room): Promise<void> {
  const bundles = await bundlesOf(room, 'loose');
  if (bundles.length === 0) return;
  const repository = await openLoose(room);
  if (!('refused' in repository)) await take(repository, bundles);
}

async function take(repository: Repository, bundles: readonly string[]): Promise<void> {
  const refs = KEPT.map((ref) => `+${ref}/*:${ref}/*`);
  for (const path of bundles) {
    const args = [...DURABLE, 'fetch', '--quiet', '--no-tags', '--no-write-fetch-head', '--', path, ...refs];
    const taken = await repository.run(args, { timeoutMs: TRANSFER_TIMEOUT_MS });
    if (taken.ok) await rm(path, { force: true });
  }
}

/** Bundles that wait for a repository. */
async function bundlesOf({ layout }: Room, name: string): Promise<string[]> {
  const names = await namesIn(layout.salvaged);
  return names.filter((file) => BUNDLE.exec(file)?.[1] === name).map((file) => join(layout.salvaged, file));
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).toSorted();
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}
