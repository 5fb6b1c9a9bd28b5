/** A query in the language of FTS5. It is made from words that were split before, each in quotation marks: nothing that somebody typed is read as syntax. */
import type { IndexQuery } from '#core/search/message-index.ts';
import type { Term } from '#core/search/query.ts';

/** Of what is said in channels that anybody may join, as far as that was known. */
export const OPEN = 'open';

/** Names of channels and speakers as single words of letters and digits. */
export const nameWord = (name: string): string => `x${Buffer.from(name).toString('hex')}`;

const quoted = (text: string): string => `"${text.replaceAll('"', '""')}"`;

const termText = ({ words, isPrefix }: Term): string => `text : ${quoted(words.join(' '))}${isPrefix ? ' *' : ''}`;

const anyOf = (column: 'place' | 'who', words: readonly string[]): string =>
  `${column} : (${words.map(quoted).join(' OR ')})`;

/** Undefined where nothing can match. */
export function matchText({ terms, from, channel, reach }: IndexQuery): string | undefined {
  if (from?.length === 0) return undefined;
  const parts = terms.filter(({ isExcluded }) => !isExcluded).map(termText);
  if (channel !== undefined) parts.push(anyOf('place', [nameWord(channel)]));
  if (from !== undefined) parts.push(anyOf('who', from.map(nameWord)));
  if (reach !== undefined) {
    const places = anyOf('place', [OPEN, ...reach.channels.map(nameWord)]);
    parts.push(reach.by === undefined ? places : `(${places} OR ${anyOf('who', [nameWord(reach.by)])})`);
  }
  if (parts.length === 0) return undefined;
  const excluded = terms.filter(({ isExcluded }) => isExcluded).map(termText);
  const wanted = `(${parts.join(' AND ')})`;
  return excluded.length === 0 ? wanted : `${wanted} NOT (${excluded.join(' OR ')})`;
}
