/**
 * The hub at one node: its sessions, and who of them is where. What is said and who is where are ops; what passes by (presence, typing, claims) is told
 * from hub to hub and kept nowhere. So hubs of one mesh are one hub, and what a client sees of a message is on disk.
 */
import type { Principal } from '#core/brand.ts';
import type { Draft } from '#core/op.ts';
import { isMember } from '#core/channel/rules.ts';
import { isNudge } from '#core/message/nudge.ts';
import type { KnownMessage } from '#core/view/message.ts';
import type { Door } from '../door.ts';
import { isRefusal } from '../refusal.ts';
import { Escalation } from './escalation.ts';
import { Far } from './far.ts';
import { Floor } from './floor.ts';
import { IncomingFiles } from './incoming-files.ts';
import { hubId, isVerified, speakerOf } from './key.ts';
import { OutgoingFiles } from './outgoing-files.ts';
import { Outgoing, textFrame } from './outgoing.ts';
import type { Member, Session } from './session.ts';
import { CLOSE } from './session.ts';
import { tell } from './telling.ts';

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
  readonly escalation = new Escalation();
  readonly floor = new Floor();
  readonly outgoing = new Outgoing();
  readonly incomingFiles: IncomingFiles;
  readonly outgoingFiles: OutgoingFiles;
  readonly far: Far;
  private readonly byId = new Map<string, Session>();
  private readonly byChannel = new Map<string, Set<Session>>();
  /** What those were called whose connection ended, until the others are told: of a guest nothing else knows it. */
  private readonly departing = new Map<string, string>();
  /** What is told waits for what was told before. */
  private telling: Promise<void> = Promise.resolve();
  private readonly stop: () => void;

  constructor(o: { door: Door; isOpen: boolean }) {
    this.door = o.door;
    this.isOpen = o.isOpen;
    this.incomingFiles = new IncomingFiles(this);
    this.outgoingFiles = new OutgoingFiles(this);
    this.far = new Far(this);
    o.door.hub.open = {
      hear: (text) => this.far.hear(text),
      holderOf: (message) => this.floor.holderOf(message, o.door.now()),
      shownOf: (id) => {
        const { presence, statusText } = this.far.presenceOf(id);
        return { name: this.session(id)?.member?.name, presence, statusText };
      },
    };
    this.stop = o.door.node.onArrivals((arrivals) => void this.inOrder(() => tell(arrivals, this)));
  }

  close(): void {
    this.stop();
    this.door.hub.open = undefined;
    this.far.close();
  }

  /** After a start: whoever was here is here no more. */
  async clear(): Promise<void> {
    const { node } = this.door;
    const before = node.store.lamport();
    const rows = node.store.list('member', { where: { node: node.info.self, joined: 1 }, limit: CLEAR_MAX });
    // Whoever comes while this is written is here; agents of the swarm are in their channels whatever becomes of the hub.
    const stale = rows.filter(
      ({ joined, member }) => (joined?.stamp.lamport ?? 0) <= before && member.startsWith('user:@'),
    );
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

  /** From arrival `n` on it is told what is said in the channel. */
  attend(session: Session, channel: string, n: number): void {
    this.outgoing.settle();
    session.channels.set(channel, n);
    const held = this.byChannel.get(channel) ?? new Set();
    this.byChannel.set(channel, held.add(session));
  }

  /** False: it was not told of that channel. */
  unattend(session: Session, channel: string): boolean {
    this.outgoing.settle();
    const held = this.byChannel.get(channel);
    held?.delete(session);
    if (held?.size === 0) this.byChannel.delete(channel);
    return session.channels.delete(channel);
  }

  hasListeners(channel: string): boolean {
    return this.byChannel.has(channel);
  }

  async gone(session: Session): Promise<void> {
    this.sessions.delete(session);
    for (const channel of session.channels.keys()) this.unattend(session, channel);
    const { member } = session;
    if (member === undefined || session.displaced || this.byId.get(member.id) !== session) return;
    this.byId.delete(member.id);
    this.departing.set(member.id, member.name);
    await this.writeRead(session);
    await this.leaveAll({ member: member.by });
    await this.inOrder(() => void this.departing.delete(member.id));
  }

  /** Runs after all that is being told, before whatever comes next. */
  inOrder(run: () => Promise<void> | void): Promise<void> {
    this.telling = this.telling.then(run).catch((error: unknown) => this.door.onFault(error, 'the hub'));
    return this.telling;
  }

  /** As its readers get it. */
  async message({ id, sent }: KnownMessage): Promise<Record<string, unknown>> {
    const { channel, text, source, replyTo, thread, sig } = sent;
    return {
      from: hubId(sent.from),
      from_name: source ?? this.nameOf(sent.from),
      to: channel,
      content: typeof text === 'string' ? text : await this.door.node.unstash(text),
      msg_id: id,
      verified: isVerified(sent.from),
      ...(sig === undefined ? {} : { sig }),
      ...(isNudge(sent) ? { nudge: true } : {}),
      ...(replyTo === null ? {} : { in_reply_to: replyTo }),
      ...(thread === null ? {} : { thread_id: thread }),
    };
  }

  nameOf(by: Principal): string {
    const { store } = this.door.node;
    const name = by.slice(by.indexOf(':') + 1);
    if (by.startsWith('agent:')) return store.get('agent', name)?.registered?.name ?? name;
    if (!name.startsWith('@')) return by.startsWith('user:') ? name : 'server';
    const row = store.get('identity', name.slice(1));
    const called = this.byId.get(name)?.member?.name ?? this.departing.get(name);
    return called ?? row?.nick?.value ?? row?.key?.value.name ?? name.slice(1);
  }

  /** To all here who are in the channel, but one; what came as arrival `n`, not to those whose history held it. */
  toChannel(channel: string, o: { type: string; fields: object; but?: string; n?: number; atMs?: number }): void {
    const listeners = this.byChannel.get(channel);
    if (listeners === undefined || listeners.size === 0) return;
    const frame = textFrame(JSON.stringify({ type: o.type, ...o.fields, ts: o.atMs ?? this.door.now() }));
    let isToAll = true;
    this.outgoing.tell(`${channel} ${o.but ?? ''} ${o.n === undefined}`, frame, () =>
      [...listeners].filter((session) => {
        const isNew = o.n === undefined || o.n > (session.channels.get(channel) ?? Infinity);
        isToAll &&= isNew;
        return isNew && session.member?.id !== o.but;
      }),
    );
    // Whose history held this one may not have the next.
    if (!isToAll) this.outgoing.settle();
  }

  /** A line of the hub itself. */
  serverSays(session: Session | undefined, content: string): void {
    const to = session?.member?.id;
    session?.send('MSG', { from: '@server', from_name: 'server', to, content, verified: true });
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
    const member = speakerOf(id);
    if (member === undefined) return;
    const { store } = this.door.node;
    const company = new Set<Session>();
    for (const [channel, sessions] of this.byChannel)
      if (isMember(store, { channel, member })) for (const session of sessions) company.add(session);
    for (const session of company) if (session.member?.id !== id) session.send(type, fields);
  }

  /** The session of that identity here is over: it lives elsewhere, and must not come back by itself. */
  displace(id: string, o: { epoch: number; ip: string }): void {
    const session = this.byId.get(id);
    if (session === undefined) return;
    session.displaced = true;
    for (const channel of session.channels.keys()) this.unattend(session, channel);
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

  /** Writes down what came to it of its own mailbox: the rest it gets again when it comes back. */
  async writeRead(session: Session): Promise<void> {
    const { member, received } = session;
    if (member === undefined || received === undefined) return;
    session.received = undefined;
    const body = { type: 'read.advanced', channel: member.id, reader: member.by, upTo: received } as const;
    await this.door.node.append([{ entity: undefined, by: member.by, body }]);
  }
}
