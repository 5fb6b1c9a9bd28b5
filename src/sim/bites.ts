/** How often faults bit in a run of many histories: a knob that is turned on and never bites tests nothing. */
import type { StormKnobs } from './storm-knobs.ts';
import type { Verdict } from './storm.ts';

export type Bites = Map<string, number>;

/** Adds a history's to a run's. */
export function addBites(sum: Bites, { bites }: Pick<Verdict, 'bites'>): void {
  for (const [fault, count] of Object.entries(bites)) sum.set(fault, (sum.get(fault) ?? 0) + count);
}

/** The faults that these knobs turn on and that never bit. Meaningful over some dozen histories: the rarest comes once in ten. */
export function idleFaults(sum: Bites, knobs: StormKnobs): string[] {
  const off = new Set([
    ...(knobs.deathProbability === 0 ? ['deaths'] : []),
    ...(knobs.hangProbability === 0 ? ['hung'] : []),
    ...(knobs.optimisticProbability === 0 ? ['ranTwice'] : []),
    ...(knobs.rollbacks === 0 ? ['rollbacks', 'forgotten'] : []),
    ...(knobs.messages === 0 ? ['handed', 'redelivered', 'failedTurns', 'readerCrashes'] : []),
    ...(knobs.seals === 0 ? ['seals', 'sealedOps'] : []),
    // Where all are linked there are no trees.
    ...(knobs.nodes <= knobs.fullLinksMax ? ['grafts', 'prunes'] : []),
  ]);
  return [...sum].filter(([fault, count]) => count === 0 && !off.has(fault)).map(([fault]) => fault);
}
