/**
 * What one turn of the core wants done. The order is the safety rule of the whole system: relays leave at once, then everything written goes to
 * disk in one transaction, and only then sends, actions and callbacks happen.
 */
import type { BootState } from './boot-check.ts';
import type { NodeId, OpId } from './brand.ts';
import type { LocalRow } from './local.ts';
import type { Op } from './op.ts';
import type { EndReason } from './schema/body.ts';
import type { CallFrame, Frame, MemberState } from './schema/frame.ts';

export type Outgoing = { to: readonly NodeId[]; frame: Frame };

/** What this node should do now; recomputed from the views, so doing it twice is safe. */
export type Action =
  /** The grant is decided and `started` is on disk: run the attempt. */
  | { kind: 'start'; task: OpId; attempt: number; slot: number; agent: OpId }
  /** This node was restarted with the attempt running: ask the holder, go on or report it lost. Never start it anew. */
  | { kind: 'resume'; task: OpId; attempt: number; slot: number; agent: OpId }
  /** The attempt's end was decided otherwise while it ran here: stop it, keep its work. */
  | { kind: 'interrupt'; task: OpId; attempt: number; agent: OpId; reason: EndReason }
  /** The end of an attempt that ran here is decided: its worktree may be salvaged and removed. */
  | { kind: 'clean'; task: OpId; attempt: number; agent: OpId }
  /** The check after the start came to this: doors may append from now on, and the operator is told of `alone`. */
  | { kind: 'checked'; state: BootState }
  /** A call of another node that the core does not answer itself. */
  | { kind: 'serve'; call: CallFrame }
  /** A node is shown in another state from now on. */
  | { kind: 'member'; node: NodeId; state: MemberState }
  /** An operator took the node out of the swarm: no link with it any more. Safe to carry out again. */
  | { kind: 'excluded'; node: NodeId }
  /** Its link leads nowhere: close it without a word and dial anew. */
  | { kind: 'unlink'; node: NodeId; why: string }
  /** Keep links to these nodes, and dial them; undefined: to all. Others may keep theirs to this one. */
  | { kind: 'keepLinks'; nodes: readonly NodeId[] | undefined }
  /** Something that must never happen did: shown loudly, work goes on. */
  | { kind: 'alarm'; text: string };

export type Turn = {
  relays: Outgoing[];
  ops: Op[];
  rows: LocalRow[];
  truncate: { node: NodeId; seq: number }[];
  sends: Outgoing[];
  actions: Action[];
  /** Run once the turn's write is on disk, before the next turn is taken. */
  after: (() => void)[];
};

export const emptyTurn = (): Turn => ({
  relays: [],
  ops: [],
  rows: [],
  truncate: [],
  sends: [],
  actions: [],
  after: [],
});

export const writesNothing = (turn: Turn): boolean =>
  turn.ops.length === 0 && turn.rows.length === 0 && turn.truncate.length === 0;

export const isEmpty = (turn: Turn): boolean =>
  writesNothing(turn) &&
  turn.relays.length === 0 &&
  turn.sends.length === 0 &&
  turn.actions.length === 0 &&
  turn.after.length === 0;
