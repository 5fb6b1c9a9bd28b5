import type * as FileSystem from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { MailboxFollower } from '#runtime/shared-mailbox/follower.ts';
import { RotatingWriter } from '#runtime/shared-mailbox/rotation.ts';
import { temporaryDirectories } from '../temporary.ts';

const makeDirectory = temporaryDirectories();
/** What happens just before the next file is opened, after it was looked for. */
const race: { before: (() => void) | undefined } = { before: undefined };
vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof FileSystem>();
  return {
    ...real,
    open: (path: string, flags: string) => {
      race.before?.();
      return real.open(path, flags);
    },
  };
});

it('misses nothing of a file that is moved aside between the look for it and its opening', async () => {
  const path = join(makeDirectory(), '12_00.jsonl');
  const writer = new RotatingWriter(path, Number.MAX_SAFE_INTEGER);
  let moves = 0;
  race.before = () => {
    if (moves === 3) return;
    moves += 1;
    writer.rotate();
    writer.append({ n: moves });
  };
  writer.append({ n: 0 });
  const follower = new MailboxFollower(path, { pollMs: () => 0 });
  const seen: unknown[] = [];
  for await (const line of follower.lines()) {
    seen.push(line.kind === 'record' ? line.value : line.why);
    if (seen.length === 4) follower.close();
  }
  writer.close();
  expect(seen).toEqual([{ n: 0 }, { n: 1 }, { n: 2 }, { n: 3 }]);
});
