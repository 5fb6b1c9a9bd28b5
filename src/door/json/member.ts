/** One who is in a channel, was asked into it, or was shut out of it, as its operators see it. */
import { z } from 'zod';
import { speakerId, speakerName } from '#core/market/speaker.ts';
import type { MemberRow } from '#core/view/member.ts';
import type { Door } from '../door.ts';

export const memberJsonSchema = z
  .object({
    id: z.string().describe('As the hub calls it, @…'),
    name: z.string(),
    agent_id: z.string().nullable(),
    node_name: z.string().nullable().describe('The node through which it is in'),
    joined: z.boolean(),
    invited: z.boolean(),
    banned: z.boolean(),
    muted: z.boolean(),
    operator: z
      .boolean()
      .describe('May kick, ban, mute, invite and set topic and pace; so may whoever made the channel'),
  })
  .meta({ id: 'Member' });
export type MemberJson = z.output<typeof memberJsonSchema>;

export function memberJson(row: MemberRow, { node: { store }, roster }: Door): MemberJson {
  const { member, joined, channel } = row;
  const isIn = joined?.value.in === true;
  return {
    id: speakerId(member),
    name: isIn ? joined.value.name : speakerName(store, member),
    agent_id: member.startsWith('agent:') ? member.slice('agent:'.length) : null,
    node_name: isIn ? roster.nodeName(joined.value.node) : null,
    joined: isIn,
    invited: row.invited?.value ?? false,
    banned: row.banned?.value ?? false,
    muted: row.muted?.value ?? false,
    operator: row.role?.value === 'operator' || store.get('channel', channel)?.created?.value === member,
  };
}
