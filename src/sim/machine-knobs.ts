/** How a simulated machine is: its disk, its holder, its lease. */
import type { DiskKnobs } from './disk.ts';
import type { HolderKnobs } from './holder.ts';

export type MachineKnobs = HolderKnobs &
  DiskKnobs & {
    /** Silence after which a voter may call an attempt lost. */
    leaseMs: number;
    /** How often the machine, with its holder, goes down with the node. */
    holderDiesProbability: number;
  };
