/** What the workloads read, folded from ops: a set of values, and keys with a value each. */
import { canonicalJson } from '#core/canonical.ts';
import { z } from 'zod';

/** Values that were broadcast or added; each is in it once. */
export class GrowingSet {
  private readonly held = new Map<string, unknown>();

  add(value: unknown): void {
    this.held.set(canonicalJson(value), value);
  }

  values(): unknown[] {
    return [...this.held.values()];
  }
}

const id = z.string().min(1).max(128);
const value = z.json();

/** One operation on a key. `id` makes it one, however often it is decided. */
export const commandSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('read'), id, key: value }),
  z.object({ kind: z.literal('write'), id, key: value, value }),
  z.object({ kind: z.literal('cas'), id, key: value, from: value, to: value, create: z.boolean() }),
]);
export type Command = z.output<typeof commandSchema>;

export type Outcome = { kind: 'done' } | { kind: 'value'; value: unknown } | { kind: 'missing' } | { kind: 'differs' };

export class KeyValues {
  private readonly held = new Map<string, unknown>();
  private readonly seen = new Set<string>();

  /** Undefined, and nothing changed, for a command that was carried out before. */
  apply(command: Command): Outcome | undefined {
    if (this.seen.has(command.id)) return undefined;
    this.seen.add(command.id);
    const key = canonicalJson(command.key);
    switch (command.kind) {
      case 'read':
        return this.held.has(key) ? { kind: 'value', value: this.held.get(key) } : { kind: 'missing' };
      case 'write':
        this.held.set(key, command.value);
        return { kind: 'done' };
      case 'cas': {
        const isNew = !this.held.has(key);
        if (isNew && !command.create) return { kind: 'missing' };
        if (!isNew && canonicalJson(this.held.get(key)) !== canonicalJson(command.from)) return { kind: 'differs' };
        this.held.set(key, command.to);
        return { kind: 'done' };
      }
    }
  }

  hasSeen(command: Command): boolean {
    return this.seen.has(command.id);
  }
}
