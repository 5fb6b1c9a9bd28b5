/** How an agent stands right now: no fact of the log, but read from what its node last said and from the grants that are open. */
import type { OpId } from '#core/brand.ts';
import { OFFLINE_AFTER_MS } from '#core/presence.ts';
import type { ContextUse } from '#core/schema/transcript.ts';
import type { LiveAgent } from '#core/view/agent.ts';
import type { Door } from '../door.ts';

/** The seed's four words, and one for agents whose node is dead or has left: what they do is not known. */
export const AGENT_STATUSES = ['idle', 'busy', 'waiting', 'offline', 'unreachable'] as const;
export type AgentStatus = (typeof AGENT_STATUSES)[number];

export type Standing = {
  status: AgentStatus;
  task: OpId | null;
  /** What keeps an idle agent from work that waits for it; undefined: nothing. */
  heldBy?: string | undefined;
  /** What is in its conversation; undefined: its tool does not say, or it has none. */
  context?: ContextUse | undefined;
  /** When its node last spoke of it; undefined if it never did since this node started. */
  heardMs: number | undefined;
};

/** From presence alone: no look-up in the store, so it may be asked for every agent. */
export function agentStanding(agent: LiveAgent, door: Door): Standing {
  const said = door.roster.presence().get(agent.registered.node);
  const own = agent.registered.node === door.node.info.self;
  const stale = said === undefined || (!own && door.now() - said.heardMs > OFFLINE_AFTER_MS);
  const state = door.roster.nodeState(agent.registered.node);
  if (said !== undefined && (state === 'dead' || state === 'left'))
    return { status: 'unreachable', task: null, heardMs: said.heardMs };
  const one = door.roster.agentPresence(agent.id);
  if (stale || one === undefined) return { status: 'offline', task: null, heardMs: said?.heardMs };
  const heldBy = HELD.exec(one.status)?.[1];
  return {
    status: statusOf(heldBy === undefined ? one.status : 'idle', one.task),
    task: one.task,
    heldBy,
    context: one.context,
    heardMs: said.heardMs,
  };
}

/** As its node says it: `held:account`. */
const HELD = /^held:(\w+)$/;

/** Drivers know finer states than the seed's four words. */
function statusOf(said: string, task: OpId | null): AgentStatus {
  if (said === 'waiting') return 'waiting';
  if (said === 'offline' || said === 'exited' || said === 'error' || said === 'starting') return 'offline';
  // A state that no rule knows is never taken for idle.
  return task === null && said === 'idle' ? 'idle' : 'busy';
}
