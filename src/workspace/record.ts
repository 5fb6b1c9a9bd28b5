/** What was prepared for an attempt, kept in a file so that a restarted node finds it again. */
import { mkdir, readFile, readdir, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { opIdSchema } from '#core/schema/ids.ts';
import type { AttemptId, Layout } from './layout.ts';
import { isMissing } from './origin.ts';
import { warningSchema } from './warning.ts';

const shared = {
  task: opIdSchema,
  attempt: z.number().int().min(1),
  /** Where the agent starts. */
  cwd: z.string(),
  warnings: z.array(warningSchema),
};

const preparedSchema = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('worktree'),
    ...shared,
    /** Null for a plain path. */
    project: opIdSchema.nullable(),
    /** The repository that the worktree belongs to: the project's clone, or the user's own. */
    gitDir: z.string(),
    /** Top of the worktree; `cwd` may lie below it. */
    root: z.string(),
    branch: z.string(),
    /** The commit that the work starts from. */
    base: z.string(),
    /** Uncommitted changes in the checkout at the source that are not part of the work. */
    dirty: z.boolean(),
  }),
  /** The user's own checkout: the agent lives there, and nothing of it is moved. */
  z.object({
    kind: z.literal('checkout'),
    ...shared,
    project: z.null(),
    /** The repository itself, also when the checkout is a linked worktree of it. */
    gitDir: z.string(),
    root: z.string(),
    base: z.string(),
    /** Changes that were not committed when the work began. */
    dirty: z.boolean(),
  }),
  /** A folder without git: the agent works in the user's own folder. */
  z.object({ kind: z.literal('directory'), ...shared }),
  z.object({ kind: z.literal('scratch'), ...shared }),
]);
export type Prepared = z.output<typeof preparedSchema>;
export type PreparedWorktree = Extract<Prepared, { kind: 'worktree' }>;
export type PreparedCheckout = Extract<Prepared, { kind: 'checkout' }>;
export type PreparedScratch = Extract<Prepared, { kind: 'scratch' }>;

/** Undefined when nothing was prepared, or its preparation was interrupted. */
export async function readRecord(layout: Layout, id: AttemptId): Promise<Prepared | undefined> {
  return readRecordFile(layout.record(id));
}

async function readRecordFile(path: string): Promise<Prepared | undefined> {
  try {
    return preparedSchema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** Written last, in one step: a record stands for a place that is complete. */
export async function writeRecord(layout: Layout, prepared: Prepared): Promise<void> {
  const path = layout.record(prepared);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(`${path}.new`, JSON.stringify(prepared), { flush: true });
  await rename(`${path}.new`, path);
}

/** Removes the record, and the task's folder when nothing else is in it. Idempotent. */
export async function dropRecord(layout: Layout, id: AttemptId): Promise<void> {
  const path = layout.record(id);
  await rm(path, { force: true });
  try {
    await rmdir(dirname(path));
  } catch (error) {
    const stays = error instanceof Error && 'code' in error && error.code === 'ENOTEMPTY';
    if (!stays && !isMissing(error)) throw error;
  }
}

/** Everything that is prepared on this node. */
export async function listRecords(layout: Layout): Promise<Prepared[]> {
  const tasks = await readdir(layout.work, { withFileTypes: true });
  const folders = tasks.filter((task) => task.isDirectory()).map((task) => join(layout.work, task.name));
  const names = await Promise.all(
    folders.map(async (folder) => (await readdir(folder)).map((name) => join(folder, name))),
  );
  const records = names.flat().filter((path) => /[0-9]\.json$/.test(path));
  const read = await Promise.all(records.map((path) => readRecordFile(path)));
  return read.filter((one) => one !== undefined);
}
