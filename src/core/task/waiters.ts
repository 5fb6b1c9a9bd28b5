/** Which pending tasks wait for which others, in memory: the end of a task finds its dependents without reading all that wait. */
import type { OpId } from '../brand.ts';
import type { TaskRow } from '../view/task.ts';
import type { Views } from '../view/views.ts';
import { isPending } from './fit.ts';

/** Rows read a time at boot. */
const PAGE = 500;

export class Waiters {
  private readonly byDependency = new Map<OpId, Set<OpId>>();

  /** Reads what waits from the views, once, at boot; returns it. */
  load(views: Views): OpId[] {
    const found: OpId[] = [];
    for (let offset = 0; ; offset += PAGE) {
      const rows = views.list('task', { where: { waits: 1 }, limit: PAGE, offset });
      for (const row of rows) {
        this.update(row);
        found.push(row.id);
      }
      if (rows.length < PAGE) return found;
    }
  }

  /** Takes a task's new row in: it waits for others while it is pending, and no longer. */
  update(row: TaskRow): void {
    for (const other of row.created?.dependsOn ?? []) {
      const waiting = this.byDependency.get(other) ?? new Set<OpId>();
      if (isPending(row)) waiting.add(row.id);
      else waiting.delete(row.id);
      if (waiting.size > 0) this.byDependency.set(other, waiting);
      else this.byDependency.delete(other);
    }
  }

  /** Tasks that depend on this one and are pending. */
  on(task: OpId): OpId[] {
    return [...(this.byDependency.get(task) ?? [])];
  }
}
