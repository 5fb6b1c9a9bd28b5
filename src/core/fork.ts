/** The proof that a node signed two histories: two headers that cannot stand in one chain, each with the signature that covers it. */
import type { NodeId } from './brand.ts';
import type { Draft, Op } from './op.ts';
import { nodePrincipal } from './brand.ts';

/** Longest proof that is kept in the op itself; what it proves has been checked by the node that appends it. */
const PROOF_MAX_CHARS = 12_000;

export function forkDraft(o: {
  self: NodeId;
  author: NodeId;
  seq: number;
  held: Op | undefined;
  theirs: Op;
  sig: string;
}): Draft {
  const proof = JSON.stringify({
    held: o.held === undefined ? null : { header: o.held.headerText, sig: o.held.sig ?? null },
    theirs: { header: o.theirs.headerText, sig: o.sig },
  });
  return {
    entity: undefined,
    by: nodePrincipal(o.self),
    body: { type: 'log.forked', node: o.author, seq: o.seq, proof: proof.slice(0, PROOF_MAX_CHARS) },
  };
}
