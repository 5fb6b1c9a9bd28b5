/**
 * What the feed tells, in the seed's WebSocket frames: `status`, `task_event`, `agent_event`, `new_post`, and a type of their own for what the
 * seed did not have. One shape an event: a `task_event` holds the task as it is now, an `agent_event` the agent; only glimpses hold less.
 */
import type { Op } from '#core/op.ts';
import type { ArrivalData, Presence, Snapshot } from './feed-events.ts';
import type { AgentJson } from './json/agent.ts';
import type { NodeJson } from './json/node.ts';
import type { StatusJson } from './json/status.ts';
import type { TaskJson } from './json/task.ts';

/** One message to a client. `id` is its place in this node's order of arrival, `<node id>:<n>`; only what is in the log has one. */
export type Frame = { type: string; event?: string; id?: string; [field: string]: unknown };

/** Plain counts, as the seed sends them every 5 seconds: three from its swarm, and the posts from its wall. */
export const statusFrame = ({ tasks, agents, links, posts }: StatusJson): Frame => ({
  type: 'status',
  status: { tasks: tasks.total, agents: agents.total, peers: links, posts },
});

/** Tasks of one frame: a page draws the first ones while it reads the next. */
const FRAME_TASKS_MAX = 200;

/** In pieces where there are many tasks: only the last one has the id, so that whoever breaks off in between begins anew. */
export function snapshotFrames(snapshot: Snapshot, id: string): Frame[] {
  const pieces: TaskJson[][] = [];
  for (let from = 0; from === 0 || from < snapshot.tasks.length; from += FRAME_TASKS_MAX)
    pieces.push(snapshot.tasks.slice(from, from + FRAME_TASKS_MAX));
  return pieces.map((tasks, at) => {
    const last = at === pieces.length - 1 ? { id } : {};
    return at === 0 ? { type: 'snapshot', ...last, ...snapshot, tasks } : { type: 'tasks', ...last, tasks };
  });
}

/** An op that arrived. */
export function arrivalFrame(op: Op, data: ArrivalData, id: string): Frame {
  const { entity, by, type } = data;
  const at = { id, entity, by };
  if (data.task !== undefined) {
    const agent = data.agent === undefined ? {} : { agent: data.agent };
    return { type: 'task_event', event: taskEvent(op, data.task), ...at, data: data.task, ...agent };
  }
  if (data.agent !== undefined) return { type: 'agent_event', event: eventName(type), ...at, data: data.agent };
  if (data.project !== undefined) return { type: 'project_event', event: eventName(type), ...at, data: data.project };
  if (data.node !== undefined) return { type: 'node_event', event: eventName(type), ...at, data: data.node };
  if (data.approval !== undefined)
    return { type: 'approval_event', event: eventName(type), ...at, data: data.approval };
  if (data.rule !== undefined) return { type: 'rule_event', event: eventName(type), ...at, data: data.rule };
  if (data.message !== undefined) return { type: 'message_event', event: eventName(type), ...at, data: data.message };
  if (data.post !== undefined) return { type: 'new_post', ...at, post: data.post };
  return { type: 'op_event', event: eventName(type), ...at, data: null };
}

/** `agent.registered` → `agent_registered`, `task.claimWithdrawn` → `task_claim_withdrawn`. */
const eventName = (type: string): string =>
  type.replaceAll('.', '_').replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** The seed's names where it has one: what it calls assigned is a grant here, and an end that leaves attempts over is its later requeue. */
function taskEvent({ body }: Op, task: TaskJson | null): string {
  if (body.type === 'task.granted') return 'task_assigned';
  if (body.type !== 'task.ended') return eventName(body.type === 'unknown' ? body.typeName : body.type);
  const { kind, attempt } = body.value;
  if (kind === 'completed' || kind === 'cancelled') return `task_${kind}`;
  const wasLast = task !== null && task.status === 'failed' && task.attempt === attempt;
  return wasLast ? 'task_failed' : 'task_requeued';
}

/** Nodes and agents as they stand, for a client that comes back: it may have missed a change, and those are not in the log. */
export const presenceFrame = ({ nodes, agents }: Presence): Frame => ({
  type: 'presence',
  nodes: nodes(),
  agents: agents(),
});

/** An event for each agent and each node that stands otherwise than when it was told of last. */
export function presenceFrames(now: Presence, told: ReadonlyMap<string, string>): Frame[] {
  const isNews = (id: string): boolean => told.get(id) !== now.standings.get(id);
  return [
    ...now
      .nodes()
      .filter(({ id }) => isNews(id))
      .map((node) => ({ type: 'node_event', event: nodeEvent(node, told), entity: node.id, data: node })),
    ...now
      .agents()
      .filter(({ id }) => isNews(id))
      .map((agent) => ({ type: 'agent_event', event: agentEvent(agent), entity: agent.id, data: agent })),
  ];
}

/** What it is now; `node_links` where only whom it is linked with changed. */
const nodeEvent = ({ id, status }: NodeJson, told: ReadonlyMap<string, string>): string =>
  told.get(id)?.startsWith(`${status} `) === true ? 'node_links' : `node_${status}`;

/** The seed says `agent_stopped` of one that is offline. */
const agentEvent = ({ status }: AgentJson): string => `agent_${status === 'offline' ? 'stopped' : status}`;
