/** Finding what a caller means: a whole id, the short form that pages and terminals show, a name. */
import { parsedOpId } from '#core/brand.ts';
import type { OpId } from '#core/brand.ts';
import { compareStamps } from '#core/op.ts';
import type { LiveAgent } from '#core/view/agent.ts';
import type { KnownApproval } from '#core/view/approval.ts';
import { isKnownApproval } from '#core/view/approval.ts';
import type { KnownFile } from '#core/view/file.ts';
import { isKnownFile } from '#core/view/file.ts';
import type { KnownMessage } from '#core/view/message.ts';
import { isKnownMessage } from '#core/view/message.ts';
import type { NodeRow } from '#core/view/node.ts';
import type { LiveProject } from '#core/view/project.ts';
import type { KnownProposal } from '#core/view/proposal.ts';
import { isKnownProposal } from '#core/view/proposal.ts';
import type { LiveRule } from '#core/view/rule.ts';
import { isLiveRule } from '#core/view/rule.ts';
import type { Door } from './door.ts';
import type { KnownTask } from './json/task.ts';
import { isKnownTask } from './json/task.ts';
import type { DoorRefusal } from './refusal.ts';
import { refused, shown } from './refusal.ts';

/** Tasks of one alias that are looked at: more than one is a mistake already. */
const ALIAS_ROWS_MAX = 16;

/** `<part of a node id>-<number>`, at least 4 digits of the node's id; the number is always whole. */
const SHORT_ID = /^([0-9a-f]{4,32})-([1-9][0-9]{0,15})$/;
const OP_ID = /^[0-9a-f]{32}-[1-9][0-9]{0,15}$/;
const NODE_PREFIX = /^[0-9a-f]{4,32}$/;

/**
 * By id, by alias (the oldest task that bears it), by `<beginning of the node's id>-<number>`, or by the beginning of a node's id where that
 * node made one task only. More than one match is a `conflict`, none is `not_found`.
 */
export function findTask(ref: string, door: Door): KnownTask | DoorRefusal {
  const { store } = door.node;
  const exact = store.get('task', ref);
  if (isKnownTask(exact)) return exact;
  const named = taskByAlias(ref, door);
  if (named !== undefined) return named;
  const found = shortIds(ref, door).flatMap((id) => {
    const row = store.get('task', id);
    return isKnownTask(row) ? [row] : [];
  });
  const all = found.length === 0 ? onlyTasksOf(ref, door) : found;
  return single(all, ref, 'Task not found');
}

/** The oldest task with that alias; later ones are its duplicates. */
export function taskByAlias(alias: string, door: Door): KnownTask | undefined {
  return door.node.store
    .list('task', { where: { alias }, limit: ALIAS_ROWS_MAX })
    .filter(isKnownTask)
    .toSorted((a, b) => compareStamps(a.created.stamp, b.created.stamp))[0];
}

/** By id, by the beginning of one, or by a name that one node alone bears. */
export function findNode(ref: string, door: Door): NodeRow | DoorRefusal {
  const rows = door.roster.nodes();
  const byId = NODE_PREFIX.test(ref) ? rows.filter((row) => row.id.startsWith(ref)) : [];
  return single(byId.length > 0 ? byId : rows.filter((row) => row.name === ref), ref, 'Node not found');
}

/** By id, short id, or a name that one agent alone bears. */
export function findAgent(ref: string, door: Door): LiveAgent | DoorRefusal {
  const agents = door.roster.agents();
  return single(matching(agents, ref, door), ref, 'Agent not found');
}

/** By id, short id or name. Of several projects of one name, the one that this node registered. */
export function findProject(ref: string, door: Door): LiveProject | DoorRefusal {
  const found = matching(door.roster.projects(), ref, door);
  const own = found.filter((project) => project.registered.node === door.node.info.self);
  return single(found.length > 1 && own.length === 1 ? own : found, ref, 'Project not found');
}

/** By id or short id. */
export function findApproval(ref: string, door: Door): KnownApproval | DoorRefusal {
  const { store } = door.node;
  const found = idsLike(ref, door).map((id) => store.get('approval', id));
  return single(found.filter(isKnownApproval), ref, 'Approval not found');
}

/** By id, short id, or the hash of its bytes: then the newest offer of them. */
export function findFile(ref: string, door: Door): KnownFile | DoorRefusal {
  const { store } = door.node;
  const bySum = /^[0-9a-f]{64}$/.test(ref)
    ? store.list('file', { where: { sha256: ref }, order: [['created', 'desc']], limit: 1 })
    : idsLike(ref, door).map((id) => store.get('file', id));
  return single(bySum.filter(isKnownFile), ref, 'File not found');
}

/** By id or short id. */
export function findProposal(ref: string, door: Door): KnownProposal | DoorRefusal {
  const { store } = door.node;
  const found = idsLike(ref, door).map((id) => store.get('proposal', id));
  return single(found.filter(isKnownProposal), ref, 'Proposal not found');
}

/** By id or short id. */
export function findMessage(ref: string, door: Door): KnownMessage | DoorRefusal {
  const { store } = door.node;
  const found = idsLike(ref, door).map((id) => store.get('message', id));
  return single(found.filter(isKnownMessage), ref, 'Message not found');
}

/** By id or short id; one that was removed is not found. */
export function findRule(ref: string, door: Door): LiveRule | DoorRefusal {
  const { store } = door.node;
  return single(
    idsLike(ref, door)
      .map((id) => store.get('rule', id))
      .filter(isLiveRule),
    ref,
    'Rule not found',
  );
}

type Named = { id: OpId; registered: { name: string } };

function matching<T extends Named>(rows: readonly T[], ref: string, door: Door): T[] {
  const exact = rows.filter((row) => row.id === ref);
  if (exact.length > 0) return exact;
  const short = new Set(shortIds(ref, door));
  const byId = rows.filter((row) => short.has(row.id));
  return byId.length > 0 ? byId : rows.filter((row) => row.registered.name === ref);
}

/** The ids that a short id may stand for: one a known node whose id begins so. */
function shortIds(ref: string, door: Door): OpId[] {
  const [, prefix, seq] = SHORT_ID.exec(ref) ?? [];
  if (prefix === undefined || seq === undefined) return [];
  return nodesLike(prefix, door).map((node) => parsedOpId(`${node}-${seq}`));
}

/** A whole id stands for itself, whoever made it. */
const idsLike = (ref: string, door: Door): OpId[] => (OP_ID.test(ref) ? [parsedOpId(ref)] : shortIds(ref, door));

const nodesLike = (prefix: string, door: Door): string[] =>
  door.roster.nodes().flatMap((row) => (row.id.startsWith(prefix) ? [row.id] : []));

function onlyTasksOf(ref: string, door: Door): KnownTask[] {
  if (!NODE_PREFIX.test(ref)) return [];
  return nodesLike(ref, door)
    .flatMap((home) => door.node.store.list('task', { where: { home }, limit: 2 }))
    .filter(isKnownTask);
}

function single<T>(found: readonly T[], ref: string, missing: string): T | DoorRefusal {
  const [first] = found;
  if (first === undefined)
    return refused('not_found', missing, { expected: 'an id, or its short form', got: shown(ref) });
  if (found.length === 1) return first;
  const expected = 'an id that only one bears';
  return refused('conflict', `${shown(ref)} may mean ${found.length} or more`, { expected, got: shown(ref) });
}
