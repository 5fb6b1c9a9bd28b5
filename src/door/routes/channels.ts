/** Channels and who is in them, as the page shows them. What is said there is among the messages. */
import { z } from 'zod';
import { channelOf, isOpenToAll, LISTED_MAX, membersOf, publicChannels } from '#core/channel/rules.ts';
import { allowed } from '#core/policy.ts';
import { channelNameSchema } from '#core/schema/channel-body.ts';
import type { MemberRow } from '#core/view/member.ts';
import type { DoorCaller } from '../caller.ts';
import { hereNow } from '../company.ts';
import type { Door } from '../door.ts';
import { channelJson, channelJsonSchema, personJson, personJsonSchema } from '../json/channel.ts';
import { refused, shown } from '../refusal.ts';
import type { Route } from '../route.ts';
import { jsonRoute } from '../route.ts';
import { none, queryNumber } from './input.ts';

/** Channels of one answer: each is looked into for what was said last. */
const LIST_MAX = 1_000;
const LIST_DEFAULT = 200;
/** Memberships that one answer is made from. */
const MEMBERS_MAX = 5_000;

const list = jsonRoute({
  method: 'GET',
  path: '/api/channels',
  summary: 'Channels, those that are always there first; by invitation only for operators',
  action: 'channel.read',
  params: none,
  query: z.object({
    limit: queryNumber({ min: 1, max: LIST_MAX, default: LIST_DEFAULT }),
    offset: queryNumber({ min: 0, max: LISTED_MAX, default: 0 }),
  }),
  body: none,
  answer: z.array(channelJsonSchema),
  status: 200,
  handle: ({ query: { limit, offset }, caller, door }) => {
    const { store } = door.node;
    const open = publicChannels(store, LISTED_MAX);
    const closed = seesClosed(caller)
      ? store.list('channel', { where: { created: 1, public: 0 }, limit: LISTED_MAX })
      : [];
    return [...open, ...closed].slice(offset, offset + limit).map((row) => channelJson(row, door));
  },
});

const people = jsonRoute({
  method: 'GET',
  path: '/api/channels/people',
  summary: 'Who is in a channel now, or in any, as far as this node knows',
  action: 'channel.read',
  params: none,
  query: z.object({ channel: channelNameSchema.optional() }),
  body: none,
  answer: z.array(personJsonSchema),
  status: 200,
  handle: ({ query: { channel }, caller, door }) => {
    const { store } = door.node;
    const mayKnow = (name: string): boolean => isOpenToAll(store, name) || seesClosed(caller);
    if (channel !== undefined && (channelOf(store, channel) === undefined || !mayKnow(channel)))
      return refused('not_found', 'there is no such channel', { got: shown(channel) });
    const rows = channel === undefined ? membersOfAll(door) : membersOf(store, channel, MEMBERS_MAX);
    const seen = rows.filter(hereNow(door)).filter((row) => mayKnow(row.channel));
    return [...Map.groupBy(seen, ({ member }) => member)].map(([member, own]) => personJson(member, own, door));
  },
});

const seesClosed = (caller: DoorCaller | undefined): boolean => allowed(caller, 'message.read');

/** Of each node those who came through it. */
function membersOfAll({ node: { store }, roster }: Door): MemberRow[] {
  const rows: MemberRow[] = [];
  for (const { id } of roster.nodes())
    rows.push(...store.list('member', { where: { node: id, joined: 1 }, limit: MEMBERS_MAX - rows.length }));
  return rows;
}

export const channelRoutes: readonly Route[] = [list, people];
