/** What operators do to channels and to who is in them: the same as operators of a channel do at the hub. */
import { z } from 'zod';
import type { Principal } from '#core/brand.ts';
import { agentPrincipal, userPrincipal } from '#core/brand.ts';
import { CHANNELS_MAX, channelOf } from '#core/channel/rules.ts';
import type { Draft } from '#core/op.ts';
import { channelNameSchema } from '#core/schema/channel-body.ts';
import type { ChannelRow } from '#core/view/channel.ts';
import type { Door } from '../door.ts';
import { channelJson, channelJsonSchema } from '../json/channel.ts';
import { memberJson, memberJsonSchema } from '../json/member.ts';
import { findAgent } from '../lookup.ts';
import { MODERATIONS, moderationBody } from '../message/moderation.ts';
import type { DoorRefusal } from '../refusal.ts';
import { isRefusal, refused, shown } from '../refusal.ts';
import type { Route } from '../route.ts';
import { jsonRoute } from '../route.ts';
import { none } from './input.ts';

const TOPIC_MAX_CHARS = 300;
const REASON_MAX_CHARS = 200;
const PAUSE_MAX_S = 86_400;
/** Rows of one channel that are told. */
const MEMBERS_MAX = 5_000;

const nameParams = z.object({ name: z.string().min(1).max(33).describe('With or without #') });
const seconds = z.number().int().min(0).max(PAUSE_MAX_S).describe('Between two messages of one member');

const findChannel = (name: string, { node }: Door): ChannelRow | DoorRefusal =>
  channelOf(node.store, name.startsWith('#') ? name : `#${name}`) ??
  refused('not_found', 'there is no such channel', { got: shown(name) });

/** An agent by name or id; one from outside by the id that the hub gave it, also while it is away. */
function findMember(name: string, door: Door): Principal | DoorRefusal {
  if (/^@([0-9a-f]{16}|(?=[a-z]*[0-9])[a-z0-9]{8})$/.test(name)) return userPrincipal(name);
  const agent = findAgent(name.replace(/^@/, ''), door);
  return isRefusal(agent) ? agent : agentPrincipal(agent.id);
}

async function write(bodies: readonly Draft['body'][], by: Principal, door: Door): Promise<DoorRefusal | undefined> {
  const written = await door.node.append(bodies.map((body) => ({ entity: undefined, by, body })));
  return isRefusal(written) ? written : undefined;
}

const create = jsonRoute({
  method: 'POST',
  path: '/api/channels',
  summary: 'Make a channel',
  action: 'channel.manage',
  params: none,
  query: none,
  body: z.object({
    name: channelNameSchema,
    topic: z.string().max(TOPIC_MAX_CHARS).default(''),
    invite_only: z.boolean().default(false),
    verified_only: z.boolean().default(false),
    slow_seconds: seconds.default(0),
  }),
  answer: channelJsonSchema,
  status: 201,
  handle: async ({ body, by, door }) => {
    const { name: channel, topic } = body;
    const { store } = door.node;
    if (channelOf(store, channel) !== undefined)
      return refused('conflict', `${channel} is there already`, { expected: 'another name', got: channel });
    if (store.count('channel', { created: 1 }) >= CHANNELS_MAX)
      return refused('too_many', `there are ${CHANNELS_MAX} channels`);
    const made = { channel, inviteOnly: body.invite_only, verifiedOnly: body.verified_only };
    const refusal = await write(
      [
        { type: 'channel.created', ...made },
        ...(topic === '' ? [] : [{ type: 'channel.topicSet', channel, topic } as const]),
        ...(body.slow_seconds === 0 ? [] : [{ type: 'channel.slowSet', channel, seconds: body.slow_seconds } as const]),
      ],
      by,
      door,
    );
    if (refusal !== undefined) return refusal;
    const row = findChannel(channel, door);
    return isRefusal(row) ? row : channelJson(row, door);
  },
});

const members = jsonRoute({
  method: 'GET',
  path: '/api/channels/{name}/members',
  summary: 'Who is in it, was asked into it, or was shut out of it',
  action: 'message.read',
  params: nameParams,
  query: none,
  body: none,
  answer: z.array(memberJsonSchema),
  status: 200,
  handle: ({ params: { name }, door }) => {
    const channel = findChannel(name, door);
    if (isRefusal(channel)) return channel;
    const rows = door.node.store.list('member', { where: { channel: channel.id }, limit: MEMBERS_MAX });
    const all = rows.map((row) => memberJson(row, door));
    return all.filter((one) => one.joined || one.invited || one.banned || one.muted || one.operator);
  },
});

const invite = jsonRoute({
  method: 'POST',
  path: '/api/channels/{name}/invite',
  summary: 'Ask somebody into a channel; it may join from then on',
  action: 'channel.manage',
  params: nameParams,
  query: none,
  body: z.object({ member: z.string().min(1).max(200).describe('An agent, or @id of one from outside') }),
  answer: z.object({ channel: z.string(), member: z.string() }),
  status: 200,
  handle: async ({ params: { name }, body, by, door }) => {
    const channel = findChannel(name, door);
    if (isRefusal(channel)) return channel;
    const member = findMember(body.member, door);
    if (typeof member !== 'string') return member;
    const refusal = await write([{ type: 'channel.invited', channel: channel.id, member }], by, door);
    return refusal ?? { channel: channel.id, member: body.member };
  },
});

const moderate = jsonRoute({
  method: 'POST',
  path: '/api/channels/{name}/moderate',
  summary: 'Kick, ban, mute somebody, make it an operator of the channel, or undo that; set topic and pace',
  action: 'channel.manage',
  params: nameParams,
  query: none,
  body: z.object({
    action: z.enum(MODERATIONS),
    member: z.string().min(1).max(200).optional().describe('An agent, or @id of one from outside'),
    reason: z.string().max(REASON_MAX_CHARS).optional(),
    topic: z.string().max(TOPIC_MAX_CHARS).optional(),
    seconds: seconds.optional(),
  }),
  answer: channelJsonSchema,
  status: 200,
  handle: async ({ params: { name }, body, by, door }) => {
    const channel = findChannel(name, door);
    if (isRefusal(channel)) return channel;
    const member = body.member === undefined ? undefined : findMember(body.member, door);
    if (member !== undefined && typeof member !== 'string') return member;
    const draft = moderationBody({ ...body, channel: channel.id, member });
    if (draft === undefined)
      return refused('invalid', `${body.action} does not say whom, what or how long`, {
        expected: body.action === 'topic' ? 'topic' : body.action === 'slow' ? 'seconds' : 'member',
      });
    const refusal = await write([draft], by, door);
    if (refusal !== undefined) return refusal;
    const row = findChannel(channel.id, door);
    return isRefusal(row) ? row : channelJson(row, door);
  },
});

export const channelActRoutes: readonly Route[] = [create, members, invite, moderate];
