/** What a node tells the swarm of itself at its start: its key and addresses, whose backup it was made from, and the shell agents it was asked to have. */
import type { NodeId } from '#core/brand.ts';
import { nodePrincipal } from '#core/brand.ts';
import type { Draft } from '#core/op.ts';
import { SHELL } from '#core/task/fit.ts';
import { isLive } from '#core/view/agent.ts';
import type { OpStore, SwarmNode } from '#ports.ts';
import { readAdopted } from '#store/adopt.ts';
import { isRefusal } from './remote.ts';

/** Agents of the swarm looked at when counting the own ones of an earlier start, and for names that are taken. */
const AGENTS_MAX = 5_000;

type Facts = { self: NodeId; publicKey: string; name: string; addresses: string[]; version: string };

/** Says who this node is, and sees to it that it has the agents it was asked to have. All in one commit. */
export async function announce(
  node: { store: OpStore; append: SwarmNode['append'] },
  o: Facts & {
    shellAgents: number;
    /** Tools that are installed here: each is registered as a paused agent, once in the life of the node. */
    offered: readonly string[];
  },
): Promise<void> {
  const { self, name } = o;
  const own = selfDraft(node.store, o);
  const drafts = [
    ...(own === undefined ? [] : [own]),
    ...replacedDrafts(node.store, self),
    ...shellAgentDrafts(node.store, { self, name, wanted: o.shellAgents }),
    ...offeredDrafts(node.store, { self, name, tools: o.offered }),
  ];
  if (drafts.length === 0) return;
  const answer = await node.append(drafts);
  if (isRefusal(answer)) throw new Error(`the node could not write its first facts: ${answer.message}`);
}

/** Undefined when the log already says all of this. The first op of a log is always this one: it carries the key. */
function selfDraft(store: Pick<OpStore, 'get'>, o: Facts): Draft | undefined {
  const held = store.get('node', o.self);
  const { self, publicKey, name, addresses, version } = o;
  const said = { publicKey, name, addresses, version };
  const same =
    held?.name === o.name &&
    held.version === o.version &&
    JSON.stringify(held.addresses) === JSON.stringify(o.addresses);
  if (same) return undefined;
  return { entity: held?.entity, by: nodePrincipal(self), body: { type: 'node.registered', ...said } };
}

/**
 * Before anything else of a node runs: a restored store belongs to the key that was made for it. Under another one, the old node's above all, it
 * would vote and append without knowing what that node had promised. Throws an `Error` that says what to do.
 */
export function checkAdopted(store: Pick<OpStore, 'localRow'>, self: NodeId): void {
  const adopted = readAdopted(store);
  if (adopted === undefined || adopted.node === self) return;
  throw new Error(
    `this state directory was restored for node ${adopted.node}, but its key is that of node ${self}: put back the key that skep restore made, ` +
      `or restore again into a new data directory. The key of a node that was backed up is never used again.`,
  );
}

/** In the first commit of a restored node, and only there: a log is empty once. */
function replacedDrafts(store: Pick<OpStore, 'get' | 'heads' | 'localRow'>, self: NodeId): Draft[] {
  const adopted = readAdopted(store);
  if (adopted === undefined || store.heads().has(self)) return [];
  const { old, lastSeq } = adopted;
  const body = { type: 'node.replaced' as const, old, lastSeq };
  return [{ entity: store.get('node', old)?.entity, by: nodePrincipal(self), body }];
}

/** One that was withdrawn is not offered again. */
function offeredDrafts(
  store: Pick<OpStore, 'list'>,
  o: { self: NodeId; name: string; tools: readonly string[] },
): Draft[] {
  if (o.tools.length === 0) return [];
  const rows = store.list('agent', { where: { node: o.self }, limit: AGENTS_MAX });
  const known = new Set(rows.map((row) => row.registered?.tool));
  return o.tools
    .filter((tool) => !known.has(tool))
    .map((tool) => ({
      entity: undefined,
      by: nodePrincipal(o.self),
      body: {
        type: 'agent.registered',
        name: `${o.name}-${tool}`,
        tool,
        capabilities: [],
        projectPath: null,
        tmuxSessionId: null,
        maxConcurrentTasks: 1,
        paused: true,
      },
    }));
}

/** One draft for each shell agent that is missing. */
function shellAgentDrafts(store: Pick<OpStore, 'list'>, o: { self: NodeId; name: string; wanted: number }): Draft[] {
  const live = store.list('agent', { where: { live: 1 }, limit: AGENTS_MAX }).filter(isLive);
  // A restored node knows those of the node it was made from, which may be called the same.
  const names = new Set(live.map((row) => row.registered.name));
  const own = live.filter(({ registered }) => registered.node === o.self && registered.tool === 'shell');
  const drafts: Draft[] = [];
  for (let n = 1; drafts.length < o.wanted - own.length; n++) {
    const name = `${o.name}-shell-${n}`;
    if (names.has(name)) continue;
    drafts.push({
      entity: undefined,
      by: nodePrincipal(o.self),
      body: {
        type: 'agent.registered',
        name,
        tool: 'shell',
        capabilities: [SHELL],
        projectPath: null,
        tmuxSessionId: null,
        maxConcurrentTasks: 1,
      },
    });
  }
  return drafts;
}
