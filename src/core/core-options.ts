/** What one core is made of, and the log that its store holds. */
import type { NodeId } from './brand.ts';
import type { Crypto } from './crypto.ts';
import type { LogOptions } from './log.ts';
import { Log } from './log.ts';
import type { Op } from './op.ts';
import { cutAt } from './view/node.ts';
import type { CoreSettings, CoreStore } from './world.ts';

/** Monotonic time for deadlines, wall time for people. */
export type Clock = { nowMs: number; wallMs: number };

export type CoreOptions = {
  self: NodeId;
  store: CoreStore;
  heads: ReadonlyMap<NodeId, { seq: number; hash: Op['hash'] }>;
  lamport: number;
  crypto: Crypto;
  settings: CoreSettings;
  random: () => number;
  readOp?: LogOptions['readOp'];
};

export const storedLog = ({ store, ...o }: CoreOptions): Log =>
  new Log({
    ...o,
    firstOp: (node) => store.opsOf(node, { from: 1, maxOps: 1, maxBytes: 0 })[0],
    storedHash: (node, seq) => store.opsOf(node, { from: seq, maxOps: 1, maxBytes: 0 })[0]?.hash,
    cutAt: (node) => {
      const row = store.get('node', node);
      return row === undefined ? undefined : cutAt(row);
    },
  });
