import {
  appendFileSync,
  existsSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JSON_LINE_MAX_BYTES } from '#runtime/json-lines.ts';
import { appendShared } from '#runtime/shared-mailbox/append.ts';
import { MailboxFollower, type FollowedLine, type MailboxPosition } from '#runtime/shared-mailbox/follower.ts';
import { RotatingWriter, rotatedNumbers, rotatedPath } from '#runtime/shared-mailbox/rotation.ts';
import { soon } from '../../contract/runtime.ts';
import { temporaryDirectories } from '../temporary.ts';

const makeDirectory = temporaryDirectories();
const makePath = (): string => join(makeDirectory(), '12_00.jsonl');
const QUICK = { pollMs: () => 1 };

/** All that stands there now behind the position. */
async function restOf(path: string, from?: MailboxPosition): Promise<FollowedLine[]> {
  const follower = new MailboxFollower(path, { ...QUICK, from });
  follower.finish();
  const lines: FollowedLine[] = [];
  for await (const line of follower.lines()) lines.push(line);
  return lines;
}

const told = (lines: readonly FollowedLine[]): unknown[] =>
  lines.map((line) => (line.kind === 'record' ? line.value : line.why));

/** What a reader does that dies after every look: it goes on behind the last line that it took. */
class ReaderThatDies {
  readonly taken: unknown[] = [];
  readonly faults: string[] = [];
  #from: MailboxPosition | undefined;
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  async look(): Promise<void> {
    for (const line of await restOf(this.#path, this.#from)) {
      if (line.kind === 'record') this.taken.push(line.value);
      else if (line.why !== 'torn') this.faults.push(line.why);
      this.#from = line.position;
    }
  }
}

const record = fc.record({
  type: fc.constantFrom('user', 'codex_rpc'),
  content: fc.string({ unit: 'binary', maxLength: 30 }),
});

describe('a mailbox that is shared', () => {
  it('gives each record once, in order, wherever the bytes are cut and the reader begins anew', async () => {
    const cuts = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(fc.array(record, { maxLength: 12 }), cuts, async (records, steps) => {
        const path = makePath();
        const reader = new ReaderThatDies(path);
        const bytes = Buffer.from(records.map((one) => `${JSON.stringify(one)}\n`).join(''));
        for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
          const step = steps[turn % steps.length] ?? 1;
          appendFileSync(path, bytes.subarray(at, at + step));
          at += step;
          await reader.look();
        }
        expect(reader.taken).toEqual(records);
        expect(reader.faults).toEqual([]);
      }),
      { numRuns: 40 },
    );
  });

  it('gives each record once, in order, wherever the file is moved aside, however often the reader looks', async () => {
    const step = fc.tuple(record, fc.boolean(), fc.boolean());
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 20 }), async (steps) => {
        const path = makePath();
        const writer = new RotatingWriter(path, Number.MAX_SAFE_INTEGER);
        const reader = new ReaderThatDies(path);
        for (const [one, rotates, looks] of steps) {
          writer.append(one);
          if (looks) await reader.look();
          if (rotates) writer.rotate();
          if (looks) await reader.look();
        }
        writer.close();
        await reader.look();
        expect(reader.taken).toEqual(steps.map(([one]) => one));
        expect(reader.faults).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });

  it('is followed while it grows and is moved aside by its size', async () => {
    const path = makePath();
    const writer = new RotatingWriter(path, 400);
    const follower = new MailboxFollower(path, QUICK);
    const seen: unknown[] = [];
    const reading = (async () => {
      for await (const line of follower.lines()) {
        seen.push(line.kind === 'record' ? line.value : line.why);
        if (seen.length === 200) follower.close();
      }
    })();
    for (let n = 0; n < 200; n += 1) {
      writer.append({ n });
      // Others get their turn: the reader is now here, now there.
      if (n % 7 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await soon('all records', reading);
    writer.close();
    expect(rotatedNumbers(path).length).toBeGreaterThan(3);
    expect(seen).toEqual(Array.from({ length: 200 }, (_, n) => ({ n })));
  });

  it('waits for the end of a torn line, and for a file that is not there yet', async () => {
    const path = makePath();
    const follower = new MailboxFollower(path, QUICK);
    const lines = follower.lines();
    const first = lines.next();
    appendFileSync(path, '{"type":"us');
    expect(told(await restOf(path))).toEqual(['torn']);
    appendFileSync(path, 'er"}\n');
    expect((await soon('the line', first)).value).toMatchObject({ value: { type: 'user' } });
    follower.close();
    expect((await lines.next()).done).toBe(true);
  });

  it('tells of a line that no writer will end, and reads on behind it', async () => {
    const path = makePath();
    writeFileSync(path, '{"n":1}\n{"torn');
    renameSync(path, rotatedPath(path, 1));
    writeFileSync(path, '{"n":2}\nnot json\n{"n":3}\n');
    expect(told(await restOf(path))).toEqual([{ n: 1 }, 'torn', { n: 2 }, 'not_json', { n: 3 }]);
  });

  it('takes what was written late into a file that was moved aside, once it was looked at again', async () => {
    const path = makePath();
    writeFileSync(path, '{"n":1}\n');
    // The end of the moved file is looked at twice: what comes between the two looks still counts.
    const follower = new MailboxFollower(path, {
      pollMs: () => {
        if (readFileSync(rotatedPath(path, 1), 'utf8') === '{"n":1}\n')
          appendFileSync(rotatedPath(path, 1), '{"n":2}\n');
        return 1;
      },
    });
    renameSync(path, rotatedPath(path, 1));
    writeFileSync(path, '{"n":3}\n');
    const lines = follower.lines();
    const values = [await lines.next(), await lines.next(), await lines.next()].map((one) => one.value);
    expect(values).toMatchObject([{ value: { n: 1 } }, { value: { n: 2 } }, { value: { n: 3 } }]);
    follower.close();
  });

  it('says that a file was cut short or replaced, and reads what stands there now', async () => {
    const path = makePath();
    writeFileSync(path, '{"n":1}\n{"n":2}\n');
    const end = (await restOf(path)).at(-1)?.position;
    truncateSync(path, 0);
    appendFileSync(path, '{"n":3}\n');
    expect(told(await restOf(path, end))).toEqual(['truncated', { n: 3 }]);
    // Kept under another name until the new one is there: so that the file system cannot give it the same inode.
    renameSync(path, `${path}.old`);
    writeFileSync(path, '{"n":4}\n');
    rmSync(`${path}.old`);
    expect(told(await restOf(path, end))).toEqual(['replaced', { n: 4 }]);
  });
});

describe('appending to a shared mailbox', () => {
  it('gives a position that is behind the records, and ends a line that another writer left torn', async () => {
    const path = makePath();
    const first = appendShared(path, [{ n: 1 }, { n: 2 }]);
    expect(first).toEqual({ inode: String(statSync(path, { bigint: true }).ino), offset: statSync(path).size });
    expect(statSync(path).mode & 0o777).toBe(0o600);
    appendFileSync(path, '{"by":"hand');
    appendShared(path, [{ n: 3 }]);
    expect(told(await restOf(path, first))).toEqual(['not_json', { n: 3 }]);
  });

  it('refuses a record that no reader would take, and writes none of those beside it', () => {
    const path = makePath();
    expect(() => appendShared(path, [{ n: 1 }, { text: 'x'.repeat(JSON_LINE_MAX_BYTES) }])).toThrow('at most');
    expect(existsSync(path)).toBe(false);
  });
});
