/**
 * Rows that were read or written last, as committed. A decision about a task asks for its row a dozen times on every node that has to do with it, and
 * each time it would be found in the file and parsed anew.
 */

/** Rows of one generation. Twice as many are held at most: some megabytes of tasks, and more than are at work at once on a busy node. */
const GENERATION_MAX = 512;

/** Two generations: when the younger one is full, it becomes the older one, whose rows are let go unless they were asked for again. */
export class RowCache<Row> {
  private young = new Map<string, Row>();
  private old = new Map<string, Row>();

  get(key: string): Row | undefined {
    const young = this.young.get(key);
    if (young !== undefined) return young;
    const old = this.old.get(key);
    if (old !== undefined) this.set(key, old);
    return old;
  }

  /** Undefined: there is no such row now. */
  set(key: string, row: Row | undefined): void {
    this.old.delete(key);
    if (row === undefined) {
      this.young.delete(key);
      return;
    }
    if (this.young.size >= GENERATION_MAX) {
      this.old = this.young;
      this.young = new Map();
    }
    this.young.set(key, row);
  }

  clear(): void {
    this.young = new Map();
    this.old = new Map();
  }
}
