/** All nodes of a simulated swarm read the same texts: each is parsed, checked and hashed once. */
import { readOp } from '#core/chain.ts';
import type { Op } from '#core/op.ts';

export type ReadOp = typeof readOp;

export function readingOnce(): ReadOp {
  const held = new Map<string, Op | undefined>();
  return (texts, crypto) => {
    const [headerText, bodyText] = texts;
    const known = held.get(headerText);
    if (known?.bodyText === bodyText) return known;
    const op = readOp(texts, crypto);
    held.set(headerText, op);
    return op;
  };
}
