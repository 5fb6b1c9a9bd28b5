/**
 * Makes a new node of a backup: a new key, the ops and views of the old store, none of the rows by which the old node voted and started. What has
 * to change and why is in docs/decisions/0005-restore.md. No node runs meanwhile; the state directory appears whole or not at all.
 */
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { NodeId } from '#core/brand.ts';
import type { Refusal } from '#core/refusal.ts';
import { refusal } from '#core/refusal.ts';
import { loadIdentity } from '#fabric/identity.ts';
import { adoptDatabase } from '#store/adopt.ts';
import { StoreError } from '#store/errors.ts';
import { SALVAGED_DIR } from '#workspace/layout.ts';
import { stateDirOf } from '../socket-path.ts';
import type { BackupFile, Manifest } from './manifest.ts';
import { BACKUP, readManifest } from './manifest.ts';
import { codeOf, duplicateFile, hashFile, linkFile, syncFile } from './place-file.ts';
import { isRefusal } from './remote.ts';

export type RestoreOptions = {
  /** The backup; only read. */
  source: string;
  /** Made when it is not there. Secret and tokens that lie in it already stay. */
  dataDir: string;
  p2pPort: number;
  onProgress: (bytes: { done: number; total: number }) => void;
};

export type Restored = {
  node: NodeId;
  stateDir: string;
  /** Whose backup it was, what people called that node, and when the backup was made. */
  old: NodeId;
  name: string;
  createdAt: string;
  /** How much of each author's log is there. */
  heads: Record<NodeId, number>;
  sizeBytes: number;
  /** False where the old node had its secret from the environment: the new one needs the same. */
  hasSecret: boolean;
};

/** Refuses what is no whole backup, and a state directory in which something lies: nothing was changed then. Rejects when the disk fails. */
export async function restoreBackup(o: RestoreOptions): Promise<Restored | Refusal> {
  const manifest = await readManifest(o.source);
  if (isRefusal(manifest)) return manifest;
  const stateDir = stateDirOf(o.dataDir, o.p2pPort);
  const refused = (await occupied(stateDir)) ?? (await otherSwarm(o));
  if (refused !== undefined) return refused;
  await mkdir(o.dataDir, { recursive: true, mode: 0o700 });
  const draft = await mkdtemp(join(o.dataDir, '.restore-'));
  try {
    const made = await build(draft, manifest, o);
    if (isRefusal(made)) return made;
    const hasSecret = await placeSecrets(manifest, o);
    const { node: old, name, createdAt, heads } = manifest;
    const sizeBytes = manifest.files.reduce((sum, file) => sum + file.sizeBytes, 0);
    await rename(draft, stateDir);
    await syncFile(o.dataDir);
    return { node: made, stateDir, old, name, createdAt, heads, sizeBytes, hasSecret };
  } catch (error) {
    // Somebody started a node there meanwhile.
    if (codeOf(error) === 'ENOTEMPTY' || codeOf(error) === 'EEXIST') return notEmpty(stateDir);
    throw error;
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

async function occupied(stateDir: string): Promise<Refusal | undefined> {
  try {
    return (await readdir(stateDir)).length === 0 ? undefined : notEmpty(stateDir);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    if (codeOf(error) === 'ENOTDIR') return notEmpty(stateDir);
    throw error;
  }
}

const notEmpty = (stateDir: string): Refusal =>
  refusal('conflict', `${stateDir} is not empty: a state directory is one node's life`, {
    expected: 'another --data-dir or --p2p-port',
  });

/** Nodes that share a data directory share its secret. */
async function otherSwarm({ source, dataDir }: RestoreOptions): Promise<Refusal | undefined> {
  const [secret] = BACKUP.secrets;
  const [held, brought] = [join(dataDir, secret), join(source, secret)];
  if (!existsSync(held) || !existsSync(brought)) return undefined;
  const [ours, theirs] = [await readFile(held, 'utf8'), await readFile(brought, 'utf8')];
  if (ours.trim() === theirs.trim()) return undefined;
  return refusal('conflict', `${dataDir} belongs to another swarm`, { expected: 'a new --data-dir' });
}

/** Everything but the secrets, in a directory that is no node's yet. Returns the new node's id. */
async function build(draft: string, manifest: Manifest, o: RestoreOptions): Promise<NodeId | Refusal> {
  const total = manifest.files.reduce((sum, file) => sum + file.sizeBytes, 0);
  if (!manifest.files.some(({ path }) => path === BACKUP.database)) return damaged(BACKUP.database, 'no checksum');
  let done = 0;
  for (const file of manifest.files) {
    const bad = await bring(file, { source: o.source, draft });
    if (bad !== undefined) return bad;
    done += file.sizeBytes;
    o.onProgress({ done, total });
  }
  const { node } = loadIdentity(draft);
  const adopted = adopt(join(draft, BACKUP.database), { old: manifest.node, node });
  if (isRefusal(adopted)) return adopted;
  const said = Object.entries(manifest.heads);
  const same = said.length === adopted.size && said.every(([author, seq]) => adopted.get(author) === seq);
  if (!same) return damaged(BACKUP.database, 'other ops than its manifest says');
  await syncAll(draft);
  return node;
}

/** Puts one file into its place and compares it with its checksum. */
async function bring(file: BackupFile, o: { source: string; draft: string }): Promise<Refusal | undefined> {
  const { path, sha256, sizeBytes } = file;
  const from = join(o.source, path);
  const isBlob = path.startsWith(`${BACKUP.blobs}/`);
  if (isBlob && path !== `${BACKUP.blobs}/${sha256.slice(0, 2)}/${sha256.slice(2)}`)
    return damaged(path, 'another name');
  try {
    const found = (await stat(from)).size;
    if (found !== sizeBytes) return damaged(path, `${found} bytes instead of ${sizeBytes}`);
    const to = placeOf(path, o.draft);
    if (to !== undefined) await (isBlob ? linkFile : duplicateFile)(from, to);
    const sum = await hashFile(to ?? from);
    return sum === sha256 ? undefined : damaged(path, `checksum ${sum} instead of ${sha256}`);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
    return damaged(path, 'nothing');
  }
}

/** Where a file of a backup lies in a state directory; undefined for a secret, which lies outside. */
function placeOf(path: string, stateDir: string): string | undefined {
  if (path.startsWith(`${BACKUP.work}/`)) return join(stateDir, SALVAGED_DIR, path.slice(BACKUP.work.length + 1));
  const isState = path === BACKUP.database || path.startsWith(`${BACKUP.blobs}/`);
  return isState ? join(stateDir, path) : undefined;
}

const damaged = (path: string, got: string): Refusal =>
  refusal('invalid', `the backup is damaged: ${path}`, { expected: 'every file as its manifest says', got });

function adopt(path: string, o: { old: NodeId; node: NodeId }): ReadonlyMap<string, number> | Refusal {
  try {
    return adoptDatabase(path, o).heads;
  } catch (error) {
    if (error instanceof StoreError && error.code === 'store_newer') return refusal('not_supported', error.message);
    throw error;
  }
}

/** Those that are not there yet: another node of the directory may have its own token. True when the directory has a secret now. */
async function placeSecrets(manifest: Manifest, { source, dataDir }: RestoreOptions): Promise<boolean> {
  for (const name of BACKUP.secrets) {
    const to = join(dataDir, name);
    if (existsSync(to) || !manifest.files.some(({ path }) => path === name)) continue;
    await duplicateFile(join(source, name), to);
    await chmod(to, 0o600);
  }
  return existsSync(join(dataDir, BACKUP.secrets[0]));
}

/** Names are durable once their folders are. */
async function syncAll(draft: string): Promise<void> {
  const entries = await readdir(draft, { recursive: true, withFileTypes: true });
  const folders = entries.filter((entry) => entry.isDirectory()).map((entry) => join(entry.parentPath, entry.name));
  for (const folder of [...folders, draft, dirname(draft)]) await syncFile(folder);
}
