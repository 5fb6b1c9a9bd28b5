/** Appending as a door of a node does it: it waits a little while the node asks its peers after a start, then for the disk. */
import type { Clock, NodeCore } from '#core/node.ts';
import type { Draft, Op } from '#core/op.ts';
import type { Arrival } from '#ports.ts';
import type { TurnLoop } from '#turn-loop.ts';
import type { VirtualTime } from './time.ts';

/** As the real doors: tries so often, this far apart. */
const TRIES = 25;
const TRY_MS = 200;

export type Doorway = { core: NodeCore; loop: TurnLoop; time: VirtualTime; clock: () => Clock; isUp: () => boolean };

/** Resolves with what the turn brought and what of it was appended here; undefined when the node went down before, or refused. */
export async function appendAtDoor(
  { core, loop, time, clock, isUp }: Doorway,
  drafts: readonly Draft[],
): Promise<Arrival[] | undefined> {
  let ops: Op[] | 'tooLarge' | 'comparing' = core.append(drafts, clock());
  for (let tries = 0; ops === 'comparing' && tries < TRIES; tries++) {
    await new Promise<void>((resolve) => time.after(TRY_MS, resolve));
    if (!isUp()) return undefined;
    ops = core.append(drafts, clock());
  }
  if (ops === 'tooLarge' || ops === 'comparing') return undefined;
  const ids = new Set(ops.map((op) => op.hash));
  try {
    return (await loop.settled()).filter(({ op }) => ids.has(op.hash));
  } catch {
    // The node went down before it could acknowledge: the caller was told nothing.
    return undefined;
  }
}
