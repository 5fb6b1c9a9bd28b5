/** Deadlines by name, without a clock: the caller says what time it is. Setting a name again moves it. */
import { Heap } from './heap.ts';

type Entry = { name: string; atMs: number };

/** The heap is made anew when it holds this many times the names that are set: a deadline that is moved leaves a stale entry behind. */
const STALE_FACTOR = 4;
const STALE_FLOOR = 64;

export class Timers {
  /** By time; entries whose time differs from `current` are stale and skipped when they come to the top. */
  private readonly heap = new Heap<Entry>((a, b) => a.atMs < b.atMs);
  private readonly current = new Map<string, number>();

  set(name: string, atMs: number): void {
    if (this.current.get(name) === atMs) return;
    this.current.set(name, atMs);
    if (this.heap.size >= STALE_FLOOR + STALE_FACTOR * this.current.size) this.rebuild();
    else this.heap.push({ name, atMs });
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
    return this.heap.top()?.atMs;
  }

  /** Takes out and returns the names due at `nowMs`, earliest first. */
  due(nowMs: number): string[] {
    const names: string[] = [];
    for (this.dropStale(); ; this.dropStale()) {
      const top = this.heap.top();
      if (top === undefined || top.atMs > nowMs) return names;
      this.heap.pop();
      this.current.delete(top.name);
      names.push(top.name);
    }
  }

  /** Entries held, stale ones included. */
  entries(): number {
    return this.heap.size;
  }

  private rebuild(): void {
    this.heap.clear();
    for (const [name, atMs] of this.current) this.heap.push({ name, atMs });
  }

  private dropStale(): void {
    for (let top = this.heap.top(); top !== undefined && this.current.get(top.name) !== top.atMs; top = this.heap.top())
      this.heap.pop();
  }
}
