/**
 * An index over what messages say: a fold of the log like a view, but one that is made when somebody looks for something, and not before. Newest first is by
 * the clocks of those who wrote, which is how people remember; nothing is decided by it.
 */
import type { OpId, Principal } from '../brand.ts';
import type { Term } from './query.ts';
import type { Reach } from './reader.ts';

export type IndexQuery = {
  terms: readonly Term[];
  /** Any of them. */
  from: readonly Principal[] | undefined;
  channel: string | undefined;
  afterMs: number | undefined;
  beforeMs: number | undefined;
  reach: Reach;
  /** Those that stand below this place alone: a page goes on after the last of the page before. */
  below: number | undefined;
  limit: number;
};

/** `place` is higher for what was written later; no two have the same. It belongs to this node. */
export type Hit = { id: OpId; place: number };

/** `left`: ops that the index has not looked at yet; it goes on by itself, and a later search finds what is in them. */
export type IndexAnswer = { hits: readonly Hit[]; left: number };

export interface MessageIndex {
  /** Newest first. Looks at what came since it was asked last, before it answers; where that is much, it answers with what it has. */
  findMessages(query: IndexQuery): Promise<IndexAnswer>;
}

/** Messages of one millisecond. */
const PER_MS = 1_024;
/** So that a place is a whole number that JavaScript holds. */
const WALL_MAX_MS = 2 ** 43 - 1;

/** The first place of a moment. */
export const placeAt = (wallMs: number): number => Math.min(Math.max(0, Math.floor(wallMs)), WALL_MAX_MS) * PER_MS;

/** The places of a query: from the first, and up to just before the second. */
export function placesOf({ afterMs, beforeMs, below }: IndexQuery): readonly [from: number, to: number] {
  const before = beforeMs === undefined ? Number.MAX_SAFE_INTEGER : placeAt(beforeMs);
  return [afterMs === undefined ? 0 : placeAt(afterMs), Math.min(before, below ?? Number.MAX_SAFE_INTEGER)];
}
