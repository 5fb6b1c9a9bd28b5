/** Signed ops as the frames they travel in. */
import type { Op } from './op.ts';
import type { OpFrame, OpsFrame } from './schema/frame.ts';
import { FRAME } from './schema/frame.ts';

const FRAME_OF_BODY = new Map<string, OpFrame['type']>([
  ['post.created', FRAME.post],
  ['task.created', FRAME.taskCreate],
  ['task.claimed', FRAME.taskClaim],
  ['agent.registered', FRAME.agentRegister],
]);

function codeOf(op: Op): OpFrame['type'] {
  if (op.body.type !== 'task.ended') return FRAME_OF_BODY.get(op.body.type) ?? FRAME.op;
  switch (op.body.value.kind) {
    case 'completed':
      return FRAME.taskComplete;
    case 'failed':
      return FRAME.taskFail;
    case 'cancelled':
      return FRAME.taskCancel;
    default:
      return FRAME.op;
  }
}

/** The frame of a signed batch: the seed's code where it is a single op. `more`: it is a page; `hops`: it is pushed along a tree. */
export function frameOf(ops: readonly Op[], o: { more?: boolean; hops?: number } = {}): OpFrame | OpsFrame | undefined {
  const last = ops.at(-1);
  if (last?.sig === undefined) return undefined;
  const hops = o.hops === undefined ? {} : { hops: o.hops };
  if (ops.length === 1 && o.more !== true) {
    return { type: codeOf(last), op: [last.headerText, last.bodyText], sig: last.sig, ...hops };
  }
  return {
    type: FRAME.ops,
    ops: ops.map((op) => [op.headerText, op.bodyText]),
    sig: last.sig,
    ...(o.more === true ? { more: true } : {}),
    ...hops,
  };
}

/** Cuts consecutive ops behind each signature; unsigned ones at the end are left out. */
export function batches(ops: readonly Op[]): Op[][] {
  const result: Op[][] = [];
  let current: Op[] = [];
  for (const op of ops) {
    current.push(op);
    if (op.sig === undefined) continue;
    result.push(current);
    current = [];
  }
  return result;
}
