/** The index over messages without an index: it looks at all of them, and gives the answers of the one on disk. */
import { isOpenToAll } from '#core/channel/rules.ts';
import { compareStamps } from '#core/op.ts';
import type { Hit, IndexAnswer, IndexQuery } from '#core/search/message-index.ts';
import { placeAt, placesOf } from '#core/search/message-index.ts';
import { holds } from '#core/search/found.ts';
import type { KnownMessage } from '#core/view/message.ts';
import { isKnownMessage } from '#core/view/message.ts';
import type { Views } from '#core/view/views.ts';

export function findInMemory(views: Views, query: IndexQuery): IndexAnswer {
  const [from, to] = placesOf(query);
  const rows = views.list('message', { limit: Number.MAX_SAFE_INTEGER }).filter(isKnownMessage);
  const ordered = rows.toSorted((a, b) => a.sent.wallMs - b.sent.wallMs || compareStamps(a.sent.stamp, b.sent.stamp));
  const hits: Hit[] = [];
  let last = -1;
  for (const row of ordered) {
    last = Math.max(placeAt(row.sent.wallMs), last + 1);
    if (last >= from && last < to && matches(views, query, row)) hits.push({ id: row.id, place: last });
  }
  return { hits: hits.toReversed().slice(0, query.limit), left: 0 };
}

function matches(views: Views, { terms, from, channel, reach }: IndexQuery, { sent }: KnownMessage): boolean {
  if (from !== undefined && !from.includes(sent.from)) return false;
  if (channel !== undefined && sent.channel !== channel) return false;
  const isReached =
    reach === undefined ||
    reach.by === sent.from ||
    reach.channels.includes(sent.channel) ||
    (sent.channel.startsWith('#') && isOpenToAll(views, sent.channel));
  return isReached && holds(typeof sent.text === 'string' ? sent.text : sent.text.head, terms);
}
