import type { Entry } from '../../../src/core/schema/transcript.ts';

/** Entries in their order, each as it was told last. */
export function mergeEntries(held: readonly Entry[], told: readonly Entry[]): readonly Entry[] {
  if (told.length === 0) return held;
  const byPlace = new Map(held.map((entry) => [entry.n, entry]));
  for (const entry of told) {
    const before = byPlace.get(entry.n);
    if (before === undefined || before.change <= entry.change) byPlace.set(entry.n, entry);
  }
  return [...byPlace.values()].toSorted((a, b) => a.n - b.n);
}
