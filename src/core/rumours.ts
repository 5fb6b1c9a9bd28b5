/** News of members that still has to go round: it rides on probes and answers, the least told first, each so often as reaches everybody. */
import type { NodeId } from './brand.ts';
import type { Rumour } from './schema/frame.ts';

/** As memberlist: told this many times the number of decimal digits of the swarm, every node hears it. */
const RETELL = 4;
/** Rumours on one frame. */
export const RUMOURS_MAX = 8;

export class Rumours {
  private readonly told = new Map<NodeId, { rumour: Rumour; times: number }>();

  /** The newest word about a node takes the place of the older one. */
  add(rumour: Rumour): void {
    this.told.set(rumour.node, { rumour, times: 0 });
  }

  /** What the next frame should carry; `members`: how many nodes there are. */
  take(members: number): Rumour[] {
    const timesMax = RETELL * Math.ceil(Math.log10(members + 2));
    const picked = [...this.told.values()].toSorted((a, b) => a.times - b.times).slice(0, RUMOURS_MAX);
    for (const entry of picked) {
      entry.times += 1;
      if (entry.times >= timesMax) this.told.delete(entry.rumour.node);
    }
    return picked.map(({ rumour }) => rumour);
  }
}
