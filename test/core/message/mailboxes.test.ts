/** Mailboxes: in order, handed out at least once, marked when it may be more, and closed by their own node alone. */
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { OpId } from '#core/brand.ts';
import { opIdOf, userPrincipal } from '#core/brand.ts';
import { mailboxOf } from '#core/message/address.ts';
import { DELIVERIES_MAX, LEASE_MAX_MS, MAILBOX_MAX } from '#core/message/mailboxes.ts';
import { messageState, outcomeOf } from '#core/view/message.ts';
import { simNodeId } from '#sim/crypto.ts';
import { Machine } from '../machine.ts';
import { present } from '../writer.ts';
import { acknowledge, requeue, send, sent, take, texts } from './post-office.ts';

let machine: Machine;
let agent: OpId;

beforeEach(async () => {
  machine = new Machine(0);
  await machine.register();
  agent = await machine.agent();
});

const state = (id: OpId): string => messageState(present(machine.store.get('message', id)));
const outcome = (id: OpId) => outcomeOf(present(machine.store.get('message', id)));
const acknowledgements = (id: OpId): number =>
  machine.store.opsAbout(id, 100).filter(({ body }) => body.type === 'message.acknowledged').length;

describe('a mailbox', () => {
  it('hands out in the order of sending, at most so many', async () => {
    for (const text of ['a', 'b', 'c']) await sent(machine, { to: agent, text });
    expect(texts(await take(machine, { agent, max: 2 }))).toEqual(['a', 'b']);
    expect(texts(await take(machine, { agent }))).toEqual(['c']);
    expect(await take(machine, { agent })).toEqual([]);
  });

  it('gives a waiting reader what comes, and one who waits no longer nothing', async () => {
    const waiting = await take(machine, { agent, waitMs: 180_000 });
    expect(waiting).toEqual([]);
    await sent(machine, { to: agent, text: 'now' });
    expect(texts(waiting)).toEqual(['now']);

    let ended = 0;
    machine.core.mail(machine.clock()).boxes.receive({ agent, max: 1, waitMs: 1_000, done: () => (ended += 1) });
    machine.nowMs += 1_000;
    await machine.tick();
    expect(ended).toBe(1);
    const id = await sent(machine, { to: agent, text: 'later' });
    expect(machine.core.mail(machine.clock()).boxes.counts(agent)).toEqual({ waiting: 1, leased: 1, later: 0 });
    expect(state(id)).toBe('open');
  });

  it('hands nothing out before its row is on disk', async () => {
    await sent(machine, { to: agent, text: 'a' });
    machine.holdDisk();
    const handed = await take(machine, { agent });
    expect(handed).toEqual([]);
    await machine.releaseDisk();
    expect(texts(handed)).toEqual(['a']);
  });

  it('writes the row of what a reader waits for with the message, and hands it out after that one write', async () => {
    const handed = await take(machine, { agent, max: 2, waitMs: 180_000 });
    machine.holdDisk();
    const box = mailboxOf(agent);
    await sent(machine, { to: agent, channels: [box, box, box] });
    expect([handed, machine.store.localRows('lease')]).toEqual([[], []]);
    const commit = vi.spyOn(machine.store, 'commit');
    await machine.releaseDisk();
    expect(handed.map(({ redelivered }) => redelivered)).toEqual([false, false]);
    expect(commit).not.toHaveBeenCalled();
    expect(machine.store.localRows('lease')).toHaveLength(2);
    machine = machine.restart();
    const again = await take(machine, { agent });
    expect(again.map(({ redelivered }) => redelivered)).toEqual([true, true, false]);
  });

  it('marks nothing that a reader gave up waiting for before it was on disk', async () => {
    const handed: unknown[] = [];
    const done = (some: readonly unknown[]): void => void handed.push(...some);
    const giveUp = machine.core.mail(machine.clock()).boxes.receive({ agent, max: 1, waitMs: 180_000, done });
    await machine.run();
    machine.holdDisk();
    await sent(machine, { to: agent, text: 'a' });
    giveUp();
    await machine.releaseDisk();
    expect([handed, machine.store.localRows('lease')]).toEqual([[], []]);
    machine = machine.restart();
    expect((await take(machine, { agent })).map(({ redelivered }) => redelivered)).toEqual([false]);
  });

  it('closes what was handled, once, and leaves no row of it', async () => {
    const id = await sent(machine, { to: agent });
    await take(machine, { agent });
    expect(await acknowledge(machine, agent)).toBe(1);
    expect(await acknowledge(machine, agent, [id])).toBe(0);
    expect([state(id), acknowledgements(id)]).toEqual(['acknowledged', 1]);
    expect(machine.store.localRows('lease')).toEqual([]);
  });

  it('does not let a reader acknowledge what it never had', async () => {
    const id = await sent(machine, { to: agent });
    expect(await acknowledge(machine, agent, [id])).toBe(0);
    expect(state(id)).toBe('open');
  });

  it('hands out again, in the old order and with the mark, what was put back', async () => {
    for (const text of ['a', 'b', 'c']) await sent(machine, { to: agent, text });
    const first = await take(machine, { agent, max: 2 });
    expect(first.map(({ redelivered }) => redelivered)).toEqual([false, false]);
    expect(await requeue(machine, agent)).toBe(2);
    const again = await take(machine, { agent });
    expect(texts(again)).toEqual(['a', 'b', 'c']);
    expect(again.map(({ redelivered }) => redelivered)).toEqual([true, true, false]);
  });

  it('takes back from a reader that is gone for long', async () => {
    await sent(machine, { to: agent, text: 'a' });
    await take(machine, { agent });
    const waiting = await take(machine, { agent, waitMs: LEASE_MAX_MS * 2 });
    for (let passedMs = 0; passedMs <= LEASE_MAX_MS; passedMs += 60_000) {
      machine.nowMs += 60_000;
      await machine.tick();
    }
    expect(waiting.map(({ redelivered }) => redelivered)).toEqual([true]);
  });

  it('gives up what breaks its reader over and over', async () => {
    const id = await sent(machine, { to: agent });
    for (let n = 0; n < DELIVERIES_MAX; n++) {
      expect(await take(machine, { agent })).toHaveLength(1);
      await requeue(machine, agent);
    }
    expect(await take(machine, { agent })).toEqual([]);
    expect(outcome(id)).toMatchObject({ kind: 'bounced', reason: 'undeliverable' });
    expect(machine.store.localRows('lease')).toEqual([]);
  });

  it('bounces what its agent, which was withdrawn, did not handle', async () => {
    const id = await sent(machine, { to: agent });
    const by = userPrincipal('ada');
    await machine.append([{ entity: agent, by, body: { type: 'agent.deregistered' } }]);
    expect(outcome(id)).toMatchObject({ kind: 'bounced', reason: 'recipient_gone' });
  });

  it('keeps a reminder until it is due, and gives it once', async () => {
    const dueMs = machine.clock().wallMs + 90_000;
    await sent(machine, { to: agent, kind: 'reminder', text: 'look', dueMs });
    await sent(machine, { to: agent, text: 'now' });
    expect(texts(await take(machine, { agent }))).toEqual(['now']);
    machine = machine.restart();
    const waiting = await take(machine, { agent, max: 1, waitMs: 180_000 });
    expect(texts(waiting)).toEqual(['now']);
    const late = await take(machine, { agent, waitMs: 180_000 });
    for (const passedMs of [60_000, 29_000]) {
      machine.nowMs += passedMs;
      await machine.tick();
    }
    expect(late).toEqual([]);
    machine.nowMs += 1_000;
    await machine.tick();
    expect(texts(late)).toEqual(['look']);
    await acknowledge(machine, agent);
    expect(await take(machine, { agent })).toEqual([]);
  });
});

describe('after a restart', () => {
  it('everything that is open waits again, marked where it was handed out', async () => {
    for (const text of ['a', 'b', 'c']) await sent(machine, { to: agent, text });
    await take(machine, { agent, max: 1 });
    await acknowledge(machine, agent);
    await take(machine, { agent, max: 1 });
    machine = machine.restart();
    const again = await take(machine, { agent });
    expect(texts(again)).toEqual(['b', 'c']);
    expect(again.map(({ redelivered }) => redelivered)).toEqual([true, false]);
  });

  it('a reader that had a message before may still acknowledge it', async () => {
    const id = await sent(machine, { to: agent });
    await take(machine, { agent });
    machine = machine.restart();
    expect(await acknowledge(machine, agent, [id])).toBe(1);
    expect(await take(machine, { agent })).toEqual([]);
  });
});

it('what another node writes about a message of this one changes nothing', async () => {
  const id = await sent(machine, { to: agent });
  const stranger = opIdOf(simNodeId(5), 1);
  const body = { type: 'message.acknowledged', agent: stranger } as const;
  await machine.append([{ entity: id, by: userPrincipal('ada'), body }]);
  expect(state(id)).toBe('open');
});

it('a mailbox that is full takes nothing more here, bounces what another node let in, and takes again what was handled', async () => {
  const box = mailboxOf(agent);
  const batch = Array.from({ length: 256 }, () => box);
  for (let left = MAILBOX_MAX; left > 0; left -= batch.length)
    await sent(machine, { to: agent, channels: batch.slice(0, left) });
  expect(await send(machine, { to: agent })).toMatchObject({ code: 'too_many' });
  const body = {
    type: 'message.sent',
    channel: box,
    kind: 'text',
    text: 'from afar',
    replyTo: null,
    source: null,
  } as const;
  const id = await machine.create({ ...body, dueMs: null, thread: null, hops: 0 });
  expect(outcome(id)).toMatchObject({ kind: 'bounced', reason: 'mailbox_full' });
  expect(await take(machine, { agent })).toHaveLength(32);
  expect(await send(machine, { to: agent })).toHaveLength(1);
});
