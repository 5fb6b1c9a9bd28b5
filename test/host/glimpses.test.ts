/** Glimpses go to nodes with a watcher and to nobody else, in virtual time. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { nodeIdOf, opIdOf } from '#core/brand.ts';
import type { NodeId } from '#core/brand.ts';
import type { Frame } from '#core/schema/frame.ts';
import { FRAME, watchSchema } from '#core/schema/frame.ts';
import { Glimpses } from '#host/glimpses.ts';
import { SIGNAL_MAX_CHARS } from '#core/signals.ts';
import { noTraffic } from '#fabric/settings.ts';
import type { Glimpse } from '#core/glimpse.ts';
import type { LinkInfo } from '#ports.ts';

const WATCHER = nodeIdOf('a'.repeat(32));
const OTHER = nodeIdOf('b'.repeat(32));
const task = opIdOf('c'.repeat(32), 1);
const agent = opIdOf('c'.repeat(32), 2);

const linkWith = (node: NodeId): LinkInfo => ({
  node,
  address: '127.0.0.1:7101',
  outbound: true,
  sinceMs: 0,
  roundTripMs: 1,
  httpPort: 0,
  traffic: noTraffic(),
});

function glimpses() {
  const sent: { to: readonly NodeId[]; frame: Frame }[] = [];
  const made = new Glimpses({
    send: (to, frame) => {
      sent.push({ to, frame });
      return [];
    },
    links: () => [WATCHER, OTHER].map(linkWith),
  });
  const seen = (output?: string): Glimpse => ({ task, agent, attempt: 1, status: 'running', progress: 'p', output });
  const updates = () => sent.filter(({ frame }) => frame.type === FRAME.taskUpdate);
  const watches = () => sent.flatMap(({ frame }) => (frame.type === FRAME.watch ? [frame.topics] : []));
  const interested = (from: NodeId, topics: string[]): void => made.onFrame(from, { type: FRAME.watch, topics });
  return { made, seen, sent, updates, watches, interested };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('a glimpse', () => {
  it('leaves for nobody while nobody watches, and for watchers alone when somebody does', () => {
    const { made, seen, sent, updates, interested } = glimpses();
    made.make(seen('one'));
    made.flush(task);
    expect(sent).toEqual([]);
    interested(WATCHER, ['*']);
    made.make(seen('two'));
    made.flush(task);
    expect(updates()).toMatchObject([{ to: [WATCHER], frame: { progress: 'p' } }]);
    expect(updates()[0]?.frame).not.toHaveProperty('output');
  });

  it('brings output only to who watches that task', () => {
    const { made, seen, updates, interested } = glimpses();
    interested(WATCHER, [task]);
    interested(OTHER, ['*']);
    made.make(seen('text'));
    made.flush(task);
    expect(updates()).toMatchObject([{ to: [OTHER] }, { to: [WATCHER], frame: { output: 'text' } }]);
  });

  it('leaves no more once interest lapsed after 30 s or was taken back', () => {
    const { made, seen, updates, interested } = glimpses();
    const count = (): number => {
      made.make(seen());
      made.flush(task);
      return updates().length;
    };
    interested(WATCHER, ['*']);
    vi.advanceTimersByTime(29_000);
    expect(count()).toBe(1);
    vi.advanceTimersByTime(1_001);
    expect(count()).toBe(1);
    interested(WATCHER, ['*']);
    expect(count()).toBe(2);
    interested(WATCHER, []);
    expect(count()).toBe(2);
  });
});

describe('glimpses of one task', () => {
  it('leave at once after a silence, and then 125 ms apart with what came in between', () => {
    const { made, seen, updates, interested } = glimpses();
    interested(WATCHER, [task]);
    const outputs = () => updates().map(({ frame }) => (frame.type === FRAME.taskUpdate ? frame.output : undefined));
    made.make(seen('one '));
    made.make(seen('breath'));
    vi.advanceTimersByTime(5);
    expect(outputs()).toEqual(['one breath']);
    made.make(seen('a'));
    vi.advanceTimersByTime(60);
    made.make(seen('b'));
    vi.advanceTimersByTime(64);
    expect(outputs()).toHaveLength(1);
    vi.advanceTimersByTime(1);
    expect(outputs()).toEqual(['one breath', 'ab']);
    vi.advanceTimersByTime(125);
    made.make(seen('c'));
    vi.advanceTimersByTime(5);
    expect(outputs()).toHaveLength(3);
  });
});

describe('interest', () => {
  it('is said at once, to a new link, and every 10 s while somebody listens; then it is taken back', () => {
    const { made, watches } = glimpses();
    const stop = made.watch('*', () => undefined);
    expect(watches()).toEqual([['*']]);
    made.onLinkUp(OTHER);
    vi.advanceTimersByTime(30_000);
    expect(watches()).toHaveLength(5);
    stop();
    expect(watches().at(-1)).toEqual([]);
    vi.advanceTimersByTime(60_000);
    expect(watches()).toHaveLength(6);
  });

  it('in more tasks than a frame can name is interest in the progress of all', () => {
    const { made, watches } = glimpses();
    for (let seq = 1; seq <= 300; seq += 1) made.watch(opIdOf('c'.repeat(32), seq), () => undefined);
    const last = watches().at(-1) ?? [];
    expect(last[0]).toBe('*');
    expect(watchSchema.safeParse({ type: FRAME.watch, topics: last }).success).toBe(true);
  });
});

describe('what hubs tell one another', () => {
  it('goes to nodes that watch it, and one that is too long goes nowhere', () => {
    const { made, sent, watches, interested } = glimpses();
    const heard: unknown[] = [];
    made.onSignal((from, text) => heard.push([from, text]));
    expect(watches()).toEqual([['hub']]);
    made.onFrame(OTHER, { type: FRAME.signal, text: '{}' });
    expect(heard).toEqual([[OTHER, '{}']]);
    const signals = () => sent.filter(({ frame }) => frame.type === FRAME.signal);
    expect(made.signal(() => 'nobody')).toBe(true);
    interested(WATCHER, ['hub']);
    made.signal(() => 'here');
    expect(made.signal(() => 'x'.repeat(SIGNAL_MAX_CHARS + 1))).toBe(false);
    expect(signals()).toEqual([{ to: [WATCHER], frame: { type: FRAME.signal, text: 'here' } }]);
  });
});
