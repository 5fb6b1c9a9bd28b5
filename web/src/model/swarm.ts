/**
 * What the page knows of the swarm: a snapshot, then every frame after it, folded. The page decides nothing and asks nothing here: the same
 * frames give the same picture.
 */
import type { Agent, Approval, Frame, Project, Status, SwarmNode, Task } from './frame.ts';
import type { Said } from './said.ts';
import { foldSaid, NOTHING_SAID } from './said.ts';

/** Ended tasks that are kept; the task page and the table ask the node for older ones. */
const ENDED_MAX = 500;
/** So many more are let in before the oldest are looked for. */
const ENDED_SLACK = 100;
/** Lines of the log of what happened while this page was open. */
const LOG_MAX = 200;

export type LogLine = {
  /** Unique in this page. */
  key: number;
  atMs: number;
  event: string;
  /** What it is about, in a few words; empty when nothing better is known than the event. */
  title: string;
  /** Where a click leads: `task` or `agent` and its id. */
  link: { kind: 'task' | 'agent'; id: string } | undefined;
};

/** What was told of while this page was open, summed up: it only grows. */
export type Heard = { created: number; completed: number; failed: number; cancelled: number; costUsd: number };

export type Swarm = {
  /** Where to go on after a break: the id of the last frame of the log. */
  cursor: string | undefined;
  /** Undefined until the first snapshot. */
  node: Status | undefined;
  tasks: ReadonlyMap<string, Task>;
  agents: ReadonlyMap<string, Agent>;
  nodes: ReadonlyMap<string, SwarmNode>;
  projects: ReadonlyMap<string, Project>;
  /** What agents ask and nobody has answered. */
  approvals: ReadonlyMap<string, Approval>;
  /** Grows when a rule or a cap was set or removed, or may have been: whoever shows them asks for them again. */
  settingsChanged: number;
  /** The same of proposals, skills, and files that are handed over. */
  marketChanged: number;
  said: Said;
  /** The last line that was printed, by task, of attempts at work. */
  progress: ReadonlyMap<string, string>;
  /** Newest first. */
  log: readonly LogLine[];
  heard: Heard;
  /** Snapshots so far: after each, whatever was asked of the node may be out of date. */
  snapshots: number;
  /** True when `node` may be out of date: a task changed that is not held here, or so. Whoever sees it asks the node again. */
  isStatusDue: boolean;
};

export const NOTHING: Swarm = {
  cursor: undefined,
  node: undefined,
  tasks: new Map(),
  agents: new Map(),
  nodes: new Map(),
  projects: new Map(),
  approvals: new Map(),
  settingsChanged: 0,
  marketChanged: 0,
  said: NOTHING_SAID,
  progress: new Map(),
  log: [],
  heard: { created: 0, completed: 0, failed: 0, cancelled: 0, costUsd: 0 },
  snapshots: 0,
  isStatusDue: false,
};

/** What frames change, each map only where one of them does: whoever reads another map sees that nothing changed there. */
type Draft = {
  -readonly [K in keyof Swarm]: Swarm[K] extends ReadonlyMap<infer I, infer V> ? Rows<I, V> : Swarm[K];
};

class Rows<I, V> {
  private held: ReadonlyMap<I, V>;
  private own: Map<I, V> | undefined;

  constructor(held: ReadonlyMap<I, V>) {
    this.held = held;
  }

  now(): ReadonlyMap<I, V> {
    return this.own ?? this.held;
  }

  set(id: I, row: V): void {
    this.own ??= new Map(this.held);
    this.own.set(id, row);
  }

  delete(id: I): void {
    if (!this.now().has(id)) return;
    this.own ??= new Map(this.held);
    this.own.delete(id);
  }

  replace(rows: ReadonlyMap<I, V>): void {
    this.held = rows;
    this.own = undefined;
  }
}

/** Folds frames that came together: a map is copied once, however many of them change it. */
export function fold(swarm: Swarm, frames: readonly Frame[], nowMs: number): Swarm {
  const draft: Draft = {
    ...swarm,
    tasks: new Rows(swarm.tasks),
    agents: new Rows(swarm.agents),
    nodes: new Rows(swarm.nodes),
    projects: new Rows(swarm.projects),
    approvals: new Rows(swarm.approvals),
    progress: new Rows(swarm.progress),
  };
  const lines: LogLine[] = [];
  for (const frame of frames) {
    take(draft, frame);
    const line = lineOf(frame, draft);
    if (line !== undefined) lines.unshift({ ...line, atMs: nowMs, key: (swarm.log[0]?.key ?? 0) + lines.length + 1 });
  }
  if (lines.length > 0) draft.log = [...lines, ...swarm.log].slice(0, LOG_MAX);
  if (draft.tasks.now() !== swarm.tasks) forgetOldest(draft.tasks);
  return {
    ...draft,
    said: foldSaid(swarm.said, frames),
    tasks: draft.tasks.now(),
    agents: draft.agents.now(),
    nodes: draft.nodes.now(),
    projects: draft.projects.now(),
    approvals: draft.approvals.now(),
    progress: draft.progress.now(),
  };
}

function take(draft: Draft, frame: Frame): void {
  if ('id' in frame && frame.id !== undefined) draft.cursor = frame.id;
  switch (frame.type) {
    case 'snapshot':
      takeSnapshot(draft, frame);
      return;
    case 'tasks':
      for (const task of frame.tasks) draft.tasks.set(task.id, task);
      return;
    case 'presence':
      draft.nodes.replace(byId(frame.nodes));
      draft.agents.replace(byId(frame.agents));
      return;
    case 'task_event':
      if (frame.data !== null && 'task_id' in frame.data)
        takeGlimpse(draft, { task_id: frame.data.task_id, output: frame.data.output ?? null });
      else if ('entity' in frame) takeTask(draft, frame.data, frame.event);
      if ('agent' in frame && frame.agent) putNews(draft.agents, frame.agent);
      return;
    case 'agent_event':
      put(draft.agents, frame.entity, frame.data);
      return;
    case 'project_event':
      put(draft.projects, frame.entity, frame.data);
      return;
    case 'approval_event':
      put(draft.approvals, frame.entity, frame.data?.state === 'open' ? frame.data : null);
      return;
    case 'rule_event':
      draft.settingsChanged += 1;
      return;
    case 'node_event':
      draft.nodes.set(frame.data.id, frame.data);
      // A node that came may have given the answer that this one waits for after its start; that is not told by itself.
      if (draft.node !== undefined && draft.node.boot_check.state !== 'passed') draft.isStatusDue = true;
      return;
    // Counts of what the page holds anyway, posts of the wall, and what only newer nodes understand.
    case 'status':
    case 'agent_screen':
    case 'new_post':
    case 'message_event':
      return;
    case 'op_event':
      if (frame.event.startsWith('cap_')) draft.settingsChanged += 1;
      if (/^(proposal|skills|file)_/.test(frame.event)) draft.marketChanged += 1;
      return;
  }
}

function takeSnapshot(draft: Draft, frame: Extract<Frame, { type: 'snapshot' }>): void {
  // Without an id there is more to come, and whoever breaks off before begins anew.
  draft.cursor = frame.id;
  draft.snapshots += 1;
  draft.node = frame.node;
  draft.tasks.replace(byId(frame.tasks));
  draft.agents.replace(byId(frame.agents));
  draft.nodes.replace(byId(frame.nodes));
  draft.projects.replace(byId(frame.projects));
  draft.approvals.replace(byId(frame.approvals));
  draft.settingsChanged += 1;
  draft.marketChanged += 1;
  draft.progress.replace(new Map());
  draft.isStatusDue = false;
}

function takeGlimpse(draft: Draft, data: { task_id: string; output: string | null }): void {
  const held = draft.tasks.now().get(data.task_id);
  // A glimpse may come behind the end that it was overtaken by.
  if (data.output === null || (held !== undefined && isEnded(held))) return;
  draft.progress.set(data.task_id, data.output);
}

function takeTask(draft: Draft, task: Task | null, event: string): void {
  if (task === null) return;
  const before = draft.tasks.now().get(task.id);
  draft.heard = heardWith(draft.heard, { task, before, event });
  draft.tasks.set(task.id, task);
  if (task.status !== 'in_progress') draft.progress.delete(task.id);
  if (draft.node === undefined) return;
  if (before === undefined && event !== 'task_created') {
    draft.isStatusDue = true;
    return;
  }
  const counts = { ...draft.node.tasks };
  if (before === undefined) counts.total += 1;
  else counts[before.status] -= 1;
  counts[task.status] += 1;
  draft.node = { ...draft.node, tasks: counts };
}

const ENDS: Readonly<Record<string, 'created' | 'completed' | 'failed' | 'cancelled'>> = {
  task_created: 'created',
  task_completed: 'completed',
  task_failed: 'failed',
  task_cancelled: 'cancelled',
};

/** Of a task that is not held, nobody here knows what it had cost before. */
function heardWith(
  heard: Heard,
  { task, before, event }: { task: Task; before: Task | undefined; event: string },
): Heard {
  const name = ENDS[event];
  const cost = before === undefined ? 0 : (task.usage?.cost_usd ?? 0) - (before.usage?.cost_usd ?? 0);
  // Many nodes may tell of one end.
  const isNews = name !== undefined && (name === 'created' ? before === undefined : before?.status !== name);
  if (!isNews && cost <= 0) return heard;
  const next = { ...heard, costUsd: heard.costUsd + Math.max(0, cost) };
  return isNews ? { ...next, [name]: heard[name] + 1 } : next;
}

/** Every op about a task tells of its agent, which mostly stands as it did. */
function putNews(rows: Rows<string, Agent>, agent: Agent): void {
  if (JSON.stringify(rows.now().get(agent.id)) !== JSON.stringify(agent)) rows.set(agent.id, agent);
}

function put<T>(rows: Rows<string, T>, id: string, row: T | null): void {
  if (row === null) rows.delete(id);
  else rows.set(id, row);
}

const byId = <T extends { id: string }>(rows: readonly T[]): Map<string, T> =>
  new Map(rows.map((row) => [row.id, row]));

function forgetOldest(tasks: Rows<string, Task>): void {
  const ended = [...tasks.now().values()].filter(isEnded);
  if (ended.length <= ENDED_MAX + ENDED_SLACK) return;
  const oldestFirst = ended.toSorted((a, b) => (a.updated_at < b.updated_at ? -1 : 1));
  for (const task of oldestFirst.slice(0, ended.length - ENDED_MAX)) tasks.delete(task.id);
}

export const isEnded = ({ status }: Task): boolean =>
  status === 'completed' || status === 'failed' || status === 'cancelled';

/** Events that come with every task and say little: they would fill the log. */
const QUIET = /^(task_claimed|task_claim_withdrawn|task_progress|task_output|node_links|read_advanced)$/;

function lineOf(frame: Frame, { tasks, agents }: Draft): Omit<LogLine, 'atMs' | 'key'> | undefined {
  if (!('event' in frame) || QUIET.test(frame.event) || !('entity' in frame)) return undefined;
  const { event, entity } = frame;
  const row = 'data' in frame ? frame.data : null;
  const name = row === null ? '' : 'title' in row ? row.title : 'name' in row ? row.name : '';
  if (frame.type === 'task_event') {
    const link = { kind: 'task' as const, id: entity };
    return { event, title: name === '' ? (tasks.now().get(entity)?.title ?? '') : name, link };
  }
  if (frame.type === 'approval_event' && frame.data !== null) {
    const title = `${frame.data.agent_name}: ${frame.data.title}`;
    return { event, title, link: { kind: 'task', id: frame.data.task_id } };
  }
  if (frame.type === 'message_event' && frame.data !== null)
    return { event, title: `${frame.data.from_name} in ${frame.data.to}`, link: undefined };
  const link =
    frame.type === 'agent_event' && agents.now().has(entity) ? { kind: 'agent' as const, id: entity } : undefined;
  return { event, title: name, link };
}
