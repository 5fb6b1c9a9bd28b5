import { readdirSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { OutboxReader, type OutboxLine } from '#runtime/outbox-reader.ts';
import { OutboxWriter, readExit, segmentsIn } from '#runtime/outbox.ts';
import { soon } from '../contract/runtime.ts';
import { temporaryDirectories } from './temporary.ts';

const makeDirectory = temporaryDirectories();
const BOUND_BYTES = 128 * 1024;
const EXIT = { code: 0, signal: null, error: null };

const textOf = (lines: string): { lines: string; more: boolean; bytes: number } => ({
  lines,
  more: false,
  bytes: Buffer.byteLength(lines) + 1,
});

const print = (writer: OutboxWriter, from: number, to: number): void => {
  for (let line = from; line < to; line += 1) writer.text('out', textOf(`line ${line} ${'x'.repeat(90)}`));
};

async function all(directory: string): Promise<OutboxLine[]> {
  const records: OutboxLine[] = [];
  for await (const record of new OutboxReader(directory).records()) records.push(record);
  return records;
}

const sizeOf = (directory: string): number =>
  readdirSync(directory).reduce((sum, name) => sum + statSync(join(directory, name)).size, 0);

describe('outbox', () => {
  it('gives all of a short output', async () => {
    const directory = makeDirectory();
    const writer = new OutboxWriter(directory, BOUND_BYTES);
    writer.started(7, 1000);
    writer.text('out', textOf('one'));
    writer.text('err', { lines: 'begun', more: true, bytes: 5 });
    expect(readExit(directory)).toBeUndefined();
    expect(writer.exit(EXIT)).toBe(true);
    expect(readExit(directory)).toEqual(EXIT);
    expect(await all(directory)).toEqual([
      { t: 'started', pid: 7, atMs: 1000 },
      { t: 'out', lines: 'one', more: false },
      { t: 'err', lines: 'begun', more: true },
      { t: 'exit', ...EXIT },
    ]);
  });

  it('keeps beginning and end of a long one within its bound, and counts what is missing', async () => {
    const directory = makeDirectory();
    const writer = new OutboxWriter(directory, BOUND_BYTES);
    const count = 20_000;
    print(writer, 0, count);
    expect(sizeOf(directory)).toBeLessThanOrEqual(BOUND_BYTES + 4 * 1024);
    writer.exit(EXIT);
    const records = await all(directory);
    const numbers = records.flatMap((record) => (record.t === 'out' ? [Number(record.lines.split(' ')[1])] : []));
    expect(numbers.slice(0, 100)).toEqual(Array.from({ length: 100 }, (_, n) => n));
    expect(numbers.slice(-100)).toEqual(Array.from({ length: 100 }, (_, n) => count - 100 + n));
    const dropped = records.flatMap((record) => (record.t === 'dropped' ? [record.bytes] : []));
    const kept = records.reduce((sum, record) => sum + (record.t === 'out' ? record.lines.length + 1 : 0), 0);
    const printed = Array.from({ length: count }, (_, n) => `line ${n} `.length + 91).reduce((a, b) => a + b);
    expect(dropped).toEqual([printed - kept]);
    expect(readExit(directory)).toEqual(EXIT);
  });

  it('gives everything to a follower that keeps up', async () => {
    const directory = makeDirectory();
    const writer = new OutboxWriter(directory, BOUND_BYTES);
    const reader = new OutboxReader(directory);
    const records = reader.records();
    let seen = 0;
    for (let batch = 0; batch < 200; batch += 1) {
      print(writer, batch * 50, (batch + 1) * 50);
      reader.ring();
      while (seen < (batch + 1) * 50) {
        const next = await soon(`line ${seen}`, records.next());
        if (next.value?.t !== 'out') throw new Error(`unexpected: ${JSON.stringify(next)}`);
        expect(next.value.lines).toContain(`line ${seen} `);
        seen += 1;
      }
    }
    expect(segmentsIn(directory).length).toBe(3);
    writer.exit(EXIT);
    reader.finish();
    expect((await records.next()).value).toMatchObject({ t: 'exit' });
    expect((await records.next()).done).toBe(true);
  });

  it('tells a follower that fell behind how much it missed', async () => {
    const directory = makeDirectory();
    const writer = new OutboxWriter(directory, BOUND_BYTES);
    const records = new OutboxReader(directory).records();
    print(writer, 0, 1);
    await soon('the first line', records.next());
    print(writer, 1, 5000);
    writer.exit(EXIT);
    let bytes = 0;
    for await (const record of records) {
      if (record.t === 'out') bytes += record.lines.length + 1;
      if (record.t === 'dropped') bytes += record.bytes;
    }
    expect(bytes).toBe(Array.from({ length: 4999 }, (_, n) => `line ${n + 1} `.length + 91).reduce((a, b) => a + b));
  });

  it('ends at the end when it is told that nothing more comes, and at once when it is closed', async () => {
    const directory = makeDirectory();
    const writer = new OutboxWriter(directory, BOUND_BYTES);
    writer.text('out', textOf('one'));
    for (const how of ['finish', 'close'] as const) {
      const reader = new OutboxReader(directory);
      const records = reader.records();
      await records.next();
      const next = records.next();
      reader[how]();
      expect((await soon(how, next)).done).toBe(true);
    }
    writer.exit(EXIT);
  });

  it('goes on when the disk refuses, and says that it could not write the exit', () => {
    const directory = makeDirectory();
    symlinkSync('/dev/full', join(directory, 'outbox.jsonl'));
    const writer = new OutboxWriter(directory, BOUND_BYTES);
    writer.started(1, 1);
    print(writer, 0, 100);
    expect(writer.exit(EXIT)).toBe(false);
  });
});
