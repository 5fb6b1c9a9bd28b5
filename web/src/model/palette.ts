/** What can be gone to or done by typing a few letters of it. */
export type Entry = {
  /** Unique in the list. */
  key: string;
  kind: 'Page' | 'Action' | 'Agent' | 'Task';
  title: string;
  /** What distinguishes it from others of that title; found by, too. */
  hint: string;
};

/** More than a person reads before typing another letter. */
const SHOWN_MAX = 30;
const KINDS: readonly Entry['kind'][] = ['Page', 'Action', 'Agent', 'Task'];

/** Entries that hold every word, best first: a title that begins so, then a word of it that does, then the rest; pages and actions before agents and tasks. */
export function found<T extends Entry>(entries: readonly T[], text: string): T[] {
  const wanted = text
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '');
  const ranked: { entry: T; rank: number; at: number }[] = [];
  for (const [at, entry] of entries.entries()) {
    const rank = rankOf(entry, wanted);
    if (rank !== undefined) ranked.push({ entry, rank, at });
  }
  return ranked
    .toSorted((a, b) => a.rank - b.rank || KINDS.indexOf(a.entry.kind) - KINDS.indexOf(b.entry.kind) || a.at - b.at)
    .slice(0, SHOWN_MAX)
    .map(({ entry }) => entry);
}

function rankOf({ title, hint }: Entry, wanted: readonly string[]): number | undefined {
  const name = title.toLowerCase();
  const all = `${name} ${hint.toLowerCase()}`;
  if (!wanted.every((word) => all.includes(word))) return undefined;
  const [first = ''] = wanted;
  if (name.startsWith(first)) return 0;
  if (name.includes(` ${first}`)) return 1;
  return name.includes(first) ? 2 : 3;
}
