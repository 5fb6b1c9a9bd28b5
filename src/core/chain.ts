/**
 * Each author's log is a chain: every header carries the SHA-256 of the header before it, a signature over the last hash of a batch covers
 * all before it. Here ops are built and chains are checked; nothing is stored.
 */
import type { Hash, NodeId } from './brand.ts';
import { hashOf, opIdOf } from './brand.ts';
import type { Crypto } from './crypto.ts';
import type { Draft, Header, Op } from './op.ts';
import { OP_MAX_BYTES } from './op.ts';
import { parseBody, parseHeader } from './schema/header.ts';

/** `prev` of the first op of a log. */
export const FIRST_PREV: Hash = hashOf('0'.repeat(64));

/** What a signature signs: the hash, in a context of its own so that no other signature of this key can be taken for it. */
export const signedText = (hash: Hash): string => `skep op chain 1\n${hash}`;

export type ChainHead = { seq: number; hash: Hash };
export const EMPTY_HEAD: ChainHead = { seq: 0, hash: FIRST_PREV };

/** Builds the op that follows `head` in the author's log, unsigned. `tooLarge` when its texts exceed {@link OP_MAX_BYTES}; nothing is used up then. */
export function buildOp(o: {
  draft: Draft;
  node: NodeId;
  head: ChainHead;
  lamport: number;
  wallMs: number;
  crypto: Crypto;
}): Op | 'tooLarge' {
  const { draft, node, head, crypto } = o;
  const seq = head.seq + 1;
  const bodyText = JSON.stringify(draft.body);
  const header: Header = {
    node,
    seq,
    lamport: o.lamport,
    entity: draft.entity ?? opIdOf(node, seq),
    prev: head.hash,
    bodyHash: crypto.sha256(bodyText),
    wallMs: o.wallMs,
    by: draft.by,
  };
  const headerText = JSON.stringify(header);
  if (crypto.byteLength(bodyText) + crypto.byteLength(headerText) > OP_MAX_BYTES) return 'tooLarge';
  return { header, headerText, body: draft.body, bodyText, hash: crypto.sha256(headerText), sig: undefined };
}

/** Signs the last op of a batch; the signature covers the whole chain up to it. */
export const signOp = (op: Op, crypto: Crypto): Op => ({ ...op, sig: crypto.sign(signedText(op.hash)) });

/** Reads one op from its texts; undefined when they are no op (no JSON, a missing field, a body that is not the one the header names, too large). */
export function readOp(texts: readonly [string, string], crypto: Crypto): Op | undefined {
  const [headerText, bodyText] = texts;
  if (crypto.byteLength(headerText) + crypto.byteLength(bodyText) > OP_MAX_BYTES) return undefined;
  const header = parseHeader(headerText);
  if (header === undefined || header.bodyHash !== crypto.sha256(bodyText)) return undefined;
  const body = parseBody(bodyText);
  if (body === undefined) return undefined;
  return { header, headerText, body, bodyText, hash: crypto.sha256(headerText), sig: undefined };
}

/** True when `ops` are consecutive ops of one author, each naming the hash of the one before. */
export function isChain(ops: readonly Op[]): boolean {
  return ops.every((op, index) => {
    const before = ops[index - 1];
    if (before === undefined) return op.header.seq > 1 || op.header.prev === FIRST_PREV;
    return (
      op.header.node === before.header.node && op.header.seq === before.header.seq + 1 && op.header.prev === before.hash
    );
  });
}
