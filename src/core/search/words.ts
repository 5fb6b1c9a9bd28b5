/** Words of a text, as an index keeps them and as a query names them: both sides ask here, so they always agree. */

export type Word = { word: string; start: number; end: number };

/**
 * Letters and digits in a row; of scripts that set no blanks between words, and of pictures, each sign by itself. Marks stay with the letter that they
 * stand on.
 */
const WORD =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]|(?:(?![\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}])[\p{L}\p{N}\p{M}])+|\p{Extended_Pictographic}|\p{Regional_Indicator}+/gu;
const PLAIN_WORD = /[A-Za-z0-9]+/g;
const BEYOND_ASCII = /[\u0080-\uffff]/;
/** Accents of Latin, Greek and Cyrillic letters: `é` is found as `e`, as people type it. */
const ACCENTS = /[\u0300-\u036f]/g;

/** In lower case, without accents, in one form of Unicode. */
const folded = (word: string): string =>
  word.normalize('NFKD').toLowerCase().normalize('NFKD').replace(ACCENTS, '').normalize('NFC').replaceAll('ς', 'σ');

/** In their order, with the place of each in the text as it stands. */
export function wordsIn(text: string): Word[] {
  const isPlain = !BEYOND_ASCII.test(text);
  const found: Word[] = [];
  for (const match of text.matchAll(isPlain ? PLAIN_WORD : WORD)) {
    const [raw] = match;
    const word = isPlain ? raw.toLowerCase() : folded(raw);
    if (word !== '') found.push({ word, start: match.index, end: match.index + raw.length });
  }
  return found;
}
