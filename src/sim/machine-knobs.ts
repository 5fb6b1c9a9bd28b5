/** How one simulated machine is, and how a node on it is set. */
import type { CoreSettings } from '#core/world.ts';
import type { DiskKnobs } from './disk.ts';
import type { HolderKnobs } from './holder.ts';

export type MachineKnobs = HolderKnobs &
  DiskKnobs & {
    /** Silence after which a voter may call an attempt lost. */
    leaseMs: number;
    /** Members above which nodes keep links to a few neighbours only. */
    fullLinksMax: number;
    /** How often the machine, with its holder, goes down with the node. */
    holderDiesProbability: number;
  };

/** Simulated nodes have every path and project. */
export const settingsOf = (o: Pick<MachineKnobs, 'leaseMs' | 'fullLinksMax'>): CoreSettings => ({
  votersMax: 5,
  leaseMs: o.leaseMs,
  fullLinksMax: o.fullLinksMax,
  hasPath: () => true,
  hasProject: () => true,
});
