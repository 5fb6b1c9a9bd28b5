/** Where in a text the terms of a query stand: for the piece of it that is shown, and for the order of the best. */
import type { Term } from './query.ts';
import type { Word } from './words.ts';
import { wordsIn } from './words.ts';

/** From and to, in UTF-16 units of the text. */
export type Span = readonly [start: number, end: number];

/** What is shown of a message. Marks are places in the text, never tags within it: whoever shows it decides how. */
export type Snippet = { text: string; marks: readonly Span[] };

const SNIPPET_CHARS = 200;
/** Shown before the first place that was found. */
const LEAD_CHARS = 60;
/** Of BM25: how soon more of a word counts no more, how much a long text loses, and words of a usual message. */
const [SATURATION, LENGTH_WEIGHT, USUAL_WORDS] = [1.2, 0.75, 20];
/** A text's place among the best is found by its beginning. */
const SCORED_CHARS = 4_000;

function placesOf({ words: wanted, isPrefix }: Term, words: readonly Word[]): Span[] {
  const found: Span[] = [];
  for (let at = 0; at + wanted.length <= words.length; at += 1) {
    const isHere = wanted.every((one, offset) => {
      const word = words[at + offset]?.word ?? '';
      return isPrefix && offset === wanted.length - 1 ? word.startsWith(one) : word === one;
    });
    const [first, last] = [words[at], words[at + wanted.length - 1]];
    if (isHere && first !== undefined && last !== undefined) found.push([first.start, last.end]);
  }
  return found;
}

const wantedOf = (terms: readonly Term[]): Term[] => terms.filter(({ isExcluded }) => !isExcluded);

/** All that is wanted is there, and nothing that is not. */
export function holds(text: string, terms: readonly Term[]): boolean {
  const words = wordsIn(text);
  return terms.every((term) => placesOf(term, words).length > 0 !== term.isExcluded);
}

/** Higher where more of the text is what was looked for: BM25 without the rarity of words, since all of them are in each text. */
export function scoreOf(text: string, terms: readonly Term[]): number {
  const words = wordsIn(text.slice(0, SCORED_CHARS));
  const length = 1 - LENGTH_WEIGHT + LENGTH_WEIGHT * (words.length / USUAL_WORDS);
  return wantedOf(terms).reduce((sum, term) => {
    const count = placesOf(term, words).length;
    return sum + (count * (SATURATION + 1)) / (count + SATURATION * length);
  }, 0);
}

/** The piece of the text around the first place, in one line. */
export function snippetOf(text: string, terms: readonly Term[]): Snippet {
  const words = wordsIn(text);
  const spans = joined(wantedOf(terms).flatMap((term) => placesOf(term, words)));
  const lead = Math.max(0, (spans[0]?.[0] ?? 0) - LEAD_CHARS);
  const from = lead === 0 ? 0 : (words.find(({ start }) => start >= lead)?.start ?? lead);
  const room = from + SNIPPET_CHARS;
  const to =
    text.length <= room ? text.length : (words.findLast(({ end, start }) => end <= room && start >= from)?.end ?? room);
  const [head, tail] = [from > 0 ? '… ' : '', to < text.length ? ' …' : ''];
  const marks = spans
    .filter(([start]) => start >= from && start < to)
    .map(([start, end]): Span => [start - from + head.length, Math.min(end, to) - from + head.length]);
  // A pair of surrogates that was cut in two is no text.
  const piece = text
    .slice(from, to)
    .replaceAll(/\s/g, ' ')
    .replaceAll(/\p{Surrogate}/gu, '\ufffd');
  return { text: `${head}${piece}${tail}`, marks };
}

/** In order, and those that overlap as one. */
function joined(spans: readonly Span[]): Span[] {
  const all: Span[] = [];
  for (const span of spans.toSorted(([a], [b]) => a - b)) {
    const last = all.at(-1);
    if (last !== undefined && span[0] < last[1]) all[all.length - 1] = [last[0], Math.max(last[1], span[1])];
    else all.push(span);
  }
  return all;
}
