import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OUTPUT_LINE_MAX_BYTES, OutputSplitter, type OutputText } from '#runtime/output-splitter.ts';

function split(bytes: Buffer, cuts: readonly number[]): OutputText[] {
  const splitter = new OutputSplitter();
  const texts: OutputText[] = [];
  for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
    const step = cuts[turn % cuts.length] ?? 1;
    texts.push(...splitter.push(bytes.subarray(at, at + step)));
    at += step;
  }
  const rest = splitter.end();
  return rest === undefined ? texts : [...texts, rest];
}

/** Each line by itself: what a reader of whole lines would see. */
function linesOf(bytes: Buffer): string[] {
  const lines: string[] = [];
  let from = 0;
  for (let end = bytes.indexOf(10); end !== -1; end = bytes.indexOf(10, from)) {
    lines.push(bytes.subarray(from, end).toString());
    from = end + 1;
  }
  return from < bytes.length ? [...lines, bytes.subarray(from).toString()] : lines;
}

describe('output splitter', () => {
  it('gives the same lines however the bytes are cut, and counts every byte', () => {
    const piece = fc.oneof(
      fc.uint8Array({ maxLength: 20 }),
      fc.string({ unit: 'binary' }).map((text) => new TextEncoder().encode(text)),
      fc.constant(new Uint8Array([10])),
    );
    fc.assert(
      fc.property(fc.array(piece), fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 }), (pieces, cuts) => {
        const bytes = Buffer.concat(pieces);
        const texts = split(bytes, cuts);
        expect(texts.flatMap((text) => text.lines.split('\n'))).toEqual(linesOf(bytes));
        expect(texts.reduce((sum, text) => sum + text.bytes, 0)).toBe(bytes.length);
      }),
    );
  });

  it.each([1, 3, 1000, 65_535, 65_536, 65_537, 1_000_000])(
    'cuts a long line between characters, fed %i bytes at a time',
    (step) => {
      const line = '🐝é'.repeat(30_000);
      const texts = split(Buffer.from(`a\n${line}\nend`), [step]);
      const lines: string[] = [''];
      for (const text of texts) {
        const [head = '', ...rest] = text.lines.split('\n');
        lines.push(`${lines.pop() ?? ''}${head}`, ...rest);
        if (!text.more) lines.push('');
        for (const one of text.lines.split('\n'))
          expect(Buffer.byteLength(one)).toBeLessThanOrEqual(OUTPUT_LINE_MAX_BYTES);
      }
      expect(lines).toEqual(['a', line, 'end', '']);
    },
  );

  it('does not keep a line without an end', () => {
    const splitter = new OutputSplitter();
    const chunk = Buffer.alloc(OUTPUT_LINE_MAX_BYTES, 0xbf);
    let bytes = 0;
    for (let turn = 0; turn < 100; turn += 1) for (const text of splitter.push(chunk)) bytes += text.bytes;
    expect(100 * chunk.length - bytes).toBeLessThanOrEqual(2 * OUTPUT_LINE_MAX_BYTES);
  });
});
