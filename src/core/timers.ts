/** Deadlines by name, without a clock: the caller says what time it is. Setting a name again moves it. */
type Entry = { name: string; atMs: number };

/** The heap is made anew when it holds this many times the names that are set: a deadline that is moved leaves a stale entry behind. */
const STALE_FACTOR = 4;
const STALE_FLOOR = 64;

export class Timers {
  /** Binary heap by time; entries whose time differs from `current` are stale and skipped when they come to the top. */
  private heap: Entry[] = [];
  private readonly current = new Map<string, number>();

  set(name: string, atMs: number): void {
    if (this.current.get(name) === atMs) return;
    this.current.set(name, atMs);
    if (this.heap.length >= STALE_FLOOR + STALE_FACTOR * this.current.size) this.rebuild();
    else this.push({ name, atMs });
  }

  /** Sets the name only if it is not set or set later. */
  setEarlier(name: string, atMs: number): void {
    const held = this.current.get(name);
    if (held === undefined || held > atMs) this.set(name, atMs);
  }

  clear(name: string): void {
    this.current.delete(name);
  }

  has(name: string): boolean {
    return this.current.has(name);
  }

  /** When the next one is due; undefined when none is set. */
  nextMs(): number | undefined {
    this.dropStale();
    return this.heap[0]?.atMs;
  }

  /** Takes out and returns the names due at `nowMs`, earliest first. */
  due(nowMs: number): string[] {
    const names: string[] = [];
    for (this.dropStale(); ; this.dropStale()) {
      const top = this.heap[0];
      if (top === undefined || top.atMs > nowMs) return names;
      this.pop();
      this.current.delete(top.name);
      names.push(top.name);
    }
  }

  /** Entries held, stale ones included. */
  entries(): number {
    return this.heap.length;
  }

  private rebuild(): void {
    this.heap = [];
    for (const [name, atMs] of this.current) this.push({ name, atMs });
  }

  private dropStale(): void {
    for (let top = this.heap[0]; top !== undefined && this.current.get(top.name) !== top.atMs; top = this.heap[0])
      this.pop();
  }

  private push(entry: Entry): void {
    const { heap } = this;
    let index = heap.push(entry) - 1;
    while (index > 0) {
      const parentIndex = (index - 1) >> 1;
      const parent = heap[parentIndex];
      if (parent === undefined || parent.atMs <= entry.atMs) break;
      heap[index] = parent;
      index = parentIndex;
    }
    heap[index] = entry;
  }

  private pop(): void {
    const { heap } = this;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let index = 0;
    for (;;) {
      const left = index * 2 + 1;
      const a = heap[left];
      const b = heap[left + 1];
      const [child, childIndex] = b !== undefined && a !== undefined && b.atMs < a.atMs ? [b, left + 1] : [a, left];
      if (child === undefined || child.atMs >= last.atMs) break;
      heap[index] = child;
      index = childIndex;
    }
    heap[index] = last;
  }
}
