/** What must hold once a storm is over and its wounds are healed. */
import { isDeepStrictEqual } from 'node:util';
import type { NodeId, OpId } from '#core/brand.ts';
import { nodeIdOf } from '#core/brand.ts';
import { taskChain } from '#core/view/chain.ts';
import { openClaims } from '#core/view/task.ts';
import type { Column, ViewName } from '#core/view/view.ts';
import type { Arrival, OpStore } from '#ports.ts';
import type { History } from './history.ts';
import type { SimNode } from './node.ts';

export type Outcome = {
  history: History;
  /** Nodes that are up; what was on a machine that is gone for good is no matter of theirs. */
  living: readonly SimNode[];
  gone: ReadonlySet<NodeId>;
  taskIds: readonly OpId[];
  mustEnd: (task: OpId) => boolean;
};

/** The same ops on every disk; so, as long as folds are right, the same views. */
export function holdTheSame(nodes: readonly SimNode[]): boolean {
  const [first, ...rest] = nodes.map((node) => node.committed().heads());
  return rest.every(
    (heads) => heads.size === first?.size && [...heads].every(([node, { hash }]) => first.get(node)?.hash === hash),
  );
}

/** The same rows in every view. Rows of the same shape are told by a look at each value, which is cheaper than the digest that decides. */
function agree(nodes: readonly SimNode[]): boolean {
  const [first, ...rest] = nodes.map((node) => node.committed());
  if (first === undefined) return true;
  const rows = rowsOf(first);
  return rest.every((store) => isDeepStrictEqual(rowsOf(store), rows) || store.digest() === first.digest());
}

const VIEWS: readonly ViewName[] = ['agent', 'node', 'post', 'project', 'task', 'message'];

const rowsOf = (store: OpStore): unknown[] => VIEWS.map((view) => store.list(view, { limit: Number.MAX_SAFE_INTEGER }));

export function checkFinally(o: Outcome): void {
  if (!agree(o.living)) o.history.broken('finally/agreement: the views of the nodes differ after heal');
  for (const node of o.living) {
    checkNothingLost(o, node);
    for (const task of o.taskIds) checkTask(o, node, task);
  }
  checkAnswers(o);
  o.history.checkSlots();
}

function checkNothingLost({ history, gone }: Outcome, node: SimNode): void {
  const store = node.committed();
  for (const [id, hash] of history.acknowledgedOps) {
    const [author = '', seq = '0'] = id.split('-');
    // What a machine that is gone for good had told nobody is gone with it.
    if (gone.has(nodeIdOf(author))) continue;
    const held = store.opsOf(nodeIdOf(author), { from: Number(seq), maxOps: 1, maxBytes: 0 })[0];
    if (held?.hash !== hash) history.broken(`finally/nothing-lost: node ${node.index} lacks acknowledged op ${id}`);
  }
}

function checkTask({ history, mustEnd }: Outcome, node: SimNode, task: OpId): void {
  const row = node.committed().get('task', task);
  const chain = row === undefined ? undefined : taskChain(row);
  if (chain?.ended === undefined && mustEnd(task)) {
    const standing = `${chain?.status ?? 'unknown'} (slot ${chain?.slot})`;
    history.broken(`eventually/ended: task ${task} is ${standing} at node ${node.index}`);
  }
  if (Object.keys(row?.conflicts ?? {}).length > 0)
    history.broken(`always/slot-decided-once: task ${task} shows a conflict`);
}

/** A door answers once, and what it says is so. */
function checkAnswers({ history, living, taskIds }: Outcome): void {
  for (const ask of history.asks) {
    const node = living.find((one) => one.id === ask.node);
    if (node === undefined || !taskIds.includes(ask.task)) continue;
    if (ask.outcome === undefined && node.lives() === ask.life)
      history.broken(`eventually/door-answered: cancelling ${ask.task} at node ${node.index}`);
    const row = node.committed().get('task', ask.task);
    if (ask.outcome === 'cancelled' && row !== undefined && taskChain(row).status !== 'cancelled')
      history.broken(`finally/answer-was-true: ${ask.task} is not cancelled`);
  }
}

/** Always, at the node that claims: an agent has one open claim, and none while it works. */
export function checkClaims(o: { history: History; self: NodeId; store: OpStore; arrivals: readonly Arrival[] }): void {
  const claimed = o.arrivals.some(({ op }) => op.header.node === o.self && op.body.type === 'task.claimed');
  if (!claimed) return;
  const taken = new Set<OpId>();
  const taking = (agent: OpId, task: OpId): void => {
    if (taken.has(agent)) o.history.broken(`always/one-claim-an-agent: ${agent} also claims or works on ${task}`);
    taken.add(agent);
  };
  const wheres: Record<string, Column>[] = [{ contested: 1 }, { status: 'claimed' }, { status: 'in_progress' }];
  for (const where of wheres) {
    for (const row of o.store.list('task', { where, limit: 10_000 })) {
      const { running, slot } = taskChain(row);
      // A grant that comes late for an agent which has gone on is answered `released`: it counts once it is started.
      const isAtWork = row.starts[slot - 1] !== undefined && row.reports[slot] === undefined;
      if (running?.value.node === o.self && isAtWork) taking(running.value.agent, row.id);
      if (running !== undefined) continue;
      for (const { claim } of openClaims(row)) if (claim.node === o.self) taking(claim.agent, row.id);
    }
  }
}
