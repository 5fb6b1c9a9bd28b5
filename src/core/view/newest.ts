/** Fields of rows of which the newest word counts. */
import type { Stamp } from '../op.ts';
import { compareStamps } from '../op.ts';

export type Stamped<T> = { value: T; stamp: Stamp; wallMs: number };

/** The one with the higher stamp, whichever came first. */
export const newest = <T>(held: Stamped<T> | undefined, next: Stamped<T>): Stamped<T> =>
  held === undefined || compareStamps(held.stamp, next.stamp) < 0 ? next : held;

/** The one with the lower stamp: the first word stands. */
export const oldest = <T>(held: Stamped<T> | undefined, next: Stamped<T>): Stamped<T> =>
  held === undefined || compareStamps(next.stamp, held.stamp) < 0 ? next : held;
