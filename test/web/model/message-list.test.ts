import { describe, expect, it } from 'vitest';
import type { Frame, Message } from '../../../web/src/model/frame.ts';
import { nothingOf, PAGE, withHeard, withNewest } from '../../../web/src/model/message-list.ts';
import { addressOf, speakerOf, toOf } from '../../../web/src/model/places.ts';
import { foldSaid, NOTHING_SAID } from '../../../web/src/model/said.ts';
import { readOf, withRead } from '../../../web/src/model/unread.ts';
import { HOME, snapshotOf } from './rows.ts';

const messageOf = (n: number, o: Partial<Message> = {}): Message => ({
  id: `${HOME}-${n}`,
  from: 'ann',
  from_name: 'ann',
  from_id: 'user:@3f1c9a0b7d2e4455',
  to: '#general',
  kind: 'text',
  body: `line ${n}`,
  truncated_bytes: null,
  in_reply_to: null,
  thread: `${HOME}-${n}`,
  hops: 0,
  source: null,
  due_at: null,
  options: null,
  sent_at: '2026-02-12T10:00:00Z',
  lamport_ts: n,
  handed: null,
  state: 'sent',
  bounce_reason: null,
  question: null,
  ...o,
});
/** As the node gives a page: newest first. */
const pageOf = (newest: number, count: number): Message[] =>
  Array.from({ length: count }, (_, at) => messageOf(newest - at));
const sent = (n: number, data: Message | null): Frame => ({
  type: 'message_event',
  event: 'message_sent',
  id: `${HOME}:${n}`,
  entity: `${HOME}-${n}`,
  data,
});

describe('what frames tell of messages', () => {
  it('keeps those of open channels, and counts the others', () => {
    const said = foldSaid(NOTHING_SAID, [sent(1, messageOf(1)), sent(2, null), sent(3, messageOf(3))]);
    expect([[...said.messages.keys()], said.mailChanged, said.channelsChanged]).toEqual([
      [`${HOME}-1`, `${HOME}-3`],
      1,
      0,
    ]);
    const joined: Frame = { type: 'op_event', event: 'channel_joined', id: `${HOME}:4`, entity: 'x' };
    expect(foldSaid(said, [joined]).channelsChanged).toBe(1);
    expect(foldSaid(said, [{ ...joined, event: 'cap_set' }])).toBe(said);
    expect(foldSaid(said, [snapshotOf()])).toMatchObject({ mailChanged: 2, channelsChanged: 1 });
  });

  it('keeps the newest thousand, and says when more came at once than that', () => {
    const many = (from: number, count: number): Frame[] =>
      Array.from({ length: count }, (_, n) => sent(from + n, messageOf(from + n)));
    const full = foldSaid(NOTHING_SAID, many(1, 1_000));
    const next = foldSaid(full, many(1_001, 10));
    expect([next.messages.size, next.messages.has(`${HOME}-10`), next.messages.has(`${HOME}-11`)]).toEqual([
      1_000,
      false,
      true,
    ]);
    expect([full.lost, next.lost, foldSaid(next, many(2_000, 1_001)).lost]).toEqual([0, 0, 1]);
  });
});

describe('what is held of a channel', () => {
  const held = withNewest(nothingOf('x'), pageOf(300, PAGE), 1);
  const numbers = (of: typeof held): number[] =>
    [...of.messages.values()].map((one) => one.lamport_ts).toSorted((a, b) => a - b);

  it('grows by what is heard, once, and by the next newest page that reaches back to it', () => {
    expect([held.hasOlder, held.isLoaded]).toEqual([true, true]);
    const heard = withHeard(held, [messageOf(301), messageOf(300)]);
    expect(withHeard(heard, [messageOf(301)])).toBe(heard);
    expect(numbers(heard).slice(-2)).toEqual([300, 301]);
    expect(numbers(withNewest(heard, pageOf(310, PAGE), 2))).toHaveLength(210);
  });

  it('begins anew where a page does not reach back, but for what came after the page was read', () => {
    const late = withHeard(held, [messageOf(701)]);
    const anew = withNewest(late, pageOf(700, PAGE), 2);
    expect([numbers(anew).at(0), numbers(anew).at(-1), anew.messages.size]).toEqual([501, 701, 201]);
    expect(anew.hasOlder).toBe(true);
  });

  it('takes no answer that was overtaken by a later one', () => {
    const handled = withNewest(held, [messageOf(300, { state: 'acknowledged' })], 3);
    expect(withNewest(handled, [messageOf(300, { state: 'open' })], 2)).toBe(handled);
    expect(handled.messages.get(`${HOME}-300`)?.state).toBe('acknowledged');
  });
});

describe('what this browser has read', () => {
  it('is kept by channel, the oldest forgotten, and never broken by what is not readable', () => {
    const read = withRead(withRead(new Map(), '#a', '1'), '#b', '2');
    expect(withRead(read, '#b', '2')).toBe(read);
    expect([...withRead(read, '#a', '3')]).toEqual([
      ['#b', '2'],
      ['#a', '3'],
    ]);
    expect(readOf(JSON.stringify([...read]))).toEqual(read);
    for (const text of [null, '{', '{}', '[1, ["#a"]]']) expect(readOf(text).size).toBe(0);
    let many = read;
    for (let n = 0; n < 1_000; n += 1) many = withRead(many, `#c${n}`, '1');
    expect([many.size, many.has('#a')]).toEqual([1_000, false]);
  });
});

describe('places', () => {
  it('have one address each, and whoever can be answered is known by its id', () => {
    for (const to of ['#general', 'operator', `${HOME}-2`, '@3f1c9a0b7d2e4455']) expect(toOf(addressOf(to))).toBe(to);
    expect(speakerOf(`agent:${HOME}-2`)).toBe(`${HOME}-2`);
    expect(speakerOf('user:@3f1c9a0b7d2e4455')).toBe('@3f1c9a0b7d2e4455');
    for (const nobody of ['user:@ab12cd34', 'user:operator', `node:${HOME}`])
      expect([nobody, speakerOf(nobody)]).toEqual([nobody, undefined]);
  });
});
