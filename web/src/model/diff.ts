/** A patch, line by line, by what each line is. */
export type DiffKind = 'file' | 'hunk' | 'add' | 'del' | 'same';
export type DiffLine = { key: number; kind: DiffKind; text: string };

/** Lines that are drawn; a browser gets slow beyond. */
export const DIFF_LINES_MAX = 5_000;

const KINDS: readonly (readonly [DiffKind, RegExp])[] = [
  ['file', /^(diff|index|new file|deleted file|similarity|rename|old mode|new mode|--- |\+\+\+ )/],
  ['hunk', /^@@/],
  ['add', /^\+/],
  ['del', /^-/],
];

/** `isCut`: there are more lines than are drawn. */
export function diffLines(text: string): { lines: DiffLine[]; isCut: boolean } {
  const all = text.replace(/\n$/, '').split('\n');
  const lines = all.slice(0, DIFF_LINES_MAX).map((line, key) => {
    const kind = KINDS.find(([, pattern]) => pattern.test(line))?.[0] ?? 'same';
    return { key, kind, text: line };
  });
  return { lines, isCut: all.length > DIFF_LINES_MAX };
}
