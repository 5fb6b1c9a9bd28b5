/**
 * The mailboxes of this node's agents: handing out, acknowledging, putting back. A message is open in the view until its reader's node writes what
 * became of it, so the view is the queue; beside it stands one local row for each open message that was ever handed out, on disk before the reader
 * has it. After a restart all that is open waits again, and what has such a row says that it may have been handled: handed out at least once, and
 * marked whenever it may be more than once.
 */
import type { OpId } from '../brand.ts';
import { agentPrincipal } from '../brand.ts';
import type { Op } from '../op.ts';
import { createsEntity, opId } from '../op.ts';
import { isLive } from '../view/agent.ts';
import type { KnownMessage } from '../view/message.ts';
import { isKnownMessage, messageState } from '../view/message.ts';
import type { World } from '../world.ts';
import { homeOf, isReadByCursor, mailboxOf, readerOf } from './address.ts';
import type { Bounce } from './bounces.ts';
import { Bounces } from './bounces.ts';
import { ChannelReaders } from './channel-readers.ts';
import type { Leases } from './lease.ts';
import { leasesIn, letterOf } from './lease.ts';
import { Mailbox } from './mailbox.ts';
import type { Letter } from './mailbox.ts';

/** Open messages of one agent: more are bounced. Twice what a reader that is away for a day is expected to find. */
export const MAILBOX_MAX = 20_000;
/** Handed out so often without being handled, a message is taken for one that breaks its reader. */
export const DELIVERIES_MAX = 5;
/** A reader that has had a message for so long is taken for gone. Longer than most turns; a longer one may still acknowledge. */
export const LEASE_MAX_MS = 3_600_000;
/** Timers reach no further: clocks are set, and an alarm that is early finds nothing due. */
const LOOK_MAX_MS = 60_000;
/** Rows read a time at boot. */
const PAGE = 500;

/** As it is handed out. `redelivered`: it was before, and may have been handled. */
export type Handed = { message: KnownMessage; deliveries: number; redelivered: boolean };

type Waiter = { max: number; timer: string; done: (handed: readonly Handed[]) => void };
type Box = { agent: OpId; mailbox: Mailbox; waiters: Waiter[] };

export class Mailboxes {
  private readonly world: World;
  private readonly boxes = new Map<OpId, Box>();
  private readonly bounces: Bounces;
  /** Messages of the turn under way whose row is written with them, for a reader that waits. */
  private readonly foreseen = new Set<string>();
  private readonly channels: ChannelReaders;
  private waits = 0;

  constructor(world: World) {
    this.world = world;
    this.channels = new ChannelReaders(world);
    this.bounces = new Bounces(world, (afterMs) => world.timers.setEarlier('mail:look', world.nowMs + afterMs));
  }

  /** Reads what is open from the views. */
  boot(): void {
    const { store, self } = this.world;
    const rows = leasesIn(store);
    for (let offset = 0; ; offset += PAGE) {
      const agents = store.list('agent', { where: { node: self }, limit: PAGE, offset });
      for (const { id } of agents) this.load(id, rows);
      if (agents.length < PAGE) break;
    }
    // The op was written and its row was not: never, as one commit holds both; a log that was cut leaves some.
    for (const key of rows.keys()) this.world.persist({ table: 'lease', key, value: undefined });
    this.look();
  }

  /** These ops are about to be written: where a reader waits for one, the row of its first delivery goes with it, and spares a commit of its own. */
  onWriting(ops: readonly Op[]): void {
    const room = new Map<Box, number>();
    for (const op of ops) {
      const box = this.boxOf(op);
      if (box === undefined) continue;
      const left = room.get(box) ?? box.waiters.reduce((sum, { max }) => sum + max, 0);
      room.set(box, left - 1);
      if (left <= 0) continue;
      this.foreseen.add(opId(op));
      this.world.persist({ table: 'lease', key: opId(op), value: { agent: box.agent, deliveries: 1 } });
    }
  }

  onCommitted(ops: readonly Op[]): void {
    const touched = new Set<Box>();
    for (const op of ops) {
      const { body, header } = op;
      this.channels.onCommitted(op);
      if (body.type === 'message.sent' && createsEntity(op)) {
        for (const box of this.onSent(opId(op), body.channel)) touched.add(box);
      } else if (body.type === 'agent.deregistered' && homeOf(header.entity) === this.world.self)
        this.onGone(header.entity);
    }
    for (const box of touched) this.serve(box);
    // Who waited gave up in the meantime: it never had them, and whoever has them first is not told that somebody had.
    for (const key of this.foreseen) this.world.persist({ table: 'lease', key, value: undefined });
    this.foreseen.clear();
  }

  /**
   * Hands out at most `max` messages: at once, or as soon as there is one, or none after `waitMs`. `done` runs once, after their rows are on disk. The
   * returned function gives up waiting, and is of no use afterwards.
   */
  receive(o: { agent: OpId; max: number; waitMs: number; done: Waiter['done'] }): () => void {
    const box = this.box(o.agent);
    const waiter: Waiter = { max: o.max, done: o.done, timer: `mail:wait/${o.agent}/${(this.waits += 1)}` };
    box.waiters.push(waiter);
    this.serve(box);
    const isWaiting = (): boolean => box.waiters.includes(waiter);
    if (isWaiting() && o.waitMs <= 0) this.endWait(box, waiter);
    else if (isWaiting()) this.world.timers.set(waiter.timer, this.world.nowMs + o.waitMs);
    return () => {
      if (isWaiting()) this.endWait(box, waiter);
    };
  }

  /**
   * The messages were handled; undefined: all that the agent has in hand. Messages that are closed, or were never handed out, are left alone. Gives how many it
   * closed: on disk when this turn is. `comparing`: this node may not write yet.
   */
  acknowledge(o: { agent: OpId; messages: readonly OpId[] | undefined }): number | 'comparing' {
    if (!this.world.mayAppend()) return 'comparing';
    const { mailbox } = this.box(o.agent);
    const meant = o.messages?.map((id) => mailbox.get(id)) ?? [...mailbox.inHand()];
    const handled = new Set(meant.flatMap((letter) => (letter === undefined || letter.deliveries === 0 ? [] : letter)));
    const body = { type: 'message.acknowledged', agent: o.agent } as const;
    for (const { id } of handled) mailbox.remove(id);
    const said = [...handled].filter(({ channel }) => isReadByCursor(channel));
    for (const letter of said) handled.delete(letter);
    for (const { id, lease } of handled) {
      this.world.append([{ entity: id, by: agentPrincipal(o.agent), body }]);
      this.world.persist({ table: 'lease', key: lease, value: undefined });
    }
    if (said.length > 0) this.channels.acknowledge(o.agent, said, mailbox.all());
    return handled.size + said.length;
  }

  /** Puts back what the agent has in hand, to be handed out again with the mark; undefined: all. Gives how many. `isBlameless`: it does not count against them. */
  requeue(o: { agent: OpId; messages: readonly OpId[] | undefined; isBlameless?: boolean }): number {
    const box = this.box(o.agent);
    const letters = box.mailbox.release(o.messages);
    // Once it stays: it was handed out, and the next time says so.
    if (o.isBlameless === true) for (const letter of letters) letter.deliveries = Math.max(1, letter.deliveries - 1);
    for (const letter of letters) this.putBack(box, letter);
    this.serve(box);
    return letters.length;
  }

  counts(agent: OpId): ReturnType<Mailbox['counts']> {
    return this.boxes.get(agent)?.mailbox.counts() ?? { waiting: 0, leased: 0, later: 0 };
  }

  /** How many messages led to one that the agent sends now: one more than to those it has in hand. */
  hopsOf(agent: OpId): number {
    let hops = 0;
    for (const letter of this.boxes.get(agent)?.mailbox.inHand() ?? []) hops = Math.max(hops, letter.hops + 1);
    return hops;
  }

  /** Closes a message of an agent of this node that nobody is to have any more; false when it is closed, or not here. */
  withdraw(o: { agent: OpId; message: OpId }): boolean {
    const letter = this.boxes.get(o.agent)?.mailbox.remove(o.message);
    if (letter === undefined) return false;
    this.bounce(o.agent, letter, 'cancelled');
    return true;
  }

  onTimer(name: string): void {
    if (name === 'mail:look') return this.look();
    for (const box of this.boxes.values()) {
      const waiter = box.waiters.find(({ timer }) => timer === name);
      if (waiter !== undefined) return this.endWait(box, waiter);
    }
  }

  private box(agent: OpId): Box {
    const held = this.boxes.get(agent);
    if (held !== undefined) return held;
    const made = { agent, mailbox: new Mailbox(), waiters: [] };
    this.boxes.set(agent, made);
    return made;
  }

  private load(agent: OpId, rows: Leases): void {
    for (const { row, deliveries } of this.channels.open(agent, rows)) this.admit(row, agent, deliveries);
    const { store } = this.world;
    const where = { channel: mailboxOf(agent), state: 'open' };
    for (let offset = 0; ; offset += PAGE) {
      const found = store.list('message', { where, order: [['lamport', 'asc']], limit: PAGE, offset });
      for (const row of found.filter(isKnownMessage)) {
        const deliveries = rows.get(row.id)?.deliveries ?? 0;
        rows.delete(row.id);
        this.admit(row, agent, deliveries);
      }
      if (found.length < PAGE) return;
    }
  }

  /** The mailbox of a message that its reader may have at once. */
  private boxOf(op: Op): Box | undefined {
    const { body } = op;
    if (body.type !== 'message.sent' || !createsEntity(op) || (body.dueMs ?? 0) > this.world.wallMs) return undefined;
    const reader = readerOf(body.channel);
    return reader === undefined ? undefined : this.boxes.get(reader);
  }

  /** The mailboxes of this node that it goes into: of its reader, or of those who are in its channel. */
  private onSent(id: OpId, channel: string): Box[] {
    const isChannel = channel.startsWith('#');
    const reader = readerOf(channel);
    if (!isChannel && (reader === undefined || homeOf(reader) !== this.world.self)) return [];
    const row = this.world.store.get('message', id);
    // Its end may be written before it, where a log came back after a cut.
    if (!isKnownMessage(row) || !['open', 'sent'].includes(messageState(row))) return [];
    const readers = reader === undefined ? this.channels.readersOf(row) : [reader];
    for (const agent of readers) this.admit(row, agent, 0);
    return readers.flatMap((agent) => this.boxes.get(agent) ?? []);
  }

  private admit(row: KnownMessage, agent: OpId, deliveries: number): void {
    const letter = letterOf(row, agent, deliveries);
    if (!isLive(this.world.store.get('agent', agent))) return this.bounce(agent, letter, 'recipient_gone');
    const box = this.box(agent);
    const { waiting, later } = box.mailbox.counts();
    if (deliveries === 0 && waiting + later >= MAILBOX_MAX) return this.bounce(agent, letter, 'mailbox_full');
    this.putBack(box, letter);
  }

  private putBack(box: Box, letter: Letter): void {
    if (letter.deliveries >= DELIVERIES_MAX) return this.bounce(box.agent, letter, 'undeliverable');
    const { world } = this;
    box.mailbox.put(letter, world.wallMs);
    if (letter.dueMs !== null) world.timers.setEarlier('mail:look', world.nowMs + untilMs(letter.dueMs, world.wallMs));
  }

  private onGone(agent: OpId): void {
    const box = this.boxes.get(agent);
    if (box === undefined) return;
    this.boxes.delete(agent);
    for (const waiter of box.waiters.splice(0)) this.finish(waiter, []);
    for (const letter of box.mailbox.all()) this.bounce(agent, letter, 'recipient_gone');
    this.channels.forget(agent);
  }

  /** Who waited longest is served first. */
  private serve(box: Box): void {
    box.mailbox.ripen(this.world.wallMs);
    for (let waiter = box.waiters[0]; waiter !== undefined; waiter = box.waiters[0]) {
      const handed = this.lease(box, waiter.max);
      if (handed.length === 0) return;
      box.waiters.shift();
      this.finish(waiter, handed);
    }
  }

  private lease(box: Box, max: number): Handed[] {
    const { world } = this;
    const taken = box.mailbox.take(max, world.nowMs);
    if (taken.length > 0) world.timers.setEarlier('mail:look', world.nowMs + LOOK_MAX_MS);
    return taken.flatMap(({ id, lease, deliveries }) => {
      const message = world.store.get('message', id);
      if (!isKnownMessage(message)) return [];
      if (!this.foreseen.delete(lease))
        world.persist({ table: 'lease', key: lease, value: { agent: box.agent, deliveries } });
      return [{ message, deliveries, redelivered: deliveries > 1 }];
    });
  }

  private endWait(box: Box, waiter: Waiter): void {
    box.waiters = box.waiters.filter((one) => one !== waiter);
    this.finish(waiter, []);
  }

  /** What was handed out is on disk before its reader has it. */
  private finish(waiter: Waiter, handed: readonly Handed[]): void {
    this.world.timers.clear(waiter.timer);
    this.world.afterWrite(() => waiter.done(handed));
  }

  private bounce(agent: OpId, { id, lease }: Letter, reason: Bounce['reason']): void {
    this.foreseen.delete(lease);
    this.bounces.add(lease, { agent, message: id, reason });
  }

  /** Hands out what has come due, takes back from readers that are gone, and writes what could not be written before. */
  private look(): void {
    const { world } = this;
    this.bounces.write();
    for (const box of this.boxes.values()) {
      const nextMs = box.mailbox.ripen(world.wallMs);
      const stale = [...box.mailbox.inHand()].filter(({ leasedMs = 0 }) => leasedMs + LEASE_MAX_MS <= world.nowMs);
      if (stale.length > 0) this.requeue({ agent: box.agent, messages: stale.map(({ id }) => id) });
      else this.serve(box);
      if (nextMs !== undefined) world.timers.setEarlier('mail:look', world.nowMs + untilMs(nextMs, world.wallMs));
      else if (box.mailbox.counts().leased > 0) world.timers.setEarlier('mail:look', world.nowMs + LOOK_MAX_MS);
    }
  }
}

const untilMs = (dueMs: number, wallMs: number): number => Math.min(LOOK_MAX_MS, Math.max(1, dueMs - wallMs));
