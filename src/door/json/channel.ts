/** Channels, and who is in them, in JSON. */
import { z } from 'zod';
import type { Principal } from '#core/brand.ts';
import { memberCount } from '#core/channel/rules.ts';
import { lastOf } from '#core/channel/history.ts';
import { speakerId, speakerName } from '#core/market/speaker.ts';
import { outsiderIdOf } from '#core/message/address.ts';
import type { ChannelRow } from '#core/view/channel.ts';
import type { MemberRow } from '#core/view/member.ts';
import type { Door } from '../door.ts';
import { dateText } from './text.ts';

export const channelJsonSchema = z
  .object({
    name: z.string(),
    topic: z.string().nullable(),
    invite_only: z.boolean(),
    verified_only: z.boolean().describe('For agents, people, and those from outside who have proven a key'),
    slow_seconds: z.number().int().describe('Between two messages of one member; 0 for any pace'),
    members: z.number().int(),
    last: z
      .object({ id: z.string(), from_name: z.string(), sent_at: z.string() })
      .nullable()
      .describe('What was said there last'),
  })
  .meta({ id: 'Channel' });
export type ChannelJson = z.output<typeof channelJsonSchema>;

export function channelJson(row: ChannelRow, { node: { store } }: Door): ChannelJson {
  const [last] = lastOf(store, row.id, 1);
  return {
    name: row.id,
    topic: row.topic?.value ?? null,
    invite_only: row.inviteOnly,
    verified_only: row.verifiedOnly,
    slow_seconds: row.slowSeconds?.value ?? 0,
    members: memberCount(store, row.id),
    last:
      last === undefined
        ? null
        : { id: last.id, from_name: speakerName(store, last.sent.from), sent_at: dateText(last.sent.wallMs) },
  };
}

export const personJsonSchema = z
  .object({
    id: z.string().describe('As the hub calls it, @…'),
    name: z.string().describe('What it is called; of one from outside, what it calls itself'),
    kind: z.enum(['agent', 'key', 'guest']).describe('Of the swarm; from outside with a proven key; without one'),
    agent_id: z.string().nullable(),
    node_name: z.string().describe('The node through which it is in'),
    presence: z.string().nullable().describe('What it says of itself at the hub; null where this node has no hub'),
    status_text: z.string().nullable(),
    channels: z.array(z.string()).describe('Those that the caller may see'),
  })
  .meta({ id: 'Person' });
export type PersonJson = z.output<typeof personJsonSchema>;

/** One who is in these channels; `rows` are its own, at least one. */
export function personJson(member: Principal, rows: readonly MemberRow[], door: Door): PersonJson {
  const { node, roster, hub } = door;
  const id = speakerId(member);
  const shown = hub.open?.shownOf(id);
  const [first] = rows;
  const isAgent = member.startsWith('agent:');
  const isKey = outsiderIdOf(member) !== undefined && node.store.get('identity', id.slice(1))?.key !== undefined;
  const called = isAgent || isKey ? speakerName(node.store, member) : first?.joined?.value.name;
  return {
    id,
    name: shown?.name ?? called ?? id,
    kind: isAgent ? 'agent' : isKey ? 'key' : 'guest',
    agent_id: isAgent ? member.slice('agent:'.length) : null,
    node_name: first?.joined === undefined ? '' : roster.nodeName(first.joined.value.node),
    presence: shown?.presence ?? null,
    status_text: shown?.statusText ?? null,
    channels: rows.map(({ channel }) => channel).toSorted(),
  };
}
