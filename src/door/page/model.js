/** What the page knows of the swarm: a snapshot, then every change, from one stream of events. */

/** Ended tasks that are kept; the rest is a matter of the API. */
const ENDED_MAX = 300;
/** Lines of the log. */
const LOG_MAX = 100;
/** Between two looks whether the node is back and whether this browser is still logged in. */
const RETRY_MS = 2_000;

export const state = {
  node: undefined,
  tasks: new Map(),
  agents: new Map(),
  nodes: new Map(),
  projects: new Map(),
  /** By task id, of attempts at work. */
  progress: new Map(),
  /** Newest first. */
  log: [],
  connection: 'connecting',
  lastEventId: '',
};

/** @type {Set<(event: string, data: unknown) => void>} */
const listeners = new Set();

/** Calls back after every change, with the event that made it. */
export function onChange(listener) {
  listeners.add(listener);
}

function changed(event, data) {
  for (const listener of listeners) listener(event, data);
}

/** An op's type; every event of that name changes one thing. */
const OPS = [
  'task.created',
  'task.claimed',
  'task.claimWithdrawn',
  'task.granted',
  'task.started',
  'task.ended',
  'task.reported',
  'agent.registered',
  'agent.deregistered',
  'project.registered',
  'project.removed',
  'node.registered',
  'node.replaced',
  'log.forked',
];

/** Opens the stream, and opens it again whenever it ends. */
export function connect() {
  const after = state.lastEventId === '' ? '' : `?after=${encodeURIComponent(state.lastEventId)}`;
  const source = new EventSource(`api/events${after}`);
  const on = (name, apply) =>
    source.addEventListener(name, (event) => {
      if (event.lastEventId !== '') state.lastEventId = event.lastEventId;
      const data = JSON.parse(event.data);
      apply(data);
      changed(name, data);
    });
  on('snapshot', takeSnapshot);
  on('presence', takePresence);
  on('progress', (data) => state.progress.set(data.task_id, data));
  for (const name of OPS) on(name, takeOp);
  source.onopen = () => setConnection('live');
  source.onerror = () => {
    setConnection('reconnecting');
    // The browser comes back by itself unless the node refused it: then ask why.
    if (source.readyState === EventSource.CLOSED) setTimeout(() => void comeBack(), RETRY_MS);
  };
}

async function comeBack() {
  const answer = await fetch('api/swarm/status').catch(() => undefined);
  if (answer?.status === 401) location.reload();
  else connect();
}

function setConnection(connection) {
  state.connection = connection;
  changed('connection', undefined);
}

const byIdOf = (rows) => new Map(rows.map((row) => [row.id, row]));

function takeSnapshot(data) {
  state.node = data.node;
  state.tasks = byIdOf(data.tasks);
  state.agents = byIdOf(data.agents);
  state.nodes = byIdOf(data.nodes);
  state.projects = byIdOf(data.projects);
}

function takePresence(data) {
  state.nodes = byIdOf(data.nodes);
  state.agents = byIdOf(data.agents);
}

function takeOp(data) {
  put(state.agents, data.agent, data.type.startsWith('agent.') ? data.entity : undefined);
  put(state.projects, data.project, data.entity);
  put(state.nodes, data.node, undefined);
  const before = state.tasks.get(data.entity);
  put(state.tasks, data.task, undefined);
  if (data.task) count(before, data.task);
  if (data.task && isEnded(data.task)) {
    state.progress.delete(data.entity);
    forgetOldest();
  }
  state.log.unshift({ at: new Date(), type: data.type, entity: data.entity, title: titleOf(data) });
  state.log.length = Math.min(state.log.length, LOG_MAX);
}

const titleOf = ({ task, agent, project, node }) => task?.title ?? project?.name ?? agent?.name ?? node?.name ?? '';

function put(rows, row, goneId) {
  if (row) rows.set(row.id, row);
  else if (row === null && goneId !== undefined) rows.delete(goneId);
}

/** Keeps the counts of the snapshot right: the node counts also what this page does not hold. */
function count(before, after) {
  const { tasks } = state.node;
  if (before !== undefined) tasks[before.status] -= 1;
  else if (after.updated_at === after.created_at) tasks.total += 1;
  else return;
  tasks[after.status] += 1;
}

function forgetOldest() {
  const ended = [...state.tasks.values()].filter(isEnded);
  if (ended.length <= ENDED_MAX) return;
  const oldest = ended.reduce((a, b) => (a.updated_at <= b.updated_at ? a : b));
  state.tasks.delete(oldest.id);
}

export const isEnded = ({ status }) => status === 'completed' || status === 'failed' || status === 'cancelled';

/** Open tasks first, in the order in which agents take them; then the ended ones, newest first. */
export function sortedTasks() {
  return [...state.tasks.values()].sort((a, b) => {
    if (isEnded(a) !== isEnded(b)) return isEnded(a) ? 1 : -1;
    if (isEnded(a))
      return a.updated_at < b.updated_at ? 1 : a.updated_at > b.updated_at ? -1 : b.lamport_ts - a.lamport_ts;
    return b.priority - a.priority || (a.created_at < b.created_at ? -1 : 1);
  });
}

export const nodeName = (id) => state.nodes.get(id)?.name || id.slice(0, 8);
export const agentName = (id) => state.agents.get(id)?.name ?? 'an agent that is gone';

/** Asks this node; throws an `Error` with the refusal's text. */
export async function api(method, path, body) {
  const init =
    body === undefined
      ? { method }
      : { method, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
  const answer = await fetch(path, init);
  const json = await answer.json();
  if (!answer.ok) throw new Error(json.expected ? `${json.error} (expected: ${json.expected})` : json.error);
  return json;
}

export const taskPath = (id) => `api/swarm/tasks/${encodeURIComponent(id)}`;
