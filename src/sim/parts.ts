/** What a simulated node is made of. A test puts a broken piece in, to see that the checks of a storm find it. */
import type { CoreOptions } from '#core/node.ts';
import { NodeCore } from '#core/node.ts';
import type { MemoryOptions } from '#store/memory.ts';
import { MemoryStore } from '#store/memory.ts';
import type { TurnLoopOptions } from '#turn-loop.ts';
import { TurnLoop } from '#turn-loop.ts';

export type SimParts = {
  store: (options: MemoryOptions) => MemoryStore;
  core: (options: CoreOptions) => NodeCore;
  loop: (options: TurnLoopOptions) => TurnLoop;
};

export const REAL_PARTS: SimParts = {
  store: (options) => new MemoryStore(options),
  core: (options) => new NodeCore(options),
  loop: (options) => new TurnLoop(options),
};
