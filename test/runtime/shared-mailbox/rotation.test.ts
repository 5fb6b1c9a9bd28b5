import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { MailboxFollower } from '#runtime/shared-mailbox/follower.ts';
import { rotatedPath, RotatingWriter } from '#runtime/shared-mailbox/rotation.ts';

let directory: string;
let path: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'sk-rotate-'));
  path = join(directory, '7_00.jsonl');
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** What a reader has read to the end, by whom it was written. */
async function read(): Promise<unknown[]> {
  const follower = new MailboxFollower(path, { pollMs: () => 0 });
  follower.finish();
  const seen: unknown[] = [];
  for await (const line of follower.lines()) seen.push(line.kind === 'record' ? line.value : line.why);
  return seen;
}

it('a writer that is late appends, and moves nothing: a reader misses nothing of the one that has the name', async () => {
  const late = new RotatingWriter(path, 20, () => false);
  late.append({ by: 'late', n: 1 });
  const now = new RotatingWriter(path, 1_000);
  late.append({ by: 'late', n: 2 });
  now.append({ by: 'now', n: 1 });
  late.append({ by: 'late', n: 3 });
  now.append({ by: 'now', n: 2 });
  expect(existsSync(rotatedPath(path, 1))).toBe(false);
  expect(await read()).toEqual([
    { by: 'late', n: 1 },
    { by: 'late', n: 2 },
    { by: 'now', n: 1 },
    { by: 'late', n: 3 },
    { by: 'now', n: 2 },
  ]);
  late.close();
  now.close();
});

it('what a writer has moved aside is not moved again by one that still writes to it', async () => {
  const other = new RotatingWriter(path, 30);
  const now = new RotatingWriter(path, 20);
  now.append({ by: 'now', n: 1 });
  now.append({ by: 'now', n: 2 });
  other.append({ by: 'other', n: 1 });
  other.append({ by: 'other', n: 2 });
  now.append({ by: 'now', n: 3 });
  other.close();
  now.close();
  const all = await read();
  expect(all.filter((one) => JSON.stringify(one).includes('now'))).toEqual([
    { by: 'now', n: 1 },
    { by: 'now', n: 2 },
    { by: 'now', n: 3 },
  ]);
});

it('a writer whose file another one has moved aside goes on in the file of that name', async () => {
  const mover = new RotatingWriter(path, 1_000);
  const now = new RotatingWriter(path, 1_000);
  now.append({ by: 'now', n: 1 });
  mover.rotate();
  now.settle();
  now.append({ by: 'now', n: 2 });
  mover.close();
  now.close();
  // Idempotent, and without an effect on a closed one.
  now.settle();
  expect(await read()).toEqual([
    { by: 'now', n: 1 },
    { by: 'now', n: 2 },
  ]);
  const kept = new MailboxFollower(rotatedPath(path, 1), { pollMs: () => 0 });
  kept.finish();
  for await (const line of kept.lines()) expect(line).toMatchObject({ value: { by: 'now', n: 1 } });
});
