/** Channels: joining with the last of what was said, leaving, lists, making, inviting, and what their operators may do. */
import type { Draft } from '#core/op.ts';
import type { Principal } from '#core/brand.ts';
import { after, lastOf, parseCursor, REPLAY_MAX } from '#core/channel/history.ts';
import {
  CHANNELS_MAX,
  channelOf,
  isChannelOperator,
  isMember,
  joinBar,
  LISTED_MAX,
  memberCount,
  membersOf,
  publicChannels,
} from '#core/channel/rules.ts';
import { hereNow } from '../company.ts';
import { moderationBody } from '../message/moderation.ts';
import { isRefusal } from '../refusal.ts';
import type { FrameOf, Refused } from './frames.ts';
import { bad } from './frames.ts';
import type { Hub } from './hub.ts';
import { hubId, isVerified, speakerOf } from './key.ts';
import type { Member, Session } from './session.ts';

/** Members of one list. */
const LIST_MAX = 10_000;

export type At = { session: Session; member: Member; hub: Hub };
type Answer = Promise<Refused | undefined>;

const unknown = (channel: string): Refused => bad('CHANNEL_NOT_FOUND', `Channel ${channel} not found`);

/** Appends in the member's name; a refusal of the node says that nothing was stored. */
async function write({ hub, member }: At, bodies: readonly Draft['body'][]): Promise<Refused | undefined> {
  const written = await hub.door.node.append(bodies.map((body) => ({ entity: undefined, by: member.by, body })));
  return isRefusal(written) ? bad('RATE_LIMITED', `this node stores nothing now: ${written.message}`) : undefined;
}

export async function join({ channel, after: text }: FrameOf<'JOIN'>, at: At): Answer {
  const { member, hub, session } = at;
  const { store } = hub.door.node;
  const cursor = text === undefined ? undefined : parseCursor(text);
  if (text !== undefined && cursor === undefined) return bad('INVALID_MSG', 'after is no cursor');
  const bar = joinBar(store, { channel, member: member.by, isVerified: member.verified });
  if (bar === 'unknown') return unknown(channel);
  if (bar === 'banned') return bad('BANNED', `Banned from ${channel}`);
  if (bar === 'not_verified') return bad('AUTH_REQUIRED', `${channel} is for verified agents`);
  if (bar === 'not_invited') return bad('NOT_INVITED', `${channel} is invite-only`);
  const missed = cursor && after(store, { channel, cursor, nodes: store.heads().keys() });
  if (cursor !== undefined && missed === undefined)
    return bad('INVALID_MSG', 'the cursor is too far behind: JOIN without after');
  if (!isMember(store, { channel, member: member.by })) {
    const refused = await write(at, [{ type: 'channel.joined', channel, member: member.by, name: member.name }]);
    if (refused !== undefined) return refused;
  }
  await hub.inOrder(async () => {
    hub.attend(session, channel, store.lastArrival());
    const rows =
      (cursor && after(store, { channel, cursor, nodes: store.heads().keys() })) ?? lastOf(store, channel, REPLAY_MAX);
    session.send('JOINED', { channel, agents: agentsIn(channel, hub) });
    for (const row of rows) {
      session.send('MSG', { ...(await hub.message(row)), replay: true }, row.sent.wallMs);
      session.allowWaiting();
    }
  });
  return undefined;
}

function agentsIn(channel: string, hub: Hub): { id: string; name: string; verified: boolean }[] {
  const here = membersOf(hub.door.node.store, channel, LIST_MAX);
  return here.filter(hereNow(hub.door)).map(({ member, joined }) => ({
    id: hubId(member),
    name: hub.session(hubId(member))?.member?.name ?? joined?.value.name ?? '',
    verified: isVerified(member),
  }));
}

export async function leave({ channel }: FrameOf<'LEAVE'>, at: At): Answer {
  const { session, member, hub } = at;
  if (!session.channels.has(channel)) return undefined;
  const refused = await write(at, [{ type: 'channel.left', channel, member: member.by }]);
  if (refused !== undefined) return refused;
  await hub.inOrder(() => {
    hub.unattend(session, channel);
    session.send('LEFT', { channel });
  });
  return undefined;
}

export async function listChannels(_frame: FrameOf<'LIST_CHANNELS'>, { session, hub }: Omit<At, 'member'>): Answer {
  const { store } = hub.door.node;
  const list = publicChannels(store, LISTED_MAX).map(({ id, verifiedOnly, topic }) => ({
    name: id,
    agents: memberCount(store, id),
    verifiedOnly,
    ...(topic === undefined ? {} : { topic: topic.value }),
  }));
  session.send('CHANNELS', { list });
  return undefined;
}

export async function listAgents({ channel }: FrameOf<'LIST_AGENTS'>, { session, member, hub }: At): Answer {
  const { store } = hub.door.node;
  const row = channelOf(store, channel);
  if (row === undefined) return unknown(channel);
  if (row.inviteOnly && !isMember(store, { channel, member: member.by }))
    return bad('NOT_INVITED', `${channel} is invite-only`);
  const list = agentsIn(channel, hub).map((agent) => {
    const { presence, statusText } = hub.far.presenceOf(agent.id);
    return { ...agent, presence, status_text: statusText };
  });
  session.send('AGENTS', { channel, list });
  return undefined;
}

export async function create(frame: FrameOf<'CREATE_CHANNEL'>, at: At): Answer {
  const { member, hub } = at;
  const { channel, invite_only: inviteOnly, verified_only: verifiedOnly } = frame;
  const { store } = hub.door.node;
  if (channelOf(store, channel) !== undefined) return bad('CHANNEL_EXISTS', `Channel ${channel} already exists`);
  if (store.count('channel', { created: 1 }) >= CHANNELS_MAX)
    return bad('RATE_LIMITED', `there are ${CHANNELS_MAX} channels`);
  // Whoever could not join it must not leave it behind.
  if (verifiedOnly && !member.verified) return bad('AUTH_REQUIRED', `${channel} is for verified agents`);
  const refused = await write(at, [{ type: 'channel.created', channel, inviteOnly, verifiedOnly }]);
  if (refused !== undefined) return refused;
  return join({ channel }, { ...at, member });
}

export async function invite({ channel, agent }: FrameOf<'INVITE'>, at: At): Answer {
  const { member, hub } = at;
  const { store } = hub.door.node;
  if (channelOf(store, channel) === undefined) return unknown(channel);
  if (!isMember(store, { channel, member: member.by })) return bad('NOT_INVITED', 'only members invite');
  const target = speakerOf(agent);
  if (target === undefined || !isKnownTo(hub, agent, target)) return bad('AGENT_NOT_FOUND', `Agent ${agent} not found`);
  return write(at, [{ type: 'channel.invited', channel, member: target }]);
}

/** It is here, or has a key or an agent's place in the swarm. */
export function isKnownTo(hub: Hub, id: string, target: Principal): boolean {
  const { store } = hub.door.node;
  if (hub.session(id) !== undefined) return true;
  if (target.startsWith('agent:')) return store.get('agent', id.slice(1))?.registered !== undefined;
  return store.get('identity', id.slice(1))?.key !== undefined;
}

/** For operators of the channel. What follows for the member is told as its op arrives. */
export async function moderate(frame: FrameOf<'MODERATE'>, at: At): Answer {
  const { channel, action } = frame;
  const { store } = at.hub.door.node;
  if (channelOf(store, channel) === undefined) return unknown(channel);
  if (!isChannelOperator(store, { channel, member: at.member.by }))
    return bad('NOT_ALLOWED', `only operators of ${channel} may do this`);
  const { reason, topic, seconds, agent } = frame;
  const member = agent === undefined ? undefined : speakerOf(agent);
  const body = moderationBody({ channel, action, member, reason, topic, seconds });
  if (body === undefined) return bad('INVALID_MSG', `${action} needs an agent, a topic or seconds`);
  const refused = await write(at, [body]);
  if (refused === undefined) at.session.send('MODERATED', { channel, action });
  return refused;
}
