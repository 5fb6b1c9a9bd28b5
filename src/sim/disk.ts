/** How long the disk of a simulated machine takes for a write. */
import type { Random } from './random.ts';

export type DiskKnobs = {
  diskMinMs: number;
  diskMaxMs: number;
  /** How often a write takes up to {@link SLOW_WRITE_MAX_MS}. */
  slowDiskProbability: number;
};

/** Longer than a round of votes waits. */
const SLOW_WRITE_MAX_MS = 3_000;

export class SimDisk {
  private readonly random: Random;
  private readonly knobs: DiskKnobs;
  /** How often a write was slow. */
  slowWrites = 0;

  constructor(o: { random: Random; knobs: DiskKnobs }) {
    this.random = o.random;
    this.knobs = o.knobs;
  }

  writeMs(): number {
    const { random, knobs } = this;
    const slow = random.chance(knobs.slowDiskProbability);
    if (slow) this.slowWrites += 1;
    return random.between(knobs.diskMinMs, slow ? SLOW_WRITE_MAX_MS : knobs.diskMaxMs);
  }
}
