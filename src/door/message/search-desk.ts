/** Looking for messages, whichever door one came by. Who it is, and so what it may find, comes from the door. */
import { z } from 'zod';
import type { OpId, Principal } from '#core/brand.ts';
import { agentPrincipal, userPrincipal } from '#core/brand.ts';
import { mailboxOf, OPERATOR_CHANNEL } from '#core/message/address.ts';
import { parseSearch } from '#core/search/query.ts';
import type { Reader } from '#core/search/reader.ts';
import { mayReadChannel } from '#core/search/reader.ts';
import type { FoundPage } from '#core/search/search.ts';
import { PAGE_MAX, parseSearchCursor, searchMessages } from '#core/search/search.ts';
import type { Door } from '../door.ts';
import { findAgent } from '../lookup.ts';
import type { DoorRefusal } from '../refusal.ts';
import { isRefusal, refused, shown } from '../refusal.ts';

/** Keys of one name that are looked for. */
const NAMESAKES_MAX = 16;
const PAGE_DEFAULT = 20;
const CURSOR_MAX_CHARS = 32;

const SYNTAX =
  'Words that are all in the message; "a phrase", begin*, -without, from:NAME, in:#channel, after:2026-11-01, before:2026-11-27';

/** `max` bounds what is looked at at all; a query that is too long is told so in its own words. */
const query = z.string().max(10_000).describe(SYNTAX);
const sort = z.enum(['newest', 'best']);
const cursor = z.string().max(CURSOR_MAX_CHARS).nullish().describe('next of the page before');

export const SEARCH_INPUT = z.object({
  query,
  sort: sort.default('newest').describe('best: of the newest that are found, those that say most of it'),
  limit: z.number().int().min(1).max(PAGE_MAX).default(PAGE_DEFAULT),
  cursor,
});
export type SearchInput = z.output<typeof SEARCH_INPUT>;
export const searchSortSchema = sort;
export const searchTextSchema = query;

export const agentReader = (agent: OpId): Reader => ({
  by: agentPrincipal(agent),
  mailbox: mailboxOf(agent),
  isVerified: true,
});

export async function search(
  { query: line, sort: order, limit, cursor: at }: SearchInput,
  { reader, door }: { reader: Reader; door: Door },
): Promise<FoundPage | DoorRefusal> {
  const parsed = parseSearch(line);
  if (isRefusal(parsed)) return parsed;
  const place = typeof at === 'string' ? parseSearchCursor(at) : undefined;
  if (typeof at === 'string' && place === undefined)
    return refused('invalid', 'this is no cursor of a search', { expected: 'next of the page before', got: shown(at) });
  const channel = parsed.in === undefined ? undefined : channelOf(parsed.in, reader, door);
  if (isRefusal(channel)) return channel;
  const from = parsed.from === undefined ? undefined : authorsOf(parsed.from, door);
  return searchMessages(door.node.store, { query: parsed, from, channel, reader, sort: order, limit, cursor: place });
}

/** All whom a name may mean: agents, people, keys that came to a hub. One that nobody has finds nothing. */
function authorsOf(name: string, door: Door): Principal[] {
  const bare = name.replace(/^@/, '');
  const agents = door.roster.agents().filter(({ id, registered }) => id === bare || registered.name === bare);
  const one = agents.length === 0 ? findAgent(bare, door) : undefined;
  const short = one === undefined || isRefusal(one) ? [] : [one];
  const keys = door.node.store.list('identity', { where: { name: bare.toLowerCase() }, limit: NAMESAKES_MAX });
  return [
    ...[...agents, ...short].map(({ id }) => agentPrincipal(id)),
    ...keys.map(({ id }) => userPrincipal(`@${id}`)),
    userPrincipal(bare),
    userPrincipal(`@${bare}`),
  ];
}

/** A channel that this one may not read is none to it. */
function channelOf(name: string, reader: Reader, door: Door): string | DoorRefusal {
  const { store } = door.node;
  if (name.startsWith('#')) {
    if (mayReadChannel(store, reader, name)) return name;
    return refused('not_found', 'there is no such channel', { got: shown(name) });
  }
  if (reader === 'viewer')
    return refused('forbidden', 'a viewer reads what is said in open channels', { expected: 'in:#channel' });
  if (name === 'operator') return OPERATOR_CHANNEL;
  if (name.startsWith('@') && (store.get('identity', name.slice(1))?.key !== undefined || isOwn(name, reader)))
    return name;
  const agent = findAgent(name.replace(/^@/, ''), door);
  return isRefusal(agent) ? agent : mailboxOf(agent.id);
}

const isOwn = (name: string, reader: Reader): boolean => typeof reader === 'object' && reader.mailbox === name;
