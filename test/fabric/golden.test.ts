/** One golden frame a code, byte for byte: a length of four bytes, then JSON. What changes one of them changes what older nodes see. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { FRAME, SEED_FRAME } from '#core/schema/frame.ts';
import { encodeFrame, FrameDecoder, PREFIX_BYTES } from '#fabric/framing.ts';

const directory = new URL('golden/', import.meta.url);
/** `0x01-hello.frame` */
const files = readdirSync(directory).map((file) => ({ file, code: Number(file.slice(0, 4)) }));
const protocol = readFileSync(new URL('../../docs/protocol.md', import.meta.url), 'utf8');
const hex = (code: number): string => `0x${code.toString(16).padStart(2, '0')}`;
const codes = [...Object.values(FRAME), ...Object.values(SEED_FRAME)];

/** Codes of the seed that are read as another frame and never written. */
const sameAs = new Map<number, number>([
  [SEED_FRAME.syncRequest, FRAME.heads],
  [SEED_FRAME.syncResponse, FRAME.ops],
]);

function decoded(bytes: Buffer): unknown {
  const decoder = new FrameDecoder();
  decoder.trust();
  decoder.push(bytes);
  return decoder.next();
}

describe('every code', () => {
  it('has a golden frame: write test/fabric/golden/0x….frame, as it came from a real node', () => {
    const held = new Set(files.map(({ code }) => code));
    expect(codes.filter((code) => !held.has(code)).map(hex)).toEqual([]);
    expect([...held].filter((code) => !codes.some((one) => one === code)).map(hex)).toEqual([]);
  });

  it('stands in the table of docs/protocol.md', () => {
    const rows = protocol.split('\n').filter((line) => line.startsWith('| '));
    expect(codes.filter((code) => !rows.some((row) => row.split('|')[1]?.includes(hex(code)))).map(hex)).toEqual([]);
  });
});

describe.each(files)('$file', ({ file, code }) => {
  const bytes = readFileSync(new URL(file, directory));
  const json: object = JSON.parse(bytes.subarray(PREFIX_BYTES).toString());

  it('is a length and that much JSON', () => {
    expect(bytes.readUInt32BE(0)).toBe(bytes.length - PREFIX_BYTES);
    expect(json).toMatchObject({ type: code });
  });

  it('is read whole, with every field', () => {
    expect(decoded(bytes)).toEqual({ kind: 'frame', frame: { ...json, type: sameAs.get(code) ?? code } });
  });
});

describe.each(files.filter(({ code }) => !sameAs.has(code)))('$file', ({ file }) => {
  const bytes = readFileSync(new URL(file, directory));

  it('is written byte for byte', () => {
    const next = decoded(bytes);
    if (typeof next !== 'object' || next === null || !('frame' in next)) throw new Error('no frame');
    expect(encodeFrame(JSON.parse(JSON.stringify(next.frame))).equals(bytes)).toBe(true);
  });
});
