/** Appending from a door: one op in the caller's name, and names that only one may take. */
import type { Draft } from '#core/op.ts';
import type { Arrival } from '#ports.ts';
import type { Door } from './door.ts';
import type { DoorRefusal } from './refusal.ts';
import { isRefusal, refused, shown } from './refusal.ts';

/** Appends one op and waits until it is on disk. */
export async function appendOne(draft: Draft, door: Door): Promise<Arrival | DoorRefusal> {
  const arrivals = await door.node.append([draft]);
  if (isRefusal(arrivals)) return arrivals;
  door.roster.forget(arrivals);
  const [arrival] = arrivals;
  if (arrival === undefined) throw new Error('an append of one op answered with none');
  return arrival;
}

/** Runs `make` unless another request is about to take the same name at this moment. */
export async function whileTaking<T>(name: string, door: Door, make: () => Promise<T>): Promise<T | DoorRefusal> {
  if (door.taking.has(name)) {
    return refused('conflict', 'another request is about to take the same name', {
      expected: 'a name of its own',
      got: shown(name),
    });
  }
  door.taking.add(name);
  try {
    return await make();
  } finally {
    door.taking.delete(name);
  }
}
