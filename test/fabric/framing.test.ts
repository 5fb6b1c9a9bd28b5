import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nodeIdOf } from '#core/brand.ts';
import { FRAME_MAX_BYTES } from '#core/op.ts';
import type { Frame, Hello } from '#core/schema/frame.ts';
import { FRAME } from '#core/schema/frame.ts';
import type { Decoded } from '#fabric/framing.ts';
import { DEPTH_MAX, encodeFrame, FrameDecoder, parseFrame, STRANGER_FRAME_MAX_BYTES } from '#fabric/framing.ts';

const NODE = nodeIdOf('0123456789abcdef0123456789abcdef');

const hello: Hello = {
  type: FRAME.hello,
  node_id: NODE,
  p2p_port: 7000,
  http_port: 9090,
  protocol: [1, 1],
  boot: 'fedcba9876543210fedcba9876543210',
  proof: 'AAECAw==',
};

/** What a HELLO looks like on the wire, byte for byte: a change here is a change of the protocol. */
const GOLDEN_HELLO =
  '000000a6' +
  Buffer.from(
    '{"type":1,"node_id":"0123456789abcdef0123456789abcdef","p2p_port":7000,"http_port":9090,"protocol":[1,1],' +
      '"boot":"fedcba9876543210fedcba9876543210","proof":"AAECAw=="}',
  ).toString('hex');

const watch = (...topics: string[]): Frame => ({ type: FRAME.watch, topics });

function decode(chunks: readonly Buffer[], trusted = true): Decoded[] {
  const decoder = new FrameDecoder();
  if (trusted) decoder.trust();
  const found: Decoded[] = [];
  for (const chunk of chunks) {
    decoder.push(chunk);
    for (let next = decoder.next(); next !== undefined; next = decoder.next()) {
      found.push(next);
      if (next.kind === 'bad') return found;
    }
  }
  return found;
}

const payload = (text: string): Buffer => Buffer.from(text);
const call = (params: unknown): Frame => ({
  type: FRAME.call,
  id: 'c',
  from: NODE,
  to: NODE,
  method: 'm',
  lamport: 1,
  deadline_ms: 1,
  params,
});

function nested(depth: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < depth; level += 1) value = [value];
  return value;
}

describe('a frame on the wire', () => {
  it('is its length and its JSON', () => {
    expect(encodeFrame(hello).toString('hex')).toBe(GOLDEN_HELLO);
    expect(decode([Buffer.from(GOLDEN_HELLO, 'hex')], false)).toEqual([{ kind: 'frame', frame: hello }]);
  });

  it('counts bytes, not characters', () => {
    const bytes = encodeFrame(watch('ä€😀\u2028'));
    expect(bytes.readUInt32BE(0)).toBe(bytes.length - 4);
    expect(decode([bytes])).toEqual([{ kind: 'frame', frame: watch('ä€😀\u2028') }]);
  });

  it('may be written anew: a call whose numbers would make it too long then is none', () => {
    const numbers = `[${'1e20,'.repeat(100_000)}0]`;
    const [head = ''] = JSON.stringify(call(null)).split('null');
    expect(parseFrame(Buffer.from(`${head}${numbers}}`))).toMatchObject({ kind: 'bad' });
    expect(parseFrame(Buffer.from(`${head}${numbers.replaceAll('1e20', '1000')}}`))).toMatchObject({ kind: 'frame' });
  });

  it('has at most a mebibyte', () => {
    const room = FRAME_MAX_BYTES - Buffer.byteLength(JSON.stringify(call('')));
    expect(encodeFrame(call('x'.repeat(room)))).toHaveLength(FRAME_MAX_BYTES + 4);
    expect(() => encodeFrame(call('x'.repeat(room + 1)))).toThrow(RangeError);
  });
});

describe('a decoder', () => {
  it('finds the same frames however the stream is cut', () => {
    const frames = [hello, watch('a'), call({ deep: nested(5) }), watch('x'.repeat(64), 'ü')];
    const stream = Buffer.concat(frames.map(encodeFrame));
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: stream.length }), { maxLength: 40 }), (cuts) => {
        const edges = [0, ...cuts.toSorted((a, b) => a - b), stream.length];
        const chunks = edges.slice(1).map((end, at) => Buffer.from(stream.subarray(edges[at], end)));
        expect(decode(chunks)).toEqual(frames.map((frame) => ({ kind: 'frame', frame })));
      }),
    );
  });

  it('reads a full frame byte by byte, in time that grows with its length only', () => {
    const frame = call('x'.repeat(FRAME_MAX_BYTES - 200));
    const bytes = encodeFrame(frame);
    const chunks = Array.from(bytes, (_, at) => bytes.subarray(at, at + 1));
    expect(decode(chunks)).toEqual([{ kind: 'frame', frame }]);
  });

  it('waits for the rest of a frame that is cut off', () => {
    const bytes = encodeFrame(watch('a'));
    for (let length = 0; length < bytes.length; length += 1) expect(decode([bytes.subarray(0, length)])).toEqual([]);
  });

  it('takes no announced length above its limit, and takes a stranger for one until told otherwise', () => {
    const announce = (length: number): Buffer => {
      const prefix = Buffer.alloc(4);
      prefix.writeUInt32BE(length);
      return prefix;
    };
    expect(decode([announce(STRANGER_FRAME_MAX_BYTES)], false)).toEqual([]);
    expect(decode([announce(STRANGER_FRAME_MAX_BYTES + 1)], false)).toMatchObject([{ kind: 'bad' }]);
    expect(decode([announce(FRAME_MAX_BYTES)])).toEqual([]);
    expect(decode([announce(FRAME_MAX_BYTES + 1)])).toMatchObject([{ kind: 'bad' }]);
    expect(decode([Buffer.alloc(4, 0xff)])).toMatchObject([{ kind: 'bad' }]);
  });
});

describe('the JSON of a frame', () => {
  it.each([
    ['nothing', ''],
    ['no JSON', '{'],
    ['two values', '{"type":34,"topics":[]} {}'],
    ['a byte order mark', '\uFEFF{"type":34,"topics":[]}'],
    ['an array', '[34]'],
    ['null', 'null'],
    ['a string', '"x"'],
    ['no type', '{}'],
    ['a type that is no integer', '{"type":34.5,"topics":[]}'],
    ['a type that is a string', '{"type":"34","topics":[]}'],
    ['a missing field', '{"type":34}'],
    ['a field of another type', '{"type":34,"topics":"*"}'],
  ])('is no frame when it is %s', (_what, text) => {
    expect(parseFrame(payload(text)).kind).toBe('bad');
  });

  it('is no frame when it is not UTF-8', () => {
    const [before, behind] = ['{"type":34,"topics":["', '"]}'].map((text) => Buffer.from(text));
    const between = (...bytes: number[]): Buffer =>
      Buffer.concat([before, Buffer.from(bytes), behind].filter((part) => part !== undefined));
    expect(parseFrame(between(0xc3, 0xa4)).kind).toBe('frame');
    for (const bytes of [[0xc3], [0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80]])
      expect(parseFrame(between(...bytes)).kind).toBe('bad');
  });

  it('of a type that this version does not know is told apart from a broken one', () => {
    expect(parseFrame(payload('{"type":4711}'))).toEqual({ kind: 'unknown', type: 4711 });
    expect(parseFrame(payload('{"type":-1}'))).toEqual({ kind: 'unknown', type: -1 });
  });

  it('may have fields of newer versions', () => {
    expect(parseFrame(payload('{"type":34,"topics":["*"],"newer":[1]}'))).toEqual({ kind: 'frame', frame: watch('*') });
  });

  it('may be nested as deep as can be written again', () => {
    expect(parseFrame(payload(JSON.stringify(call(nested(DEPTH_MAX))))).kind).toBe('frame');
    expect(parseFrame(payload(JSON.stringify(call(nested(DEPTH_MAX + 1))))).kind).toBe('bad');
    const reply = { type: FRAME.reply, id: 'c', from: NODE, to: NODE, lamport: 1, result: nested(DEPTH_MAX + 1) };
    expect(parseFrame(payload(JSON.stringify(reply))).kind).toBe('bad');
    const bomb = '['.repeat(400_000) + ']'.repeat(400_000);
    expect(parseFrame(payload(JSON.stringify(call(0)).replace('"params":0', `"params":${bomb}`))).kind).toBe('bad');
  });
});
