/**
 * How often this node voted, proposed and started: a number that only grows, on disk in the commit of what it counts. Other nodes keep the
 * highest they heard of each node. A node whose disk went back in time shows a lower one than they know: votes are no ops, so heads alone
 * could not tell.
 */
import { z } from 'zod';
import type { NodeId } from './brand.ts';
import { nodeIdOf } from './brand.ts';
import type { LocalRow, LocalTable } from './local.ts';
import type { Turn } from './turn.ts';

/** What must not be forgotten: each row is a promise to others, or a start. */
const COUNTED: ReadonlySet<LocalTable> = new Set<LocalTable>(['vote', 'proposal', 'start']);

/** What was heard of others is written with the next commit; where none comes, after this time. */
export const COUNTS_MS = 1_000;

const OWN = 'count';
const keyOf = (node: NodeId): string => `${OWN}/${node}`;
const countSchema = z.number().int().nonnegative();

export class Counts {
  private count = 0;
  private writtenCount = 0;
  private readonly heardOf = new Map<NodeId, number>();
  private readonly unwritten = new Set<NodeId>();
  /** Something heard waits for a commit. */
  private readonly onHeard: () => void;

  constructor(rows: readonly { key: string; value: unknown }[], onHeard: () => void) {
    this.onHeard = onHeard;
    for (const { key, value } of rows) {
      const count = countSchema.safeParse(value);
      if (!count.success) continue;
      if (key === OWN) this.count = this.writtenCount = count.data;
      else if (key.startsWith(`${OWN}/`)) this.heardOf.set(nodeIdOf(key.slice(OWN.length + 1)), count.data);
    }
  }

  /** Of this node, as it will be on disk before anything sent now leaves. */
  own(): number {
    return this.count;
  }

  /** The highest that node ever told, as far as heard here; 0 where nothing was heard. */
  of(node: NodeId): number {
    return this.heardOf.get(node) ?? 0;
  }

  persisted(row: LocalRow): void {
    if (row.value !== undefined && COUNTED.has(row.table)) this.count += 1;
  }

  heard(node: NodeId, count: number | undefined): void {
    if (count === undefined || count <= this.of(node)) return;
    this.heardOf.set(node, count);
    this.unwritten.add(node);
    this.onHeard();
  }

  /** Adds to a turn that is about to be written the own count, if it has changed. */
  addTo(turn: Turn): void {
    if (this.count !== this.writtenCount) {
      turn.rows.push({ table: 'meta', key: OWN, value: this.count });
      this.writtenCount = this.count;
    }
  }

  /** Adds to the turn what was heard, whether anything else is written or not. */
  write(turn: Turn): void {
    for (const node of this.unwritten) turn.rows.push({ table: 'meta', key: keyOf(node), value: this.of(node) });
    this.unwritten.clear();
  }
}
