/** What an agent of the swarm does with channels, whichever door it came by. What is said in them comes by its mailbox. */
import { z } from 'zod';
import type { Principal } from '#core/brand.ts';
import { agentPrincipal, parsedPrincipal } from '#core/brand.ts';
import { lastOf } from '#core/channel/history.ts';
import type { JoinBar } from '#core/channel/rules.ts';
import {
  CHANNELS_MAX,
  channelOf,
  isMember,
  joinBar,
  LISTED_MAX,
  memberCount,
  membersOf,
  publicChannels,
  speakBar,
} from '#core/channel/rules.ts';
import type { Draft, Heads } from '#core/op.ts';
import { channelNameSchema } from '#core/schema/channel-body.ts';
import { nickSchema } from '#core/schema/identity-body.ts';
import { isKnownMessage } from '#core/view/message.ts';
import type { Door } from '../door.ts';
import type { MessageJson } from '../json/message.ts';
import { messageJson } from '../json/message.ts';
import { findAgent } from '../lookup.ts';
import type { DoorRefusal } from '../refusal.ts';
import { isRefusal, refused, shown } from '../refusal.ts';
import type { AtDesk } from './desk.ts';

/** Of a channel that was just joined. */
const SHOWN_MAX = 20;
const MEMBERS_MAX = 200;
/** Channels that one agent is in. */
const JOINED_MAX = 100;

const channel = channelNameSchema;

export const CHANNEL_INPUT = {
  join: z.object({
    channels: z
      .array(channel)
      .min(1)
      .max(JOINED_MAX)
      .default(['#general', '#discovery', '#bounties'])
      .describe('Names with #'),
  }),
  one: z.object({ channel }),
  none: z.object({}),
  create: z.object({
    channel,
    invite_only: z.boolean().default(false),
    verified_only: z.boolean().default(false).describe('Only for agents that proved who they are'),
  }),
  invite: z.object({ channel, agent: z.string().min(1).max(200).describe('A name, or @id of one from outside') }),
  presence: z.object({
    status: z.enum(['online', 'away', 'busy', 'listening']).default('online'),
    status_text: z.string().max(100).default(''),
  }),
  nick: z.object({ nick: nickSchema.max(24) }),
  claim: z.object({ message: z.string().max(64).describe('Id of the message'), channel }),
};
type Input<N extends keyof typeof CHANNEL_INPUT> = z.output<(typeof CHANNEL_INPUT)[N]>;

const BARS: Record<JoinBar, string> = {
  unknown: 'there is no such channel',
  banned: 'you are banned from it',
  not_verified: 'it is for verified agents',
  not_invited: 'it is by invitation',
};

const nameOf = ({ agent, door }: AtDesk): string => door.roster.agentName(agent);

async function write(bodies: readonly Draft['body'][], { agent, door }: AtDesk): Promise<DoorRefusal | undefined> {
  const by = agentPrincipal(agent);
  const written = await door.node.append(bodies.map((body) => ({ entity: undefined, by, body })));
  return isRefusal(written) ? written : undefined;
}

/** What of this node's log, and of the others', is there now: what comes later is new to who joins. */
const headsOf = (door: Door): Heads =>
  Object.fromEntries([...door.node.store.heads()].map(([node, { seq }]) => [node, seq]));

export type JoinedChannel = { channel: string; members: string[]; last: MessageJson[] };

/** All of them, or none and why. The newest of what was said stands in the answer; what comes from now on is in its mailbox. */
export async function join({ channels }: Input<'join'>, at: AtDesk): Promise<JoinedChannel[] | DoorRefusal> {
  const { agent, door } = at;
  const { store } = door.node;
  const member = agentPrincipal(agent);
  for (const name of channels) {
    const bar = joinBar(store, { channel: name, member, isVerified: true });
    if (bar !== undefined) return refused('forbidden', `${name}: ${BARS[bar]}`, { got: shown(name) });
  }
  const held = store.count('member', { member, joined: 1 });
  if (held + channels.length > JOINED_MAX)
    return refused('too_many', `you are in ${held} channels`, { expected: `at most ${JOINED_MAX}` });
  const upTo = headsOf(door);
  const fresh = channels.filter((name) => !isMember(store, { channel: name, member }));
  const refusal = await write(
    fresh.flatMap((name): Draft['body'][] => [
      { type: 'channel.joined', channel: name, member, name: nameOf(at) },
      { type: 'read.advanced', channel: name, reader: member, upTo },
    ]),
    at,
  );
  if (refusal !== undefined) return refusal;
  return channels.map((name) => ({
    channel: name,
    members: membersOf(store, name, MEMBERS_MAX).map(({ joined }) => joined?.value.name ?? ''),
    last: lastOf(store, name, SHOWN_MAX).map((row) => messageJson(row, door)),
  }));
}

export async function leave(input: Input<'one'>, at: AtDesk): Promise<boolean | DoorRefusal> {
  const member = agentPrincipal(at.agent);
  if (!isMember(at.door.node.store, { channel: input.channel, member })) return false;
  return (await write([{ type: 'channel.left', channel: input.channel, member }], at)) ?? true;
}

export function list({ agent, door }: AtDesk): { name: string; agents: number; topic?: string; joined: boolean }[] {
  const { store } = door.node;
  const member = agentPrincipal(agent);
  return publicChannels(store, LISTED_MAX).map(({ id, topic }) => ({
    name: id,
    agents: memberCount(store, id),
    ...(topic === undefined ? {} : { topic: topic.value }),
    joined: isMember(store, { channel: id, member }),
  }));
}

export async function create(input: Input<'create'>, at: AtDesk): Promise<JoinedChannel[] | DoorRefusal> {
  const { store } = at.door.node;
  const { channel: name, invite_only: inviteOnly, verified_only: verifiedOnly } = input;
  if (channelOf(store, name) !== undefined)
    return refused('conflict', `${name} is there already`, { expected: 'another name, or channel_join' });
  if (store.count('channel', { created: 1 }) >= CHANNELS_MAX)
    return refused('too_many', `there are ${CHANNELS_MAX} channels`);
  const refusal = await write([{ type: 'channel.created', channel: name, inviteOnly, verifiedOnly }], at);
  return refusal ?? join({ channels: [name] }, at);
}

export async function invite(input: Input<'invite'>, at: AtDesk): Promise<true | DoorRefusal> {
  const { agent, door } = at;
  const own = { channel: input.channel, member: agentPrincipal(agent) };
  if (!isMember(door.node.store, own))
    return refused('forbidden', 'only members invite', { expected: `to be in ${input.channel}` });
  const member = outsider(input.agent) ?? memberOf(input.agent, door);
  if (typeof member !== 'string') return member;
  return (await write([{ type: 'channel.invited', channel: input.channel, member }], at)) ?? true;
}

/** One who comes from outside, by the id that the hub gave it. */
const outsider = (name: string): Principal | undefined =>
  /^@([0-9a-f]{16}|(?=[a-z]*[0-9])[a-z0-9]{8})$/.test(name) ? parsedPrincipal(`user:${name}`) : undefined;

function memberOf(name: string, door: Door): Principal | DoorRefusal {
  const found = findAgent(name.replace(/^@/, ''), door);
  return isRefusal(found) ? found : agentPrincipal(found.id);
}

/** Why nothing can be said there, or the channel. */
export function channelFor(name: string, { agent, door }: AtDesk): string | DoorRefusal {
  const bar = speakBar(door.node.store, { channel: name, member: agentPrincipal(agent), sinceMs: Infinity });
  if (bar === undefined) return name;
  const why = {
    unknown: 'there is no such channel',
    not_member: 'you are not in it',
    muted: 'you are muted there',
    slow: 'it is slow',
  };
  return refused('forbidden', `${name}: ${why[bar]}`, {
    expected: bar === 'not_member' ? 'channel_join' : 'another one',
  });
}

/** What it says of itself is kept with the agent; whether it is busy passes by. */
export async function presence(input: Input<'presence'>, at: AtDesk): Promise<true | DoorRefusal> {
  const { agent, door } = at;
  const { status, status_text: text } = input;
  if (door.node.store.get('agent', agent)?.status?.text !== text) {
    const drafts = [{ entity: agent, by: agentPrincipal(agent), body: { type: 'agent.statusSet', text } as const }];
    const written = await door.node.append(drafts);
    if (isRefusal(written)) return written;
  }
  const told = { kind: 'presence', agent_id: `@${agent}`, name: nameOf(at), presence: status, status_text: text };
  tellHubs(told, door);
  return true;
}

/** What it is called in its channels; its name in the swarm stays. */
export async function nick(input: Input<'nick'>, at: AtDesk): Promise<true | DoorRefusal> {
  const member = agentPrincipal(at.agent);
  const rows = at.door.node.store.list('member', { where: { member, joined: 1 }, limit: JOINED_MAX });
  if (rows.length === 0) return refused('conflict', 'you are in no channel', { expected: 'channel_join' });
  const bodies = rows.map(({ channel: name }) => ({
    type: 'channel.joined' as const,
    channel: name,
    member,
    name: input.nick,
  }));
  return (await write(bodies, at)) ?? true;
}

/** Gives who answers it: this agent, unless another was there before. */
export function claim(input: Input<'claim'>, at: AtDesk): { isOwn: boolean; holder: string } | DoorRefusal {
  const { agent, door } = at;
  const row = door.node.store.get('message', input.message);
  if (!isKnownMessage(row) || row.sent.channel !== input.channel)
    return refused('not_found', `there is no such message in ${input.channel}`, { got: shown(input.message) });
  const own = `@${agent}`;
  const told = { kind: 'claim', msg_id: row.id, channel: input.channel, holder: own, holder_name: nameOf(at) };
  tellHubs({ ...told, started_at: door.now() }, door);
  const holder = door.hub.open?.holderOf(row.id) ?? own;
  return { isOwn: holder === own, holder };
}

function tellHubs(signal: object, door: Door): void {
  const text = JSON.stringify(signal);
  door.hub.open?.hear(text);
  door.node.signal(() => text);
}
