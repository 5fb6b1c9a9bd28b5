/** How lists that a node holds whole are searched: tasks, at a node and in the page, and skills. Messages have an index, `core/search/`. */

/** The words of a search, in lower case. */
export const wordsOf = (text: string): string[] =>
  text
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '');

/** True when each of the words, which are in lower case, stands somewhere in the texts. */
export function holdsAll(texts: readonly string[], words: readonly string[]): boolean {
  const text = texts.join('\n').toLowerCase();
  return words.every((word) => text.includes(word));
}
