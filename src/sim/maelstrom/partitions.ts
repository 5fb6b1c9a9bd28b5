/** The partitions that Maelstrom's nemesis makes: one node alone, a minority, or a ring in which each node sees a majority and no two the same. */
import type { Random } from '../random.ts';

export type Cut = (from: string, to: string) => boolean;

export const PARTITIONS = ['one', 'minority', 'ring'] as const;
export type PartitionKind = (typeof PARTITIONS)[number];

export function partitionOf(kind: PartitionKind, names: readonly string[], random: Random): Cut {
  const mixed = names.map((name) => ({ name, rank: random.unit() })).toSorted((a, b) => a.rank - b.rank);
  const order = mixed.map(({ name }) => name);
  switch (kind) {
    case 'one':
      return apart(new Set(order.slice(0, 1)));
    case 'minority':
      return apart(new Set(order.slice(0, Math.floor((order.length - 1) / 2))));
    case 'ring':
      return ring(order);
  }
}

const apart =
  (some: ReadonlySet<string>): Cut =>
  (from, to) =>
    some.has(from) !== some.has(to);

/** Each sees so many on both sides of it that with itself they are a majority. */
function ring(order: readonly string[]): Cut {
  const reach = Math.ceil(Math.floor(order.length / 2) / 2);
  return (from, to) => {
    const distance = Math.abs(order.indexOf(from) - order.indexOf(to));
    return Math.min(distance, order.length - distance) > reach;
  };
}
