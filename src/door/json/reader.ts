/** What became of one message at each of its readers, as far as this node knows. */
import { z } from 'zod';
import type { OpId, Principal } from '#core/brand.ts';
import { parsedOpId, userPrincipal } from '#core/brand.ts';
import { covers } from '#core/channel/history.ts';
import { membersOf } from '#core/channel/rules.ts';
import { speakerId, speakerName } from '#core/market/speaker.ts';
import { homeOf, OPERATOR_CHANNEL, readerOf } from '#core/message/address.ts';
import { isHandled, leaseOf } from '#core/message/lease.ts';
import { compareStamps } from '#core/op.ts';
import { cursorId } from '#core/view/cursor.ts';
import type { MemberRow } from '#core/view/member.ts';
import type { KnownMessage } from '#core/view/message.ts';
import { messageState, outcomeOf } from '#core/view/message.ts';
import type { Door } from '../door.ts';

/** Readers of one message that are told. */
const READERS_MAX = 1_000;

export const readerJsonSchema = z
  .object({
    id: z.string().describe('As the hub calls it, @…; of a webhook its id'),
    name: z.string(),
    kind: z.enum(['agent', 'outsider', 'people', 'webhook']),
    state: z
      .enum(['read', 'delivered', 'open', 'sent', 'bounced', 'later'])
      .describe(
        'read: handled, or passed by its cursor; delivered: handed out; open: not yet; sent: at the hub of another node, which alone knows; later: joined after it',
      ),
    reason: z.string().nullable().describe('Why it bounced, or why a webhook does not get it'),
  })
  .meta({ id: 'Reader' });
export type ReaderJson = z.output<typeof readerJsonSchema>;
type State = Pick<ReaderJson, 'state' | 'reason'>;

const plain = (state: ReaderJson['state']): State => ({ state, reason: null });

/** Of a channel: all that are in it now but who wrote it, and webhooks of this node. */
export function readersJson(row: KnownMessage, door: Door): ReaderJson[] {
  const { channel, from } = row.sent;
  if (!channel.startsWith('#')) return [onlyReader(row, door)];
  const members = membersOf(door.node.store, channel, READERS_MAX).filter(({ member }) => member !== from);
  const readers = members.map((one): ReaderJson => {
    const { member } = one;
    const name = one.joined?.value.name ?? speakerName(door.node.store, member);
    const kind = member.startsWith('agent:') ? 'agent' : 'outsider';
    return { id: speakerId(member), name, kind, ...stateAt(row, one, door) };
  });
  return [...readers, ...(door.webhooks.open?.readersOf(row) ?? [])];
}

function stateAt(row: KnownMessage, { member, joined }: MemberRow, door: Door): State {
  const { channel, stamp } = row.sent;
  const { node } = door;
  if (joined !== undefined && compareStamps(joined.stamp, stamp) > 0) return plain('later');
  const cursor = node.store.get('cursor', cursorId({ reader: member, channel }))?.upTo ?? {};
  if (member.startsWith('agent:'))
    return agentState(row, parsedOpId(member.slice('agent:'.length)), covers(cursor, row), door);
  if (covers(cursor, row)) return plain('read');
  // A session here was in the channel when it came: it was told.
  const isHere = joined?.value.node === node.info.self && door.hub.open?.shownOf(speakerId(member)).name !== undefined;
  return plain(isHere ? 'delivered' : 'sent');
}

function agentState(row: KnownMessage, agent: OpId, isCovered: boolean, { node }: Door): State {
  const outcome = row.outcomes[agent];
  if (outcome?.kind === 'bounced') return { state: 'bounced', reason: outcome.reason };
  if (isCovered || outcome !== undefined) return plain('read');
  if (homeOf(agent) !== node.info.self) return plain('open');
  const lease = node.store.localRow('lease', leaseOf(row.id, agent, row.sent.channel));
  if (isHandled(lease)) return plain('read');
  return plain(lease === undefined ? 'open' : 'delivered');
}

function onlyReader(row: KnownMessage, door: Door): ReaderJson {
  const { channel } = row.sent;
  const { node, roster } = door;
  const agent = readerOf(channel);
  if (agent !== undefined) {
    const outcome = outcomeOf(row);
    const state = agentState(row, agent, outcome?.kind === 'acknowledged', door);
    return { id: channel, name: roster.agentName(agent), kind: 'agent', ...state };
  }
  if (channel === OPERATOR_CHANNEL)
    return { id: channel, name: 'operator', kind: 'people', ...plain(messageState(row) === 'open' ? 'open' : 'read') };
  const reader: Principal = userPrincipal(channel);
  const cursor = node.store.get('cursor', cursorId({ reader, channel }))?.upTo ?? {};
  const name = speakerName(node.store, reader);
  return { id: channel, name, kind: 'outsider', ...plain(covers(cursor, row) ? 'delivered' : 'open') };
}
