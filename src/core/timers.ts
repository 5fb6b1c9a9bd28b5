/** Deadlines by name, without a clock: the caller says what time it is. Setting a name again moves it. */
type Entry = { name: string; atMs: number };

export class Timers {
  /** Binary heap by time; entries whose time differs from `current` are stale and skipped when they come to the top. */
  private readonly heap: Entry[] = [];
  private readonly current = new Map<string, number>();

  set(name: string, atMs: number): void {
    if (this.current.get(name) === atMs) return;
    this.current.set(name, atMs);
    this.push({ name, atMs });
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
