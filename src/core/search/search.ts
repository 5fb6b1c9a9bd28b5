/** One page of the messages that somebody looks for: what an index finds, as far as he may read it, newest first or the best of the newest. */
import type { Principal } from '../brand.ts';
import type { KnownMessage } from '../view/message.ts';
import { isKnownMessage } from '../view/message.ts';
import type { Views } from '../view/views.ts';
import type { Snippet } from './found.ts';
import { scoreOf, snippetOf } from './found.ts';
import type { IndexQuery, MessageIndex } from './message-index.ts';
import type { SearchQuery } from './query.ts';
import type { Reader } from './reader.ts';
import { mayRead, reachOf } from './reader.ts';

/** On one page. */
export const PAGE_MAX = 100;
/** Hits that one page looks at: where most of them are not for this reader it is short, and goes on. */
const SCANNED_MAX = 2_000;
/** The best are looked for among so many of the newest that were found. */
const RANKED_MAX = 500;

export type Sort = 'newest' | 'best';

export type Asked = {
  query: SearchQuery;
  /** Whom `from:` means, and which channel `in:`; undefined where it was not said. */
  from: readonly Principal[] | undefined;
  channel: string | undefined;
  reader: Reader;
  sort: Sort;
  limit: number;
  /** `next` of the page before. */
  cursor: SearchCursor | undefined;
};

/** `skipped`: of the best, those that were shown. */
export type SearchCursor = { below: number; skipped: number };

export type FoundMessage = { row: KnownMessage; snippet: Snippet };

/** `left`: as {@link MessageIndex} says. */
export type FoundPage = { found: FoundMessage[]; next: SearchCursor | undefined; left: number };

const textOf = ({ sent: { text } }: KnownMessage): string => (typeof text === 'string' ? text : text.head);

export async function searchMessages(store: Views & MessageIndex, asked: Asked): Promise<FoundPage> {
  const { query, sort, limit } = asked;
  const shown = ({ row }: Placed): FoundMessage => ({ row, snippet: snippetOf(textOf(row), query.terms) });
  if (sort === 'newest') {
    const { found, end, left } = await newest(store, asked, limit);
    return { found: found.map(shown), next: end === undefined ? undefined : { below: end, skipped: 0 }, left };
  }
  const { found, left } = await newest(store, asked, RANKED_MAX);
  const best = found
    .map((one) => ({ ...one, score: scoreOf(textOf(one.row), query.terms) }))
    .toSorted((a, b) => b.score - a.score || b.place - a.place);
  const skipped = asked.cursor?.skipped ?? 0;
  const page = best.slice(skipped, skipped + limit);
  const top = found[0]?.place;
  const isMore = top !== undefined && skipped + limit < best.length;
  return { found: page.map(shown), next: isMore ? { below: top + 1, skipped: skipped + limit } : undefined, left };
}

type Placed = { row: KnownMessage; place: number };

/** `end`: the place of the last that was looked at; undefined where nothing is below it. */
async function newest(
  store: Views & MessageIndex,
  asked: Asked,
  limit: number,
): Promise<{ found: Placed[]; end: number | undefined; left: number }> {
  const { query, from, channel, reader, cursor } = asked;
  const size = Math.min(limit + 1, SCANNED_MAX);
  const rest = { terms: query.terms, from, channel, afterMs: query.afterMs, beforeMs: query.beforeMs };
  const index = { ...rest, reach: reachOf(store, reader), limit: size } satisfies Omit<IndexQuery, 'below'>;
  const found: Placed[] = [];
  let below = cursor?.below;
  for (let scanned = 0; scanned < SCANNED_MAX; scanned += size) {
    const { hits, left } = await store.findMessages({ ...index, below });
    for (const { id, place } of hits) {
      if (found.length === limit) return { found, end: below, left };
      below = place;
      const row = store.get('message', id);
      // What is no more there is not found.
      if (isKnownMessage(row) && mayRead(store, reader, row)) found.push({ row, place });
    }
    if (hits.length < size) return { found, end: undefined, left };
    if (scanned + size >= SCANNED_MAX) return { found, end: below, left };
  }
  return { found, end: below, left: 0 };
}

const CURSOR = /^([0-9]{1,16})\.([0-9]{1,4})$/;

export const searchCursorText = ({ below, skipped }: SearchCursor): string => `${below}.${skipped}`;

/** Undefined for a text that is no cursor. */
export function parseSearchCursor(text: string): SearchCursor | undefined {
  const [, below, skipped] = CURSOR.exec(text) ?? [];
  return below === undefined || skipped === undefined ? undefined : { below: Number(below), skipped: Number(skipped) };
}
