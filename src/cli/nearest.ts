/** The known word that a mistyped one was most likely meant to be. */

/** More changes than this and two words have nothing to do with one another. */
const CHANGES_MAX = 3;

/** Nearest of `words` by the number of letters to change, or undefined when none is near. */
export function nearest(typed: string, words: readonly string[]): string | undefined {
  let best: { word: string; changes: number } | undefined;
  for (const word of words) {
    const changes = distance(typed.toLowerCase(), word.toLowerCase());
    if (best === undefined || changes < best.changes) best = { word, changes };
  }
  const most = Math.min(CHANGES_MAX, Math.ceil(typed.length / 2));
  return best !== undefined && best.changes <= most ? best.word : undefined;
}

/** Levenshtein's distance, one row at a time. */
function distance(a: string, b: string): number {
  let before = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let row = 1; row <= a.length; row++) {
    const now = [row];
    for (let column = 1; column <= b.length; column++) {
      const change = (before[column - 1] ?? 0) + (a[row - 1] === b[column - 1] ? 0 : 1);
      now.push(Math.min(change, (before[column] ?? 0) + 1, (now[column - 1] ?? 0) + 1));
    }
    before = now;
  }
  return before[b.length] ?? 0;
}
