/** The op: one small fact with an author and a Lamport stamp. The two JSON texts are the op; everything else is read from them. */
import type { Hash, NodeId, OpId, Principal } from './brand.ts';
import { opIdOf } from './brand.ts';
import type { Body, UnknownBody } from './schema/body.ts';

/** What is chained and signed. `wallMs` is for people to read, never for a decision. */
export type Header = {
  node: NodeId;
  /** 1-based, no gaps a node. */
  seq: number;
  lamport: number;
  entity: OpId;
  /** SHA-256 of the author's previous header text; 64 zeros before the first. */
  prev: Hash;
  /** SHA-256 of the body text: a sealed body can be dropped and the chain still verifies. */
  bodyHash: Hash;
  wallMs: number;
  by: Principal;
};

export type Op = {
  header: Header;
  headerText: string;
  body: Body | UnknownBody;
  bodyText: string;
  /** SHA-256 of `headerText`. */
  hash: Hash;
  /** Ed25519 over the hash, base64; on the last op of each batch its author sent. It covers all ops before it. */
  sig: string | undefined;
};

/** An op of a type this version folds. */
export type KnownOp<B extends Body = Body> = Op & { body: B };

export const isKnown = (op: Op): op is KnownOp => op.body.type !== 'unknown';

/** What a door hands in: the log adds author, number, clock and chain. `entity` undefined means that the op creates its own. */
export type Draft = { entity: OpId | undefined; by: Principal; body: Body };

/** The order of everything: (lamport, node, seq). */
export type Stamp = { lamport: number; node: NodeId; seq: number };

export const opId = (op: { header: Header }): OpId => opIdOf(op.header.node, op.header.seq);

/** True for the op that made the entity it speaks of: its id is this op's. A creation that names another entity creates nothing. */
export const createsEntity = (op: { header: Header }): boolean => op.header.entity === opId(op);

export const stampOf = (op: { header: Header }): Stamp => ({
  lamport: op.header.lamport,
  node: op.header.node,
  seq: op.header.seq,
});

/** Negative when `a` comes first. Total: two different ops never compare equal. */
export function compareStamps(a: Stamp, b: Stamp): number {
  if (a.lamport !== b.lamport) return a.lamport - b.lamport;
  if (a.node !== b.node) return a.node < b.node ? -1 : 1;
  return a.seq - b.seq;
}

/** What one node holds of each log: the highest number, without gaps. */
export type Heads = Record<NodeId, number>;

/** header + body ≤ 64 KiB. */
export const OP_MAX_BYTES = 64 * 1024;
/** Ops in one batch, one frame, one signature. */
export const BATCH_MAX_OPS = 256;
/** A frame's JSON, as in the seed. */
export const FRAME_MAX_BYTES = 1024 * 1024;
/** Op texts (UTF-8) in one batch: JSON escaping doubles them at worst, so a full batch still fits {@link FRAME_MAX_BYTES}. */
export const BATCH_MAX_BYTES = 448 * 1024;
/** A stamp further ahead than this is refused: one peer must not push the clock anywhere. */
export const LAMPORT_JUMP_MAX = 2 ** 32;
