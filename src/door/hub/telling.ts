/** What arrived in the log, told to the sessions of a hub: messages, who came and went, names, and whose session is over. */
import type { Principal } from '#core/brand.ts';
import { advanced, covers } from '#core/channel/history.ts';
import { isMember } from '#core/channel/rules.ts';
import { createsEntity, opId } from '#core/op.ts';
import type { KnownMessage } from '#core/view/message.ts';
import { isKnownMessage } from '#core/view/message.ts';
import type { Arrival } from '#ports.ts';
import { tellDeal } from './deal-news.ts';
import type { Hub } from './hub.ts';
import { hubId, isVerified } from './key.ts';

export async function tell(arrivals: readonly Arrival[], hub: Hub): Promise<void> {
  const { node } = hub.door;
  for (const { n, op } of arrivals) {
    const { body } = op;
    if (body.type === 'message.sent' && createsEntity(op)) {
      const row = node.store.get('message', opId(op));
      if (isKnownMessage(row)) await tellMessage(row, n, hub);
    } else if (body.type.startsWith('proposal.')) tellDeal(op, hub);
    else if (body.type.startsWith('file.')) hub.outgoingFiles.tell(op);
    else if (body.type === 'channel.joined') tellJoined(body, n, hub);
    else if (body.type === 'channel.left' || body.type === 'channel.kicked') await tellLeft(op, body, { n, hub });
    else if (body.type === 'channel.banned' && body.banned) await tellLeft(op, body, { n, hub });
    else if (body.type === 'channel.invited') tellInvited(op.header.by, body, hub);
    else if (body.type === 'identity.nickSet') tellNick(body.identity, body.nick, hub);
    else if (body.type === 'identity.opened' && op.header.node !== node.info.self)
      hub.displace(`@${body.identity}`, { epoch: op.header.lamport, ip: 'another hub' });
    else if (body.type === 'identity.banned' && body.banned) hub.expel(`@${body.identity}`, 'BANNED', body.reason);
    else if (body.type === 'identity.allowed' && !body.allowed)
      hub.expel(`@${body.identity}`, 'KICKED', 'not allowed any more');
  }
}

async function tellMessage(row: KnownMessage, n: number, hub: Hub): Promise<void> {
  // A message bears the time at which it was said, now, later in a replay, and at every hub.
  const { channel, from, wallMs: atMs } = row.sent;
  if (channel.startsWith('#')) {
    hub.floor.release(hubId(from), channel);
    if (hub.hasListeners(channel)) hub.toChannel(channel, { type: 'MSG', fields: await hub.message(row), n, atMs });
    return;
  }
  const [reader, sender] = [hub.session(channel), hub.session(hubId(from))];
  if (reader === undefined && sender === undefined) return;
  const fields = await hub.message(row);
  if (reader !== undefined && !covers(reader.given, row)) {
    reader.send('MSG', fields, atMs);
    reader.given = advanced(reader.given, row);
    reader.askReceipt();
  }
  if (sender !== reader) sender?.send('MSG', fields, atMs);
}

function tellJoined(o: { channel: string; member: Principal; name: string }, n: number, hub: Hub): void {
  const agent = hubId(o.member);
  const fields = { channel: o.channel, agent, name: o.name, verified: isVerified(o.member) };
  hub.toChannel(o.channel, { type: 'AGENT_JOINED', fields, but: agent, n });
}

function tellInvited(by: Principal, o: { channel: string; member: Principal }, hub: Hub): void {
  const invited = hub.session(hubId(o.member));
  hub.serverSays(invited, `${hub.nameOf(by)} (${hubId(by)}) invites you to ${o.channel}`);
}

async function tellLeft(
  op: Arrival['op'],
  o: { channel: string; member: Principal; type: string; reason?: string },
  { n, hub }: { n: number; hub: Hub },
): Promise<void> {
  const { channel, member } = o;
  const { node } = hub.door;
  const agent = hubId(member);
  const session = hub.session(agent);
  hub.floor.release(agent, channel);
  // A word of another hub about a session that is over must not take out the one that is here.
  const isStale = o.type === 'channel.left' && op.header.node !== node.info.self;
  if (isStale && session?.channels.has(channel) === true) {
    if (isMember(node.store, o)) return;
    const body = { type: 'channel.joined', channel, member, name: session.member?.name ?? agent } as const;
    await node.append([{ entity: undefined, by: member, body }]);
    return;
  }
  const fields = { channel, agent, name: hub.nameOf(member) };
  hub.toChannel(channel, { type: 'AGENT_LEFT', fields, but: agent, n });
  if (o.type === 'channel.left' || session === undefined || !hub.unattend(session, channel)) return;
  session.send('LEFT', { channel, reason: o.reason ?? '' });
}

function tellNick(identity: string, nick: string, hub: Hub): void {
  const old = hub.session(`@${identity}`)?.member?.name ?? identity;
  hub.renamed(`@${identity}`, { old, nick });
}
