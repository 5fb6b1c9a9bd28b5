import { describe, expect, it } from 'vitest';
import { Outbox } from '#fabric/outbox.ts';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** An outbox over a socket that takes bytes when the test says so. */
function slowOutbox(queueMaxBytes?: number) {
  const writes: { text: string; framesCount: number; taken: () => void }[] = [];
  let drained = 0;
  const outbox = new Outbox({
    write: (bytes, framesCount, taken) => writes.push({ text: bytes.toString(), framesCount, taken }),
    drained: () => {
      drained += 1;
    },
    queueMaxBytes,
  });
  const push = (text: string): string => outbox.push(Buffer.from(text));
  const take = async (): Promise<void> => {
    writes.at(-1)?.taken();
    await turn();
  };
  return { outbox, writes, push, take, drained: () => drained };
}

describe('an outbox', () => {
  it('writes the frames of one turn at once, and not in that turn', async () => {
    const { push, writes } = slowOutbox();
    for (const text of ['a', 'b', 'c']) expect(push(text)).toBe('queued');
    expect(writes).toEqual([]);
    await turn();
    expect(writes).toMatchObject([{ text: 'abc', framesCount: 3 }]);
  });

  it('writes one thing at a time, and gathers meanwhile', async () => {
    const { push, writes, take } = slowOutbox();
    push('a');
    await turn();
    push('b');
    await turn();
    push('c');
    await turn();
    expect(writes).toHaveLength(1);
    await take();
    expect(writes.map(({ text }) => text)).toEqual(['a', 'bc']);
    await take();
    expect(writes).toHaveLength(2);
  });

  it('writes a long queue in pieces, in order and without losing any', async () => {
    const { push, writes, take } = slowOutbox();
    const frames = Array.from({ length: 1_000 }, (_, n) => `${n}`.padEnd(1_024, '.'));
    for (const frame of frames) push(frame);
    await turn();
    for (let pieces = 0; pieces < 4; pieces += 1) await take();
    expect(writes.map(({ text }) => text).join('')).toBe(frames.join(''));
    expect(writes.map(({ text }) => text.length)).toEqual([262_144, 262_144, 262_144, 237_568]);
  });

  it('drops its queue at the limit, takes nothing until it drained, and says so then', async () => {
    const { push, writes, take, drained } = slowOutbox(10);
    push('1234');
    await turn();
    expect(push('123456')).toBe('queued');
    expect(push('x')).toBe('overflow');
    expect(push('x')).toBe('full');
    expect(drained()).toBe(0);
    await take();
    expect(drained()).toBe(1);
    expect(writes.map(({ text }) => text)).toEqual(['1234']);
    expect(push('again')).toBe('queued');
    await turn();
    expect(writes.at(-1)?.text).toBe('again');
  });

  it('drains in the next turn when nothing is being written', async () => {
    const { push, drained } = slowOutbox(3);
    expect(push('four')).toBe('overflow');
    expect(drained()).toBe(0);
    await turn();
    expect(drained()).toBe(1);
  });

  it('gives back what was queued when it is closed, and stays silent', async () => {
    const { outbox, push, writes, take, drained } = slowOutbox(10);
    push('a');
    await turn();
    push('b');
    push('c');
    expect(outbox.close().toString()).toBe('bc');
    expect(push('d')).toBe('full');
    await take();
    expect(outbox.close()).toHaveLength(0);
    expect([writes.length, drained()]).toEqual([1, 0]);
  });
});
