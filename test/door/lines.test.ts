import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { LineCutter } from '#door/lines.ts';

const texts = (cutter: LineCutter, chunks: Buffer[]): string[] =>
  chunks.flatMap((chunk) => cutter.cut(chunk)).map((line) => (line.kind === 'line' ? line.text : '<long>'));

describe('lines', () => {
  it('are the same however the bytes came', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary' })), fc.array(fc.nat(20)), (parts, cuts) => {
        const lines = parts.map((part) => part.replaceAll('\n', '')).filter((line) => line !== '');
        const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''));
        const chunks: Buffer[] = [];
        let from = 0;
        for (const size of cuts) {
          chunks.push(bytes.subarray(from, from + size));
          from += size;
        }
        chunks.push(bytes.subarray(from));
        expect(texts(new LineCutter(1_000), chunks)).toEqual(lines.map((line) => Buffer.from(line).toString('utf8')));
      }),
    );
  });

  it('end at a newline and nowhere else', () => {
    expect(texts(new LineCutter(100), [Buffer.from('a\u2028b\r\nc\n\nd')])).toEqual(['a\u2028b\r', 'c']);
  });

  it('above the limit are skipped to their end', () => {
    const cutter = new LineCutter(4);
    expect(texts(cutter, [Buffer.from('1234\n12345\n12'), Buffer.from('345'), Buffer.from('678\nab\n')])).toEqual([
      '1234',
      '<long>',
      '<long>',
      'ab',
    ]);
  });
});
