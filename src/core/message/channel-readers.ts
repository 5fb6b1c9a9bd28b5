/**
 * Channels as the agents of this node read them. A channel's message lies in the mailbox of each of them that is in it, as one written to it alone does;
 * what it has handled of a channel is its cursor (`read.advanced`), so that a channel costs one op a reader and turn, not one a message.
 */
import type { OpId } from '../brand.ts';
import { agentPrincipal, parsedOpId } from '../brand.ts';
import { after, lastOf, REPLAY_MAX } from '../channel/history.ts';
import { isMember } from '../channel/rules.ts';
import type { Heads, Op, Stamp } from '../op.ts';
import { compareStamps } from '../op.ts';
import { cursorId } from '../view/cursor.ts';
import type { KnownMessage } from '../view/message.ts';
import type { World } from '../world.ts';
import { homeOf } from './address.ts';
import type { Leases } from './lease.ts';
import { leaseOf, letterOf } from './lease.ts';
import type { Letter } from './mailbox.ts';

/** Channels of one agent. */
const CHANNELS_MAX = 1_000;

export class ChannelReaders {
  private readonly world: World;
  private readonly byChannel = new Map<string, Set<OpId>>();
  /** What an agent handled and its cursor does not cover yet, as something before it is still open: by agent and channel. */
  private readonly handled = new Map<string, Map<string, Stamp>>();

  constructor(world: World) {
    this.world = world;
  }

  /** What the agent has not handled in its channels, as the views say it. Remembers where it is. */
  private boot(agent: OpId): KnownMessage[] {
    const { store, log } = this.world;
    const reader = agentPrincipal(agent);
    const rows = store.list('member', { where: { member: reader, joined: 1 }, limit: CHANNELS_MAX });
    return rows.flatMap(({ channel, joined }) => {
      this.enter(channel, agent);
      const cursor = store.get('cursor', cursorId({ reader, channel }))?.upTo ?? {};
      // Who is too far behind begins with the last ones, as whoever joins does.
      const rest = after(store, { channel, cursor, nodes: log.authors() }) ?? lastOf(store, channel, REPLAY_MAX);
      return rest.filter(
        ({ sent }) => joined !== undefined && compareStamps(sent.stamp, joined.stamp) > 0 && sent.from !== reader,
      );
    });
  }

  /** What of it is to be handed out, and how often it was. Takes the rows of what it finds. */
  open(agent: OpId, rows: Leases): { row: KnownMessage; deliveries: number }[] {
    return this.boot(agent).flatMap((row) => {
      const lease = leaseOf(row.id, agent, row.sent.channel);
      const held = rows.get(lease);
      rows.delete(lease);
      if (held?.handled === true) this.keep(agent, letterOf(row, agent, held.deliveries));
      return held?.handled === true || row.outcomes[agent] !== undefined
        ? []
        : { row, deliveries: held?.deliveries ?? 0 };
    });
  }

  onCommitted({ body }: Op): void {
    if (!('channel' in body) || !('member' in body)) return;
    const { channel, member } = body;
    if (!member.startsWith('agent:')) return;
    const agent = parsedOpId(member.slice('agent:'.length));
    if (homeOf(agent) !== this.world.self) return;
    if (isMember(this.world.store, { channel, member })) this.enter(channel, agent);
    else this.byChannel.get(channel)?.delete(agent);
  }

  /** Agents of this node to whom it goes: all that are in the channel but who said it. */
  readersOf({ sent }: KnownMessage): OpId[] {
    return [...(this.byChannel.get(sent.channel) ?? [])].filter((agent) => agentPrincipal(agent) !== sent.from);
  }

  forget(agent: OpId): void {
    for (const agents of this.byChannel.values()) agents.delete(agent);
  }

  /**
   * These were handled: moves the cursors of their channels as far as nothing open is passed over. A row stays of each that the cursor does not
   * cover, so that it is not handed out again after a restart.
   */
  acknowledge(agent: OpId, letters: readonly Letter[], open: readonly Letter[]): void {
    const { world } = this;
    for (const letter of letters) {
      this.keep(agent, letter);
      const value = { agent, deliveries: letter.deliveries, handled: true };
      world.persist({ table: 'lease', key: letter.lease, value });
    }
    for (const channel of new Set(letters.map((letter) => letter.channel))) this.advance(agent, channel, open);
  }

  private advance(agent: OpId, channel: string, open: readonly Letter[]): void {
    const { world } = this;
    const handled = this.handled.get(`${agent} ${channel}`) ?? new Map<string, Stamp>();
    const firstOpen = new Map<string, number>();
    for (const letter of open) {
      const { node, seq } = letter.stamp;
      if (letter.channel === channel) firstOpen.set(node, Math.min(seq, firstOpen.get(node) ?? Infinity));
    }
    const covered = [...handled].filter(([, { node, seq }]) => seq < (firstOpen.get(node) ?? Infinity));
    if (covered.length === 0) return;
    const upTo: Heads = {};
    for (const [key, { node, seq }] of covered) {
      upTo[node] = Math.max(upTo[node] ?? 0, seq);
      handled.delete(key);
      world.persist({ table: 'lease', key, value: undefined });
    }
    const reader = agentPrincipal(agent);
    world.append([{ entity: undefined, by: reader, body: { type: 'read.advanced', channel, reader, upTo } }]);
  }

  private keep(agent: OpId, { channel, lease, stamp }: Letter): void {
    const key = `${agent} ${channel}`;
    const held = this.handled.get(key) ?? new Map<string, Stamp>();
    this.handled.set(key, held.set(lease, stamp));
  }

  private enter(channel: string, agent: OpId): void {
    const held = this.byChannel.get(channel) ?? new Set();
    this.byChannel.set(channel, held.add(agent));
  }
}
