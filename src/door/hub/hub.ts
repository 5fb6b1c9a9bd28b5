/**
 * The hub at one node: its sessions, and what they are told. What is said and who is where are ops; each session is told of them as they arrive here,
 * whichever node let them in, in one order. So hubs of one mesh are one hub, and what a client sees is on disk.
 */
import type { Principal } from '#core/brand.ts';
import type { Draft } from '#core/op.ts';
import { createsEntity, opId } from '#core/op.ts';
import { isMember } from '#core/channel/rules.ts';
import { advanced, covers } from '#core/channel/history.ts';
import type { KnownMessage } from '#core/view/message.ts';
import { isKnownMessage } from '#core/view/message.ts';
import type { Arrival } from '#ports.ts';
import type { Door } from '../door.ts';
import { isRefusal } from '../refusal.ts';
import { tellDeal } from './deal-news.ts';
import { hubId, isVerified, speakerOf } from './key.ts';
import type { Member, Session } from './session.ts';
import { CLOSE } from './session.ts';

/** Rows that are looked at together. */
const PAGE = 500;
/** Memberships of an earlier life of this node. */
const CLEAR_MAX = 50_000;

const leaving = ({ channel, member }: { channel: string; member: Principal }): Draft => ({
  entity: undefined,
  by: member,
  body: { type: 'channel.left', channel, member },
});

export class Hub {
  readonly door: Door;
  readonly isOpen: boolean;
  readonly sessions = new Set<Session>();
  private readonly byId = new Map<string, Session>();
  /** What is told waits for what was told before. */
  private telling: Promise<void> = Promise.resolve();
  private readonly stop: () => void;

  constructor(o: { door: Door; isOpen: boolean }) {
    this.door = o.door;
    this.isOpen = o.isOpen;
    this.stop = o.door.node.onArrivals((arrivals) => void this.inOrder(() => this.tell(arrivals)));
  }

  close(): void {
    this.stop();
  }

  /** After a start: whoever was here is here no more. */
  async clear(): Promise<void> {
    const { node } = this.door;
    const before = node.store.lamport();
    const rows = node.store.list('member', { where: { node: node.info.self, joined: 1 }, limit: CLEAR_MAX });
    // Whoever comes while this is written is here.
    const stale = rows.filter(({ joined }) => (joined?.stamp.lamport ?? 0) <= before);
    for (let at = 0; at < stale.length; at += PAGE) {
      const answer = await node.append(stale.slice(at, at + PAGE).map(leaving));
      if (isRefusal(answer)) return;
    }
  }

  /** Takes its members out of their channels. */
  async leaveAll(where: { member: Principal }): Promise<void> {
    const { node } = this.door;
    for (;;) {
      const rows = node.store.list('member', { where: { ...where, joined: 1 }, limit: PAGE });
      const drafts = rows.map(leaving);
      if (drafts.length === 0 || isRefusal(await node.append(drafts)) || drafts.length < PAGE) return;
    }
  }

  session(id: string): Session | undefined {
    return this.byId.get(id);
  }

  enter(session: Session, member: Member): void {
    session.enter(member);
    this.byId.set(member.id, session);
  }

  async gone(session: Session): Promise<void> {
    this.sessions.delete(session);
    const { member } = session;
    if (member === undefined || session.displaced || this.byId.get(member.id) !== session) return;
    this.byId.delete(member.id);
    await this.writeRead(session);
    await this.leaveAll({ member: member.by });
  }

  /** Runs after all that is being told, before whatever comes next. */
  inOrder(run: () => Promise<void> | void): Promise<void> {
    this.telling = this.telling.then(run).catch((error: unknown) => this.door.onFault(error, 'the hub'));
    return this.telling;
  }

  /** As its readers get it. */
  async message({ id, sent }: KnownMessage): Promise<Record<string, unknown>> {
    const { channel, text, source, replyTo, sig } = sent;
    return {
      from: hubId(sent.from),
      from_name: source ?? this.nameOf(sent.from),
      to: channel,
      content: await this.door.node.unstash(text),
      msg_id: id,
      verified: isVerified(sent.from),
      ...(sig === undefined ? {} : { sig }),
      ...(replyTo === null ? {} : { in_reply_to: replyTo }),
    };
  }

  nameOf(by: Principal): string {
    const { store } = this.door.node;
    const name = by.slice(by.indexOf(':') + 1);
    if (by.startsWith('agent:')) return store.get('agent', name)?.registered?.name ?? name;
    if (!name.startsWith('@')) return by.startsWith('user:') ? name : 'server';
    const row = store.get('identity', name.slice(1));
    return this.byId.get(name)?.member?.name ?? row?.nick?.value ?? row?.key?.value.name ?? name.slice(1);
  }

  /** To all here who are in the channel, but one. */
  toChannel(channel: string, o: { type: string; fields: object; but?: string; n?: number }): void {
    const text = JSON.stringify({ type: o.type, ...o.fields, ts: this.door.now() });
    for (const session of this.sessions) {
      const from = session.channels.get(channel);
      if (from === undefined || session.member?.id === o.but || (o.n !== undefined && o.n <= from)) continue;
      session.sendText(text);
    }
  }

  private async tell(arrivals: readonly Arrival[]): Promise<void> {
    for (const { n, op } of arrivals) {
      const { body } = op;
      if (body.type === 'message.sent' && createsEntity(op)) {
        const row = this.door.node.store.get('message', opId(op));
        if (isKnownMessage(row)) await this.tellMessage(row, n);
      } else if (body.type.startsWith('proposal.')) tellDeal(op, this);
      else if (body.type === 'channel.joined') this.tellJoined(body, n);
      else if (body.type === 'channel.left' || body.type === 'channel.kicked') await this.tellLeft(op, body, n);
      else if (body.type === 'channel.banned' && body.banned) await this.tellLeft(op, body, n);
      else if (body.type === 'identity.nickSet') this.tellNick(body.identity, body.nick);
      else if (body.type === 'identity.opened' && op.header.node !== this.door.node.info.self)
        this.displace(`@${body.identity}`, { epoch: op.header.lamport, ip: 'another hub' });
      else if (body.type === 'identity.banned' && body.banned) this.expel(`@${body.identity}`, 'BANNED', body.reason);
      else if (body.type === 'identity.allowed' && !body.allowed)
        this.expel(`@${body.identity}`, 'KICKED', 'not allowed any more');
    }
  }

  private async tellMessage(row: KnownMessage, n: number): Promise<void> {
    const { channel, from } = row.sent;
    if (channel.startsWith('#')) {
      if (![...this.sessions].some((session) => session.channels.has(channel))) return;
      return this.toChannel(channel, { type: 'MSG', fields: await this.message(row), n });
    }
    const [reader, sender] = [this.byId.get(channel), this.byId.get(hubId(from))];
    if (reader === undefined && sender === undefined) return;
    const fields = await this.message(row);
    if (reader !== undefined && !covers(reader.given, row)) {
      reader.send('MSG', fields);
      reader.given = advanced(reader.given, row);
      reader.unread = advanced(reader.unread, row);
    }
    if (sender !== reader) sender?.send('MSG', fields);
  }

  private tellJoined(o: { channel: string; member: Principal; name: string }, n: number): void {
    const agent = hubId(o.member);
    const fields = { channel: o.channel, agent, name: o.name, verified: isVerified(o.member) };
    this.toChannel(o.channel, { type: 'AGENT_JOINED', fields, but: agent, n });
  }

  private async tellLeft(
    op: Arrival['op'],
    o: { channel: string; member: Principal; type: string; reason?: string },
    n: number,
  ): Promise<void> {
    const { channel, member } = o;
    const agent = hubId(member);
    const session = this.byId.get(agent);
    // A word of another hub about a session that is over must not take out the one that is here.
    const isStale = o.type === 'channel.left' && op.header.node !== this.door.node.info.self;
    if (isStale && session?.channels.has(channel) === true) {
      if (isMember(this.door.node.store, o)) return;
      const body = { type: 'channel.joined', channel, member, name: session.member?.name ?? agent } as const;
      await this.door.node.append([{ entity: undefined, by: member, body }]);
      return;
    }
    const fields = { channel, agent, name: this.nameOf(member) };
    this.toChannel(channel, { type: 'AGENT_LEFT', fields, but: agent, n });
    if (o.type === 'channel.left' || session?.channels.delete(channel) !== true) return;
    session.send('LEFT', { channel, reason: o.reason ?? '' });
  }

  private tellNick(identity: string, nick: string): void {
    const old = this.byId.get(`@${identity}`)?.member?.name ?? identity;
    this.renamed(`@${identity}`, { old, nick });
  }

  /** To those who share a channel with it, once each, and to itself. */
  renamed(id: string, { old, nick }: { old: string; nick: string }): void {
    const own = this.byId.get(id);
    if (own?.member !== undefined) own.member.name = nick;
    const fields = { agent_id: id, old_nick: old, new_nick: nick };
    this.toCompany(id, 'NICK_CHANGED', fields);
    own?.send('NICK_CHANGED', fields);
  }

  /** To the others here who are in a channel with it, once each. */
  toCompany(id: string, type: string, fields: object): void {
    const by = speakerOf(id);
    if (by === undefined) return;
    const { store } = this.door.node;
    for (const session of this.sessions) {
      if (session.member === undefined || session.member.id === id) continue;
      const shares = [...session.channels.keys()].some((channel) => isMember(store, { channel, member: by }));
      if (shares) session.send(type, fields);
    }
  }

  /** The session of that identity here is over: it lives elsewhere, and must not come back by itself. */
  displace(id: string, o: { epoch: number; ip: string }): void {
    const session = this.byId.get(id);
    if (session === undefined) return;
    session.displaced = true;
    session.channels.clear();
    this.byId.delete(id);
    const reason = 'this identity logged in elsewhere: do not reconnect';
    session.send('SESSION_DISPLACED', { reason, new_ip: o.ip, epoch: o.epoch });
    session.close(CLOSE.normal, reason);
  }

  expel(id: string, type: 'KICKED' | 'BANNED', reason: string): boolean {
    const session = this.byId.get(id);
    session?.send(type, { reason });
    session?.close(CLOSE.policy, type);
    return session !== undefined;
  }

  /** Writes down what was read of its own mailbox. */
  async writeRead(session: Session): Promise<void> {
    const { member, unread } = session;
    if (member === undefined || Object.keys(unread).length === 0) return;
    session.unread = {};
    const body = { type: 'read.advanced', channel: member.id, reader: member.by, upTo: unread } as const;
    if (member.verified) await this.door.node.append([{ entity: undefined, by: member.by, body }]);
  }
}
