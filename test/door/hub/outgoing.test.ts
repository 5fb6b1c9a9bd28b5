import { PassThrough } from 'node:stream';
import { beforeEach, describe, expect, test } from 'vitest';
import type { Hearer } from '#door/hub/outgoing.ts';
import { Line, Outgoing, textFrame } from '#door/hub/outgoing.ts';

let outgoing: Outgoing;

beforeEach(() => {
  outgoing = new Outgoing();
});

/** A connection that remembers the pieces in which it was written to. */
function connection() {
  const stream = new PassThrough();
  const writes: string[] = [];
  stream.on('data', (chunk: Buffer) => writes.push(chunk.toString()));
  const line = new Line(stream, outgoing);
  return { line, stream, writes };
}

const turnEnd = (): Promise<void> => new Promise((resolve) => void setImmediate(() => setImmediate(resolve)));

describe('what is told to the same many', () => {
  test('is one write to each of them, of the same bytes', async () => {
    const [one, two] = [connection(), connection()];
    const taken: Buffer[] = [];
    const third: Hearer = { take: (bytes) => taken.push(bytes) };
    let asked = 0;
    const hearers = (): Hearer[] => {
      asked += 1;
      return [one.line, two.line, third, third];
    };
    for (const word of ['a', 'b', 'c']) outgoing.tell('#room', Buffer.from(word), hearers);
    await turnEnd();
    expect([one.writes, two.writes, asked]).toEqual([['abc'], ['abc'], 1]);
    expect(taken[0]).toBe(taken[1]);
  });

  test('comes before what is sent to one of them later, and after what was sent before', async () => {
    const [one, two] = [connection(), connection()];
    const all = () => [one.line, two.line];
    one.line.send(Buffer.from('1'));
    outgoing.tell('#room', Buffer.from('2'), all);
    two.line.send(Buffer.from('3'));
    outgoing.tell('#room', Buffer.from('4'), all);
    outgoing.tell('#other', Buffer.from('5'), () => [one.line]);
    outgoing.tell('#room', Buffer.from('6'), all);
    await turnEnd();
    expect([one.writes.join(''), two.writes.join('')]).toEqual(['12456', '2346']);
  });

  test('ends where somebody comes to them', async () => {
    const [one, two] = [connection(), connection()];
    outgoing.tell('#room', Buffer.from('1'), () => [one.line]);
    outgoing.settle();
    outgoing.tell('#room', Buffer.from('2'), () => [one.line, two.line]);
    await turnEnd();
    expect([one.writes, two.writes]).toEqual([['12'], ['2']]);
  });

  test('is handed on before it is large, so that a slow reader is seen in time', () => {
    const taken: number[] = [];
    const hearer: Hearer = { take: (bytes) => taken.push(bytes.length) };
    const frame = Buffer.alloc(20_000);
    for (let n = 0; n < 10; n += 1) outgoing.tell('#room', frame, () => [hearer]);
    expect(taken).toEqual([80_000, 80_000]);
  });

  test('is written before a line is finished', async () => {
    const { line, stream, writes } = connection();
    outgoing.tell('#room', Buffer.from('last words'), () => [line]);
    line.finish();
    stream.end();
    await turnEnd();
    expect(writes).toEqual(['last words']);
  });
});

describe('a text as a frame', () => {
  test.each([
    [125, 2],
    [126, 4],
    [65_535, 4],
    [65_536, 10],
  ])('of %i bytes has a head of %i', (length, head) => {
    const frame = textFrame('é'.repeat(length >> 1) + 'x'.repeat(length & 1));
    expect([frame.length, frame[0]]).toEqual([head + length, 0x81]);
  });
});
