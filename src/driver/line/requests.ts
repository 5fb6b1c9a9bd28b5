/** Requests that a sound tool answers at once, whatever its model does: a tool that leaves one of them unanswered for long hangs. */
import { z } from 'zod';

const REQUEST_MAX_MS = 60_000;

const message = z.looseObject({ id: z.union([z.string(), z.number()]), method: z.string().optional() });

export class Requests {
  readonly #methods: ReadonlySet<string>;
  readonly #limitMs: number;
  readonly #late: (method: string, limitMs: number) => void;
  readonly #open = new Map<string | number, NodeJS.Timeout>();

  /** `late`: called for each that was not answered in time. */
  constructor(o: {
    methods: readonly string[];
    late: (method: string, limitMs: number) => void;
    limitMs?: number | undefined;
  }) {
    this.#methods = new Set(o.methods);
    this.#limitMs = o.limitMs ?? REQUEST_MAX_MS;
    this.#late = o.late;
  }

  /** A line that is being written to the tool. */
  wrote(line: string): void {
    if (this.#methods.size === 0) return;
    const { id, method } = read(line) ?? {};
    if (id === undefined || method === undefined || !this.#methods.has(method)) return;
    const late = (): void => {
      if (this.#open.delete(id)) this.#late(method, this.#limitMs);
    };
    this.#open.set(id, setTimeout(late, this.#limitMs).unref());
  }

  /** A line of the tool; it is looked at only while something waits for an answer. */
  heard(line: string): void {
    if (this.#open.size === 0) return;
    const { id, method } = read(line) ?? {};
    if (id === undefined || method !== undefined) return;
    clearTimeout(this.#open.get(id));
    this.#open.delete(id);
  }

  /** Nothing is waited for any more. */
  stop(): void {
    for (const timer of this.#open.values()) clearTimeout(timer);
    this.#open.clear();
  }
}

function read(line: string): z.output<typeof message> | undefined {
  try {
    return message.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}
