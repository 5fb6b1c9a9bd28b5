/** The messages of one agent that are open, in the order in which they are handed out: that of their stamps. In memory; what must outlast a stop is a row. */
import type { OpId } from '../brand.ts';
import type { Stamp } from '../op.ts';
import { compareStamps } from '../op.ts';

export type Letter = {
  readonly id: OpId;
  /** To which it was sent: its reader's own mailbox, or a channel that the reader is in. */
  readonly channel: string;
  /** Key of its local row: a message to a channel has one a reader. */
  readonly lease: string;
  readonly stamp: Stamp;
  readonly hops: number;
  /** Not before this moment, by the wall clock of this node. */
  readonly dueMs: number | null;
  /** How often it was handed out, also in earlier lives of this node. */
  deliveries: number;
  /** Since when it is with its reader; undefined while it is not. */
  leasedMs: number | undefined;
};

export class Mailbox {
  /** By stamp. */
  private readonly waiting: Letter[] = [];
  private readonly leased = new Map<OpId, Letter>();
  private readonly byId = new Map<OpId, Letter>();
  /** Not due yet, the earliest first. */
  private readonly later: Letter[] = [];

  /** Takes a message in, or back from its reader. One that is here already is left alone. */
  put(letter: Letter, wallMs: number): void {
    const isLater = letter.dueMs !== null && letter.dueMs > wallMs;
    const [list, order] = isLater ? [this.later, byDue] : [this.waiting, byStamp];
    if (this.byId.has(letter.id)) return;
    this.byId.set(letter.id, letter);
    list.splice(placeOf(list, letter, order), 0, letter);
  }

  /** Hands out at most `max`, the first ones. They stay here as leased until they are removed or put back. */
  take(max: number, nowMs: number): Letter[] {
    const taken = this.waiting.splice(0, max);
    for (const letter of taken) {
      letter.leasedMs = nowMs;
      letter.deliveries += 1;
      this.leased.set(letter.id, letter);
    }
    return taken;
  }

  get(id: OpId): Letter | undefined {
    return this.byId.get(id);
  }

  /** Takes out the leased ones that are meant; undefined: all. */
  release(ids: readonly OpId[] | undefined): Letter[] {
    const wanted = ids ?? [...this.leased.keys()];
    return wanted.flatMap((id) => {
      const letter = this.leased.get(id);
      if (letter === undefined) return [];
      this.leased.delete(id);
      this.byId.delete(id);
      letter.leasedMs = undefined;
      return [letter];
    });
  }

  /** Takes one out for good, wherever it is; undefined when it is not here. */
  remove(id: OpId): Letter | undefined {
    const held = this.byId.get(id);
    if (held === undefined || !this.byId.delete(id) || this.leased.delete(id)) return held;
    for (const list of [this.waiting, this.later]) {
      const at = list.indexOf(held);
      if (at !== -1) list.splice(at, 1);
    }
    return held;
  }

  /** Moves what is due to those that wait; gives when the next one is. */
  ripen(wallMs: number): number | undefined {
    for (let next = this.later[0]; next !== undefined && (next.dueMs ?? 0) <= wallMs; next = this.later[0]) {
      this.later.shift();
      this.waiting.splice(placeOf(this.waiting, next, byStamp), 0, next);
    }
    return this.later[0]?.dueMs ?? undefined;
  }

  /** All that is here, in no order. */
  all(): Letter[] {
    return [...this.byId.values()];
  }

  inHand(): Iterable<Letter> {
    return this.leased.values();
  }

  counts(): { waiting: number; leased: number; later: number } {
    return { waiting: this.waiting.length, leased: this.leased.size, later: this.later.length };
  }
}

const byStamp = (a: Letter, b: Letter): number => compareStamps(a.stamp, b.stamp);
const byDue = (a: Letter, b: Letter): number => (a.dueMs ?? 0) - (b.dueMs ?? 0) || byStamp(a, b);

/** Where the letter stands or belongs; most come last. */
function placeOf(list: readonly Letter[], letter: Letter, order: (a: Letter, b: Letter) => number): number {
  let [low, high] = [0, list.length];
  const last = list[high - 1];
  if (last !== undefined && order(last, letter) < 0) return high;
  while (low < high) {
    const middle = (low + high) >> 1;
    const one = list[middle];
    if (one !== undefined && order(one, letter) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
