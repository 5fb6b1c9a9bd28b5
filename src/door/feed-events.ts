/** What the events of the feed hold. */
import type { AgentScreen } from '#core/agent-terminal.ts';
import type { OpId } from '#core/brand.ts';
import { parsedOpId, nodeIdOf } from '#core/brand.ts';
import { isOpenToAll } from '#core/channel/rules.ts';
import { isKnownApproval } from '#core/view/approval.ts';
import { taskChain } from '#core/view/chain.ts';
import { isKnownMessage } from '#core/view/message.ts';
import { isLiveRule } from '#core/view/rule.ts';
import type { TaskRow } from '#core/view/task.ts';
import type { Glimpse } from '#core/glimpse.ts';
import type { Arrival } from '#ports.ts';
import type { Door } from './door.ts';
import type { FeedEvent } from './feed.ts';
import { arrivalFrame, presenceFrame, presenceFrames, snapshotFrames } from './frames.ts';
import type { AgentJson } from './json/agent.ts';
import { agentJson, agentNow } from './json/agent.ts';
import type { ApprovalJson, RuleJson } from './json/approval.ts';
import { approvalJson, openApprovals, ruleJson } from './json/approval.ts';
import type { MessageJson } from './json/message.ts';
import { messageJson } from './json/message.ts';
import type { NodeJson, ProjectJson } from './json/node.ts';
import { nodeJson, nodeNow, nodesJson, projectJson } from './json/node.ts';
import type { PostJson } from './json/op.ts';
import { postJson, typeName } from './json/op.ts';
import type { StatusJson } from './json/status.ts';
import { statusJson } from './json/status.ts';
import type { TaskJson } from './json/task.ts';
import { isKnownTask, taskJson } from './json/task.ts';

/** Open tasks in a snapshot, the most urgent ones: a page shows no more, and GET tasks has the rest. */
const SNAPSHOT_OPEN_MAX = 1_000;
/** Ended tasks in a snapshot, the newest ones. */
const SNAPSHOT_ENDED_MAX = 200;

/** First event of a stream: everything a page shows, as of arrival `n`. */
export type Snapshot = {
  n: number;
  node: StatusJson;
  tasks: TaskJson[];
  agents: AgentJson[];
  nodes: NodeJson[];
  projects: ProjectJson[];
  /** What waits for somebody's answer. */
  approvals: ApprovalJson[];
};

/** An op that arrived, and what it speaks of as it is now: null when that is no longer there. */
export type ArrivalData = {
  n: number;
  type: string;
  entity: string;
  by: string;
  task?: TaskJson | null;
  agent?: AgentJson | null;
  project?: ProjectJson | null;
  node?: NodeJson;
  post?: PostJson | null;
  approval?: ApprovalJson | null;
  rule?: RuleJson | null;
  /** Only what was said where anybody may come in: a viewer follows this, too. */
  message?: MessageJson | null;
};

/** Made when somebody asks, and then kept. */
function once<T>(make: () => T): () => T {
  let made: { value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}

export function snapshotEvent(door: Door): FeedEvent {
  door.roster.lookAgain();
  const n = door.node.store.lastArrival();
  const snapshot: Snapshot = {
    n,
    node: statusJson(door),
    tasks: snapshotTasks(door),
    agents: agentsJson(door),
    nodes: nodesJson(door),
    projects: door.roster.projects().map(projectJson),
    approvals: openApprovals(door),
  };
  return {
    name: 'snapshot',
    n,
    json: once(() => JSON.stringify(snapshot)),
    frames: () => snapshotFrames(snapshot, eventId(n, door)),
  };
}

/** By which a client goes on after an event, at this node. */
const eventId = (n: number, door: Door): string => `${door.node.info.self}:${n}`;

const agentsJson = (door: Door): AgentJson[] => door.roster.agents().map((agent) => agentJson(agent, door));

function snapshotTasks(door: Door): TaskJson[] {
  const { store } = door.node;
  const open = store.list('task', {
    where: { open: 1 },
    order: [
      ['priority', 'desc'],
      ['created', 'asc'],
    ],
    limit: SNAPSHOT_OPEN_MAX,
  });
  const ended = store.list('task', { where: { open: 0 }, order: [['created', 'desc']], limit: SNAPSHOT_ENDED_MAX });
  return [...open, ...ended].filter(isKnownTask).map((row) => taskJson(row, door));
}

export const arrivalEvents = (arrivals: readonly Arrival[], door: Door): FeedEvent[] =>
  arrivals.map((arrival) => {
    const data = arrivalData(arrival, door);
    return {
      name: typeName(arrival.op),
      n: arrival.n,
      json: once(() => JSON.stringify(data)),
      frames: () => [arrivalFrame(arrival.op, data, eventId(arrival.n, door))],
    };
  });

function arrivalData({ n, op }: Arrival, door: Door): ArrivalData {
  const { header } = op;
  const data: ArrivalData = { n, type: typeName(op), entity: header.entity, by: header.by };
  const { type } = op.body;
  const { store } = door.node;
  if (type.startsWith('task.') || type === 'usage.recorded')
    return { ...data, ...taskData(store.get('task', header.entity), door) };
  if (type.startsWith('agent.')) return { ...data, agent: liveAgentJson(header.entity, door) };
  if (type.startsWith('project.')) {
    const project = door.roster.projects().find((one) => one.id === header.entity);
    return { ...data, project: project === undefined ? null : projectJson(project) };
  }
  if (type === 'node.registered') return { ...data, node: nodeJson(header.node, door) };
  if (op.body.type === 'node.replaced') return { ...data, node: nodeJson(op.body.old, door) };
  if (op.body.type === 'node.revoked' || op.body.type === 'node.retired')
    return { ...data, node: nodeJson(op.body.node, door) };
  if (op.body.type === 'log.forked') return { ...data, node: nodeJson(nodeIdOf(op.body.node), door) };
  if (type === 'post.created') {
    const post = store.get('post', header.entity);
    return { ...data, post: post === undefined ? null : postJson(post) };
  }
  if (type.startsWith('approval.')) {
    const approval = store.get('approval', header.entity);
    return { ...data, approval: isKnownApproval(approval) ? approvalJson(approval, door) : null };
  }
  if (type.startsWith('rule.')) {
    const rule = store.get('rule', header.entity);
    return { ...data, rule: isLiveRule(rule) ? ruleJson(rule) : null };
  }
  if (type.startsWith('message.') || type === 'question.closed') {
    const row = store.get('message', header.entity);
    const isOpen = isKnownMessage(row) && isOpenToAll(store, row.sent.channel);
    return { ...data, message: isOpen ? messageJson(row, door) : null };
  }
  return data;
}

/** A grant or an end changes what an agent does, too. */
function taskData(row: TaskRow | undefined, door: Door): Pick<ArrivalData, 'task' | 'agent'> {
  if (!isKnownTask(row)) return { task: null };
  const task = taskJson(row, door);
  const chain = taskChain(row);
  const agent = chain.running?.value.agent ?? (task.assigned_to === null ? undefined : parsedOpId(task.assigned_to));
  return agent === undefined ? { task } : { task, agent: liveAgentJson(agent, door) };
}

function liveAgentJson(id: string, door: Door): AgentJson | null {
  const agent = door.roster.agents().find((one) => one.id === id);
  return agent === undefined ? null : agentJson(agent, door);
}

/** Nodes and agents as they stand. Built only where somebody reads them: most of the time nothing changed. */
export type Presence = {
  nodes: () => NodeJson[];
  agents: () => AgentJson[];
  /** By id, the part of it that is news when it changes: not when somebody was last heard. */
  standings: ReadonlyMap<string, string>;
};

export function presenceOf(door: Door): Presence {
  const { roster } = door;
  const standings = new Map<string, string>();
  for (const { id } of roster.nodes()) {
    const { status, http_port: port, links } = nodeNow(id, door);
    standings.set(id, `${status} ${port} ${links.join(' ')}`);
  }
  for (const agent of roster.agents()) {
    const { status, task, heldBy, context } = agentNow(agent, door);
    standings.set(agent.id, `${status} ${task} ${heldBy} ${context?.tokens} ${context?.max}`);
  }
  return { nodes: once(() => nodesJson(door)), agents: once(() => agentsJson(door)), standings };
}

/** True when a reader would see no difference: beats that repeat themselves are no news. */
export const standsAlike = (now: Presence, told: ReadonlyMap<string, string>): boolean =>
  now.standings.size === told.size && [...now.standings].every(([id, standing]) => told.get(id) === standing);

/** `told`: the standings that were told last, where there is somebody who heard them. */
export const presenceEvent = (now: Presence, told?: ReadonlyMap<string, string>): FeedEvent => ({
  name: 'presence',
  n: undefined,
  json: once(() => JSON.stringify({ nodes: now.nodes(), agents: now.agents() })),
  frames: () => (told === undefined ? [presenceFrame(now)] : presenceFrames(now, told)),
});

export const glimpseEvent = ({ task, agent, attempt, status, progress }: Glimpse): FeedEvent => {
  const about = { task_id: task, agent_id: agent, attempt, status };
  return {
    name: 'progress',
    n: undefined,
    json: once(() => JSON.stringify({ ...about, progress })),
    frames: () => [{ type: 'task_event', event: 'task_progress', data: { ...about, output: progress } }],
  };
};

export const outputEvent = ({ task, agent, attempt, output, transcript }: Glimpse): FeedEvent => {
  const data = { task_id: task, agent_id: agent, attempt, output, transcript };
  return {
    name: 'output',
    n: undefined,
    json: once(() => JSON.stringify(data)),
    frames: () => [{ type: 'task_event', event: 'task_output', data }],
  };
};

export const screenEvent = (agent: OpId, { text, columns, rows, cursor }: AgentScreen): FeedEvent => {
  const data = { agent_id: agent, text, columns, rows, cursor };
  return {
    name: 'screen',
    n: undefined,
    json: () => JSON.stringify(data),
    frames: () => [{ type: 'agent_screen', data }],
  };
};
