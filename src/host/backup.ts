/**
 * A backup of a node that goes on: its store as of one commit, the blobs that this store speaks of, salvaged work, and the secrets of the data
 * directory. Clones and worktrees are made again by whoever needs them. The node's key is not in it: a restored node is a new node.
 */
import { existsSync } from 'node:fs';
import { chmod, mkdir, readdir, rm, rmdir, stat } from 'node:fs/promises';
import { isAbsolute, join, relative, resolve } from 'node:path';
import { setImmediate as turnEnd } from 'node:timers/promises';
import type { Hash } from '#core/brand.ts';
import { hashOf } from '#core/brand.ts';
import type { Refusal } from '#core/refusal.ts';
import { refusal } from '#core/refusal.ts';
import type { BackupMade, BackupProgress, BackupRun, BlobStore, NodeInfo, OpStore } from '#ports.ts';
import type { SqliteStore } from '#store/sqlite.ts';
import type { Workspaces } from '#workspace/workspaces.ts';
import type { BackupFile } from './manifest.ts';
import { BACKUP, newManifest, writeManifest } from './manifest.ts';
import { codeOf, duplicateFile, hashFile, linkFile, syncFile } from './place-file.ts';
import { isRefusal } from './remote.ts';

/** Ops looked through at a time for blobs: some milliseconds. */
const PAGE_OPS = 500;
/** Where a body names a blob; the same in ops of types that only newer nodes know. */
const NAMED = /"(?:blob|bundle)"\s*:\s*"([0-9a-f]{64})"/g;

type Source = {
  info: Pick<NodeInfo, 'self' | 'name' | 'version' | 'dataDir'>;
  stateDir: string;
  store: Pick<OpStore, 'arrivals'> & Pick<SqliteStore, 'snapshot'>;
  blobs: Pick<BlobStore, 'path'>;
  workspaces: Pick<Workspaces, 'repositories' | 'bundleSalvaged'>;
};

type RunOptions = Parameters<BackupRun>[0];

export class Backups {
  private readonly source: Source;
  private readonly closing = new AbortController();
  private running: Promise<unknown> | undefined;

  constructor(source: Source) {
    this.source = source;
  }

  async plan(target: string): Promise<BackupRun | Refusal> {
    const refused = this.busy() ?? (await targetRefusal(target, this.source.stateDir));
    return refused ?? ((o) => this.run(target, o));
  }

  /** Ends a backup under way, whose caller is told. Idempotent. */
  async close(): Promise<void> {
    this.closing.abort(new Error('the node is stopping'));
    await this.running;
  }

  private async run(target: string, o: RunOptions): Promise<BackupMade | Refusal> {
    const busy = this.busy();
    if (busy !== undefined) return busy;
    const signal = AbortSignal.any([o.signal, this.closing.signal]);
    const made = make(this.source, target, { ...o, signal }).finally(() => {
      this.running = undefined;
    });
    this.running = made.catch(() => undefined);
    return made;
  }

  private busy(): Refusal | undefined {
    if (this.running === undefined) return undefined;
    return refusal('conflict', 'a backup of this node is under way', { expected: 'it to end first' });
  }
}

async function targetRefusal(target: string, stateDir: string): Promise<Refusal | undefined> {
  if (!isAbsolute(target)) return refusal('invalid', 'an absolute path is expected', { got: target });
  if (!relative(stateDir, resolve(target)).startsWith('..')) {
    return refusal('invalid', 'a backup cannot lie in the state directory of its node', { got: target });
  }
  const names = await namesIn(target);
  if (isRefusal(names) || names.length === 0) return isRefusal(names) ? names : undefined;
  return refusal('conflict', `${target} is not empty`, {
    expected: 'a new or empty directory',
    got: names.slice(0, 3).join(', '),
  });
}

async function namesIn(target: string): Promise<string[] | Refusal> {
  try {
    return await readdir(target);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return [];
    if (codeOf(error) === 'ENOTDIR') return refusal('conflict', `${target} is no directory`);
    throw error;
  }
}

async function make(source: Source, target: string, o: RunOptions): Promise<BackupMade | Refusal> {
  // It may have been taken since the plan was made.
  const refused = await targetRefusal(target, source.stateDir);
  if (refused !== undefined) return refused;
  const wasMade = !existsSync(target);
  try {
    await mkdir(target, { recursive: true, mode: 0o700 });
    return await write(source, target, o);
  } catch (error) {
    await takeBack(target, wasMade);
    throw error;
  }
}

async function write(source: Source, target: string, o: RunOptions): Promise<BackupMade | Refusal> {
  const { self, name, version, dataDir } = source.info;
  const database = join(target, BACKUP.database);
  const { heads, lamport, lastArrival } = await source.store.snapshot(database, {
    signal: o.signal,
    onProgress: (pages) => o.onProgress({ step: 'database', ...pages }),
  });
  await chmod(database, 0o600);
  // After the store: whatever it names is on the disk by now.
  const blobs = await copyBlobs(source, target, { ...o, lastArrival });
  const bundles = await bundleWork(source, target, o);
  if (isRefusal(bundles)) {
    await takeBack(target, false);
    return bundles;
  }
  const secrets = await copySecrets(dataDir, target);
  const files = [...(await checksums(target, [BACKUP.database, ...bundles, ...secrets], o)), ...blobs];
  await syncFolders(target, blobs);
  const createdAt = new Date().toISOString();
  await writeManifest(target, newManifest({ skep: version, node: self, name, heads, lamport, createdAt, files }));
  return { target, heads, files: files.length, sizeBytes: files.reduce((sum, file) => sum + file.sizeBytes, 0) };
}

/** Links those that are here: a node holds few of the blobs that its swarm's ops name. A blob's name is its checksum, and it is never written to. */
async function copyBlobs(
  source: Source,
  target: string,
  o: RunOptions & { lastArrival: number },
): Promise<BackupFile[]> {
  const named = [...(await namedBlobs(source.store, o))];
  const files: BackupFile[] = [];
  for (const [index, sha256] of named.entries()) {
    o.signal.throwIfAborted();
    const held = await source.blobs.path(sha256);
    if (held !== undefined) {
      const path = `${BACKUP.blobs}/${sha256.slice(0, 2)}/${sha256.slice(2)}`;
      await linkFile(held, join(target, path));
      files.push({ path, sizeBytes: (await stat(held)).size, sha256 });
    }
    o.onProgress({ step: 'blobs', done: index + 1, total: named.length });
  }
  return files;
}

async function namedBlobs(
  store: Source['store'],
  o: { lastArrival: number; signal: AbortSignal },
): Promise<ReadonlySet<Hash>> {
  const named = new Set<Hash>();
  for (let after = 0; after < o.lastArrival;) {
    o.signal.throwIfAborted();
    const page = store.arrivals({ after, limit: PAGE_OPS });
    for (const { op } of page)
      for (const [, hash] of op.bodyText.matchAll(NAMED)) if (hash !== undefined) named.add(hashOf(hash));
    after = page.at(-1)?.n ?? o.lastArrival;
    await turnEnd();
  }
  return named;
}

async function bundleWork({ workspaces }: Source, target: string, o: RunOptions): Promise<string[] | Refusal> {
  const names = await workspaces.repositories();
  const paths: string[] = [];
  for (const [index, name] of names.entries()) {
    o.signal.throwIfAborted();
    const files = await workspaces.bundleSalvaged({ name, folder: join(target, BACKUP.work) });
    if (isRefusal(files)) return refusal('workspace', files.message);
    paths.push(...files.map((file) => `${BACKUP.work}/${file}`));
    o.onProgress({ step: 'work', done: index + 1, total: names.length });
  }
  return paths;
}

/** A secret that came from the environment has no file, and stays there. */
async function copySecrets(dataDir: string, target: string): Promise<string[]> {
  const copied: string[] = [];
  for (const name of BACKUP.secrets) {
    try {
      await duplicateFile(join(dataDir, name), join(target, name));
    } catch (error) {
      if (codeOf(error) === 'ENOENT') continue;
      throw error;
    }
    await chmod(join(target, name), 0o600);
    copied.push(name);
  }
  return copied;
}

async function checksums(target: string, paths: readonly string[], o: RunOptions): Promise<BackupFile[]> {
  const files: BackupFile[] = [];
  for (const [index, path] of paths.entries()) {
    o.signal.throwIfAborted();
    const full = join(target, path);
    await syncFile(full);
    files.push({ path, sizeBytes: (await stat(full)).size, sha256: await hashFile(full) });
    const progress: BackupProgress = { step: 'checksums', done: index + 1, total: paths.length };
    o.onProgress(progress);
  }
  return files;
}

/** Names are durable once their folders are. */
async function syncFolders(target: string, blobs: readonly BackupFile[]): Promise<void> {
  const shelves = new Set(blobs.map(({ path }) => path.slice(0, path.lastIndexOf('/'))));
  const folders = [...shelves, ...(shelves.size > 0 ? [BACKUP.blobs] : []), BACKUP.work];
  for (const folder of folders) {
    await syncFile(join(target, folder)).catch((error: unknown) => {
      if (codeOf(error) !== 'ENOENT') throw error;
    });
  }
}

/** Removes what was written, by name: somebody may have put something beside it. */
async function takeBack(target: string, wasMade: boolean): Promise<void> {
  const { database, blobs, work, manifest, secrets } = BACKUP;
  const names = [database, `${database}-journal`, blobs, work, `${manifest}.new`, ...secrets];
  for (const name of names) await rm(join(target, name), { recursive: true, force: true });
  if (!wasMade) return;
  await rmdir(target).catch((error: unknown) => {
    if (codeOf(error) !== 'ENOTEMPTY' && codeOf(error) !== 'ENOENT') throw error;
  });
}
