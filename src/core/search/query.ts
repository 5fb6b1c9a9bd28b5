/** What is looked for, read from the line that somebody typed. Whatever the line holds, it is a query or a refusal that says what is wrong with it. */
import type { Refusal } from '../refusal.ts';
import { refusal } from '../refusal.ts';
import { wordsIn } from './words.ts';

/** A line longer than this is a text, and no query. */
export const QUERY_MAX_CHARS = 256;
/** Each is a walk through a list of the index. */
const TERMS_MAX = 16;
/** Each gathers the lists of all words that begin so. */
const PREFIXES_MAX = 4;
/** Shorter beginnings are those of half of all words. */
const PREFIX_MIN_CHARS = 3;

/** Words that follow one another. `isPrefix`: the last one may go on. `isExcluded`: messages that hold it are not wanted. */
export type Term = { words: readonly string[]; isPrefix: boolean; isExcluded: boolean };

export type SearchQuery = {
  terms: readonly Term[];
  /** As they were typed: names that a door looks up. */
  from: string | undefined;
  in: string | undefined;
  /** From this moment on, and up to just before that one. */
  afterMs: number | undefined;
  beforeMs: number | undefined;
};

const PIECE = /(-?)(?:(from|in|before|after):)?(?:"([^"]*)("?)(\*?)|([^\s"]+))/gi;
const WITHOUT_NAME = /^(from|in|before|after):$/i;
const ENDS_OPEN = /[\p{L}\p{N}\p{M}]\*+$/u;
const DATE = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2})?)?$/;

const EXPECTED = 'words, "a phrase", begin*, -without, from:NAME, in:#channel, after:2026-11-01, before:2026-11-27';

const wrong = (message: string, got: string): Refusal =>
  refusal('invalid', message, { expected: EXPECTED, got: got.slice(0, 80) });

/** Words and phrases all have to be there. Words in capitals and signs mean nothing but themselves. */
export function parseSearch(line: string): SearchQuery | Refusal {
  if (line.length > QUERY_MAX_CHARS)
    return refusal('too_large', 'this is too long for a search', {
      expected: `at most ${QUERY_MAX_CHARS} characters`,
      got: `${line.length}`,
    });
  const terms: Term[] = [];
  const filters = new Map<string, string>();
  for (const match of line.replaceAll(/[“”„«»]/g, '"').matchAll(PIECE)) {
    const [whole, minus = '', key, quoted, closing, star, plain = ''] = match;
    if (quoted !== undefined && closing === '') return wrong('a quotation mark is not closed', whole);
    const text = quoted ?? plain;
    if (key !== undefined || WITHOUT_NAME.test(plain)) {
      const problem = key === undefined || text === '' ? 'a name is missing' : filterProblem(key, minus, filters);
      if (problem !== undefined || key === undefined) return wrong(problem ?? 'a name is missing', whole);
      filters.set(key.toLowerCase(), text);
      continue;
    }
    const isPrefix = quoted === undefined ? ENDS_OPEN.test(plain) : star === '*';
    const words = wordsIn(text).map(({ word }) => word);
    if (words.length > 0) terms.push({ words, isPrefix, isExcluded: minus === '-' });
  }
  return checked(terms, filters, line);
}

const filterProblem = (key: string, minus: string, filters: ReadonlyMap<string, string>): string | undefined => {
  const name = key.toLowerCase();
  if (minus === '-') return `${name}: cannot be excluded`;
  return filters.has(name) ? `${name}: is said once` : undefined;
};

function checked(terms: readonly Term[], filters: ReadonlyMap<string, string>, line: string): SearchQuery | Refusal {
  if (terms.reduce((sum, { words }) => sum + words.length, 0) > TERMS_MAX)
    return refusal('too_large', 'these are too many words for a search', { expected: `at most ${TERMS_MAX}` });
  const prefixes = terms.filter(({ isPrefix }) => isPrefix);
  if (prefixes.length > PREFIXES_MAX)
    return refusal('too_large', 'too many words are left open by *', { expected: `at most ${PREFIXES_MAX}` });
  const short = prefixes.find(({ words }) => Array.from(words.at(-1) ?? '').length < PREFIX_MIN_CHARS);
  if (short !== undefined)
    return wrong(`at least ${PREFIX_MIN_CHARS} letters stand before *`, `${short.words.join(' ')}*`);
  const [from, place] = [filters.get('from'), filters.get('in')];
  if (terms.every(({ isExcluded }) => isExcluded) && from === undefined && place === undefined)
    return wrong('there is nothing to look for: a word, from: or in: is expected', line);
  const [afterMs, beforeMs] = [momentOf(filters.get('after')), momentOf(filters.get('before'))];
  if (Number.isNaN(afterMs) || Number.isNaN(beforeMs))
    return refusal('invalid', 'a date is not one', {
      expected: '2026-11-27 or 2026-11-27T09:30Z, as Coordinated Universal Time',
      got: filters.get(Number.isNaN(afterMs) ? 'after' : 'before') ?? '',
    });
  return { terms, from, in: place, afterMs, beforeMs };
}

/** NaN for what is no date. Without a time it is the beginning of that day, without a zone it is UTC. */
function momentOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const match = DATE.exec(text);
  if (match === null) return Number.NaN;
  return Date.parse(match[1] === undefined || match[4] !== undefined ? text : `${text}Z`);
}
