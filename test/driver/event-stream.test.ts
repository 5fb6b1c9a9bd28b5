import { describe, expect, it } from 'vitest';
import { EventStream } from '#driver/event-stream.ts';
import type { AgentEvent } from '#agent-ports.ts';
import { soon } from '../contract/runtime.ts';

const delta = (text: string): Extract<AgentEvent, { kind: 'delta' }> => ({ kind: 'delta', stream: 'stdout', text });

/** Adds until it should wait; returns that wait and how many went in. */
function fill(events: EventStream, text: string): { wait: Promise<void>; count: number } {
  for (let count = 0; ; count += 1) {
    const wait = events.pushOutput(delta(text));
    if (wait !== undefined) return { wait, count };
  }
}

const resolved = async (promise: Promise<void>): Promise<boolean> => {
  const turn = new Promise<string>((resolve) => setImmediate(resolve, 'not yet'));
  return (await Promise.race([promise.then(() => 'done'), turn])) === 'done';
};

describe('a stream of events', () => {
  it.each(['x', 'x'.repeat(100_000)])('holds back who runs ahead, in events and in characters', async (text) => {
    const events = new EventStream();
    const { wait, count } = fill(events, text);
    expect(count * text.length).toBeLessThanOrEqual(1_200_000);
    expect(count).toBeLessThanOrEqual(1_000);
    expect(await resolved(wait)).toBe(false);
    const reader = events[Symbol.asyncIterator]();
    for (let read = 0; read < count + 1; read += 1)
      expect((await soon('an event', reader.next())).value).toEqual(delta(text));
    expect(await resolved(wait)).toBe(true);
  });

  it('takes what tells how a turn goes at once, and nothing after its end', async () => {
    const events = new EventStream();
    const { wait, count } = fill(events, 'x');
    events.push({ kind: 'turn_started', turn: 'one' });
    events.hurry();
    await soon('the wait', wait);
    events.close();
    events.close();
    events.push({ kind: 'turn_started', turn: 'two' });
    const seen: AgentEvent[] = [];
    for await (const event of events) seen.push(event);
    expect(seen.length).toBe(count + 1);
    expect(seen.at(-1)).toEqual({ kind: 'turn_started', turn: 'one' });
  });

  it('wakes its reader at its end', async () => {
    const events = new EventStream();
    const next = events[Symbol.asyncIterator]().next();
    events.close();
    expect((await soon('the end', next)).done).toBe(true);
  });
});
