import { appendFileSync, closeSync, openSync, readFileSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JSON_LINE_MAX_BYTES, JsonLines } from '#runtime/json-lines.ts';
import { MailboxReader, MailboxWriter, type MailboxLine } from '#runtime/mailbox.ts';
import { soon } from '../contract/runtime.ts';
import { temporaryDirectories } from './temporary.ts';

const makeDirectory = temporaryDirectories();

const makePath = (): string => join(makeDirectory(), 'box.jsonl');

async function restOf(reader: MailboxReader): Promise<MailboxLine[]> {
  const lines: MailboxLine[] = [];
  reader.finish();
  for await (const line of reader.lines()) lines.push(line);
  return lines;
}

const valuesOf = (lines: MailboxLine[]): unknown[] =>
  lines.map((line) => (line.kind === 'record' ? line.value : line.why));

describe('mailbox', () => {
  it('gives back what was appended, in order, with the offset behind each', async () => {
    const path = makePath();
    const writer = new MailboxWriter(path);
    const records = [{ a: 1 }, { text: 'two\nlines \u2028 and \0' }, { b: [] }];
    for (const record of records) writer.append(record);
    expect(writer.sizeBytes).toBe(statSync(path).size);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    writer.close();
    writer.close();
    const lines = await restOf(new MailboxReader(path));
    expect(valuesOf(lines)).toEqual(records);
    expect(lines.at(-1)?.nextOffset).toBe(statSync(path).size);
    const second = new MailboxReader(path, { offset: lines[0]?.nextOffset ?? 0 });
    expect(valuesOf(await restOf(second))).toEqual(records.slice(1));
    expect(() => writer.append({})).toThrow('closed');
  });

  it('waits for the end of a torn line, and for a file that is not there yet', async () => {
    const path = makePath();
    const reader = new MailboxReader(path);
    const lines = reader.lines();
    const first = lines.next();
    const file = openSync(path, 'a');
    writeSync(file, '{"torn":');
    reader.ring();
    writeSync(file, 'true}');
    reader.ring();
    const early = await Promise.race([first, new Promise((resolve) => setImmediate(resolve, 'nothing'))]);
    expect(early).toBe('nothing');
    writeSync(file, '\n');
    closeSync(file);
    reader.ring();
    expect((await soon('the line', first)).value).toMatchObject({ kind: 'record', value: { torn: true } });
    reader.close();
    expect((await lines.next()).done).toBe(true);
  });

  it('looks by itself where nobody can ring', async () => {
    const path = makePath();
    const reader = new MailboxReader(path, { pollMs: 5 });
    const next = reader.lines().next();
    new MailboxWriter(path).append({ seen: true });
    expect((await soon('the line', next)).value).toMatchObject({ value: { seen: true } });
    reader.close();
  });

  it('throws for a missing file where it must exist', async () => {
    await expect(new MailboxReader(makePath(), { mustExist: true }).lines().next()).rejects.toMatchObject({
      code: 'ENOENT',
    });
  });

  it('ends the torn line of a writer that died, and loses nothing behind it', async () => {
    const path = makePath();
    appendFileSync(path, '{"whole":1}\n{"torn":"by a cra');
    const writer = new MailboxWriter(path);
    writer.append({ next: 2 });
    writer.close();
    const lines = await restOf(new MailboxReader(path));
    expect(valuesOf(lines)).toEqual([{ whole: 1 }, 'not_json', { next: 2 }]);
  });

  it('tells of a line that never ended', async () => {
    const path = makePath();
    appendFileSync(path, '{"whole":1}\n{"torn');
    expect(valuesOf(await restOf(new MailboxReader(path)))).toEqual([{ whole: 1 }, 'torn']);
  });

  it('passes over a line above the bound without keeping it', async () => {
    const path = makePath();
    const file = openSync(path, 'a');
    for (let bytes = 0; bytes <= JSON_LINE_MAX_BYTES; bytes += 1024 * 1024) writeSync(file, 'x'.repeat(1024 * 1024));
    writeSync(file, '\n{"after":true}\n');
    closeSync(file);
    expect(valuesOf(await restOf(new MailboxReader(path)))).toEqual(['too_long', { after: true }]);
  });

  it('refuses to write what nobody would read', () => {
    const path = makePath();
    const writer = new MailboxWriter(path);
    expect(() => writer.append({ text: 'x'.repeat(JSON_LINE_MAX_BYTES) })).toThrow('at most');
    writer.append({ small: true });
    writer.close();
    expect(readFileSync(path, 'utf8')).toBe('{"small":true}\n');
  });
});

describe('JSON lines', () => {
  it('gives the same lines however the bytes are cut', () => {
    const line = fc.oneof(
      fc.jsonValue({ noUnicodeString: false }).map((value) => JSON.stringify(value)),
      fc.constant('{'),
    );
    fc.assert(
      fc.property(fc.array(line), fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }), (texts, cuts) => {
        const bytes = Buffer.from(texts.map((text) => `${text}\n`).join(''));
        const lines = new JsonLines();
        const found = [];
        for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
          const step = cuts[turn % cuts.length] ?? 1;
          found.push(...lines.feed(bytes.subarray(at, at + step)));
          at += step;
        }
        expect(found.map((one) => (one.kind === 'record' ? JSON.stringify(one.value) : '{'))).toEqual(
          texts.map((text) => (text === '{' ? text : JSON.stringify(JSON.parse(text)))),
        );
        expect(found.reduce((sum, one) => sum + one.bytes, 0)).toBe(bytes.length);
        expect(lines.heldBytes).toBe(0);
      }),
    );
  });
});
