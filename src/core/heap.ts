/** A binary heap: the first of its entries by an order, in logarithmic time. */
export class Heap<T> {
  #entries: T[] = [];
  readonly #isBefore: (a: T, b: T) => boolean;

  /** `isBefore`: strict; of two entries that are equal by it, either may come first. */
  constructor(isBefore: (a: T, b: T) => boolean) {
    this.#isBefore = isBefore;
  }

  get size(): number {
    return this.#entries.length;
  }

  /** The first; undefined when there is none. */
  top(): T | undefined {
    return this.#entries[0];
  }

  clear(): void {
    this.#entries = [];
  }

  push(entry: T): void {
    const entries = this.#entries;
    let index = entries.push(entry) - 1;
    while (index > 0) {
      const parentIndex = (index - 1) >> 1;
      const parent = entries[parentIndex];
      if (parent === undefined || !this.#isBefore(entry, parent)) break;
      entries[index] = parent;
      index = parentIndex;
    }
    entries[index] = entry;
  }

  /** Takes the first out. */
  pop(): void {
    const entries = this.#entries;
    const last = entries.pop();
    if (last === undefined || entries.length === 0) return;
    let index = 0;
    for (;;) {
      const left = index * 2 + 1;
      const a = entries[left];
      const b = entries[left + 1];
      const isRight = a !== undefined && b !== undefined && this.#isBefore(b, a);
      const child = isRight ? b : a;
      if (child === undefined || !this.#isBefore(child, last)) break;
      entries[index] = child;
      index = isRight ? left + 1 : left;
    }
    entries[index] = last;
  }
}
