/** Ops that only spread: texts of the size of a task, a signature of the right length, numbers that count. Nothing in them is read but the header. */
import type { NodeId } from '#core/brand.ts';
import { hashOf, opIdOf, userPrincipal } from '#core/brand.ts';
import { FIRST_PREV } from '#core/chain.ts';
import type { Header, Op } from '#core/op.ts';
import type { Body } from '#core/schema/body.ts';

/** Bytes of a base64 signature. */
const SIG = 'A'.repeat(88);
const HASH = hashOf('0'.repeat(64));

export function spreadOp(node: NodeId, seq: number): Op {
  const body: Body = { type: 'post.created', content: 'x'.repeat(400), author: 'simulated' };
  const header: Header = {
    node,
    seq,
    lamport: seq,
    entity: opIdOf(node, seq),
    prev: FIRST_PREV,
    bodyHash: HASH,
    wallMs: 1_700_000_000_000,
    by: userPrincipal('simulated'),
  };
  return { header, headerText: JSON.stringify(header), body, bodyText: JSON.stringify(body), hash: HASH, sig: SIG };
}
