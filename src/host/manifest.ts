/** What a backup says of itself, in `manifest.json`: written last, so a backup without it was never finished. */
import { open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { hashSchema, nodeIdSchema } from '#core/schema/ids.ts';
import type { Refusal } from '#core/refusal.ts';
import { refusal } from '#core/refusal.ts';
import { codeOf, syncFile } from './place-file.ts';

/** What lies in a backup, by its name there. */
export const BACKUP = {
  manifest: 'manifest.json',
  database: 'skep.db',
  blobs: 'blobs',
  /** Bundles of salvaged work. */
  work: 'work',
  /** Of the data directory, copied with mode 0600; those that are there. */
  secrets: ['secret', 'token', 'tokens.json'],
} as const;

/** No path of a manifest leads out of the backup. */
const FILE = /^(skep\.db|secret|token|tokens\.json|blobs\/[0-9a-f]{2}\/[0-9a-f]{62}|work\/[0-9a-z-]+(\.\d+)?\.bundle)$/;

const VERSION = 1;
const count = z.number().int().nonnegative();

const manifestSchema = z.object({
  format: z.literal('skep backup'),
  version: z.literal(VERSION),
  /** The skep that made it. */
  skep: z.string(),
  node: nodeIdSchema,
  name: z.string(),
  /** How much of each author's log is in it. */
  heads: z.record(nodeIdSchema, count),
  lamport: count,
  /** ISO 8601; for people. */
  createdAt: z.string(),
  files: z.array(z.object({ path: z.string().regex(FILE), sizeBytes: count, sha256: hashSchema })),
});
export type Manifest = z.output<typeof manifestSchema>;
export type BackupFile = Manifest['files'][number];

export const newManifest = (facts: Omit<Manifest, 'format' | 'version'>): Manifest => ({
  format: 'skep backup',
  version: VERSION,
  ...facts,
});

/** Durable, whole or not at all. It names hashes of secrets, so it is for its owner alone. */
export async function writeManifest(backup: string, manifest: Manifest): Promise<void> {
  const path = join(backup, BACKUP.manifest);
  const file = await open(`${path}.new`, 'wx', 0o600);
  try {
    await file.writeFile(`${JSON.stringify(manifest, undefined, 1)}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(`${path}.new`, path);
  await syncFile(backup);
}

/** Refuses a directory that is no backup, an unfinished one, and one of a newer skep. */
export async function readManifest(backup: string): Promise<Manifest | Refusal> {
  let text: string;
  try {
    text = await readFile(join(backup, BACKUP.manifest), 'utf8');
  } catch (error) {
    if (codeOf(error) !== 'ENOENT' && codeOf(error) !== 'ENOTDIR') throw error;
    return refusal(
      'not_found',
      `${backup} is no backup, or one that was never finished: it has no ${BACKUP.manifest}`,
      {
        expected: 'a directory that skep backup has made',
      },
    );
  }
  const json = parsed(text);
  const manifest = manifestSchema.safeParse(json);
  if (manifest.success) return manifest.data;
  const version = z.object({ format: z.literal('skep backup'), version: z.number() }).safeParse(json);
  if (version.success && version.data.version > VERSION) {
    return refusal('not_supported', `${backup} was made by a newer skep`, {
      expected: `format ${VERSION}`,
      got: `format ${version.data.version}`,
    });
  }
  const issue = manifest.error.issues[0];
  return refusal('invalid', `${join(backup, BACKUP.manifest)} is damaged`, {
    expected: 'what skep backup wrote',
    got: `${issue?.path.join('.')}: ${issue?.message}`,
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
