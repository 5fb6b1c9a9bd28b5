/** A query in the language of FTS5. It is made from words that were split before, each in quotation marks: nothing that somebody typed is read as syntax. */
import type { IndexQuery } from '#core/search/message-index.ts';
import type { Term } from '#core/search/query.ts';

/** Of what is said in channels that anybody may join, as far as that was known. */
export const OPEN = 'open';

/** Names of channels and speakers as single words of letters and digits. */
export const nameWord = (name: string): string => `x${Buffer.from(name).toString('hex')}`;

const quoted = (text: string): string => `"${text.replaceAll('"', '""')}"`;

/** The words that begin so and are in the index; undefined where they are too many to name. */
type WordsFrom = (beginning: string) => readonly string[] | undefined;

/**
 * A word that goes on is asked for as each of the words that it can be: their lists are then read as far as a page needs them, where FTS5 would gather
 * them whole. Of too many it has to.
 */
function termText({ words, isPrefix }: Term, wordsFrom: WordsFrom): string {
  const last = words.at(-1) ?? '';
  const begun = isPrefix ? wordsFrom(last) : [last];
  if (begun === undefined) return `text : ${quoted(words.join(' '))} *`;
  // What begins no word is itself a word that is nowhere.
  const texts = (begun.length === 0 ? [last] : begun).map((one) => quoted([...words.slice(0, -1), one].join(' ')));
  return `text : (${texts.join(' OR ')})`;
}

const anyOf = (column: 'place' | 'who', words: readonly string[]): string =>
  `${column} : (${words.map(quoted).join(' OR ')})`;

/** Undefined where nothing can match. */
export function matchText(query: IndexQuery, wordsFrom: WordsFrom): string | undefined {
  const { terms, from, channel, reach } = query;
  const textOf = (term: Term): string => termText(term, wordsFrom);
  if (from?.length === 0) return undefined;
  const parts = terms.filter(({ isExcluded }) => !isExcluded).map(textOf);
  if (channel !== undefined) parts.push(anyOf('place', [nameWord(channel)]));
  if (from !== undefined) parts.push(anyOf('who', from.map(nameWord)));
  if (reach !== undefined) {
    const places = anyOf('place', [OPEN, ...reach.channels.map(nameWord)]);
    parts.push(reach.by === undefined ? places : `(${places} OR ${anyOf('who', [nameWord(reach.by)])})`);
  }
  if (parts.length === 0) return undefined;
  const excluded = terms.filter(({ isExcluded }) => isExcluded).map(textOf);
  const wanted = `(${parts.join(' AND ')})`;
  return excluded.length === 0 ? wanted : `${wanted} NOT (${excluded.join(' OR ')})`;
}
