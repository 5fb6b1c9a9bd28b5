/** What a node tells the swarm of itself at its start: its key and addresses, and the shell agents it was asked to have. */
import type { NodeId } from '#core/brand.ts';
import { nodePrincipal } from '#core/brand.ts';
import type { Draft } from '#core/op.ts';
import { SHELL } from '#core/task/fit.ts';
import { isLive } from '#core/view/agent.ts';
import type { OpStore } from '#ports.ts';

/** Shell agents of one node looked at when counting those of an earlier start. */
const OWN_AGENTS_MAX = 1_000;

/** Undefined when the log already says all of this. The first op of a log is always this one: it carries the key. */
export function selfDraft(
  store: Pick<OpStore, 'get'>,
  o: { self: NodeId; publicKey: string; name: string; addresses: string[]; version: string },
): Draft | undefined {
  const held = store.get('node', o.self);
  const { self, ...said } = o;
  const same =
    held?.name === o.name &&
    held.version === o.version &&
    JSON.stringify(held.addresses) === JSON.stringify(o.addresses);
  if (same) return undefined;
  return { entity: held?.entity, by: nodePrincipal(self), body: { type: 'node.registered', ...said } };
}

/** One draft for each shell agent that is missing. */
export function shellAgentDrafts(
  store: Pick<OpStore, 'list'>,
  o: { self: NodeId; name: string; wanted: number },
): Draft[] {
  const own = store.list('agent', { where: { live: 1, node: o.self }, limit: OWN_AGENTS_MAX });
  const names = new Set(own.map((row) => row.registered?.name));
  const held = own.filter((row) => isLive(row) && row.registered.tool === 'shell').length;
  const drafts: Draft[] = [];
  for (let n = 1; drafts.length < o.wanted - held; n++) {
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
