/** Rows as the node tells them, with what a test wants different. */
import type { Agent, Approval, Frame, Status, SwarmNode, Task } from '../../../web/src/model/frame.ts';

export const HOME = 'a'.repeat(32);
const AT = '2026-02-12T10:00:00Z';

export const taskOf = (n: number, o: Partial<Task> = {}): Task => ({
  id: `${HOME}-${n}`,
  title: `task ${n}`,
  description: '',
  status: 'pending',
  priority: 0,
  required_capabilities: [],
  created_by: HOME,
  assigned_to: null,
  assigned_node: null,
  result: null,
  error: null,
  progress: null,
  project_path: null,
  context: '',
  lamport_ts: n,
  claimed_at: null,
  completed_at: null,
  created_at: AT,
  updated_at: AT,
  alias: null,
  attempt: 0,
  attempts_max: 3,
  home: HOME,
  voters: [HOME],
  claims: 'decided',
  depends_on: [],
  supersedes: null,
  project: null,
  base: null,
  time_limit_s: null,
  budget_usd: null,
  fork: null,
  reason: null,
  pending_reason: null,
  work: null,
  reports: [],
  conflicts: [],
  usage: null,
  truncated: [],
  ...o,
});

export const agentOf = (name: string, o: Partial<Agent> = {}): Agent => ({
  id: `${HOME}-${name}`,
  node_id: HOME,
  name,
  tool: 'shell',
  turns: 'off',
  capabilities: ['shell'],
  tmux_session_id: null,
  project_path: null,
  max_concurrent_tasks: 1,
  account: null,
  budget_usd_day: null,
  home: 'person',
  held_by: null,
  status: 'idle',
  current_task_id: null,
  last_heartbeat: AT,
  lamport_ts: 1,
  registered_at: AT,
  node_name: 'hive',
  paused: false,
  opens: null,
  box: null,
  context: null,
  ...o,
});

/** Asked by agent 2 in the first attempt of task 1. */
export const approvalOf = (n: number, o: Partial<Approval> = {}): Approval => ({
  id: `${HOME}-${n}`,
  state: 'open',
  kind: 'command',
  tool: 'Bash',
  title: `make ${n}`,
  detail: `make ${n}`,
  truncated: false,
  cwd: null,
  paths: [],
  why: 'no rule allows it',
  task_id: `${HOME}-1`,
  task_title: 'task 1',
  attempt: 1,
  agent_id: `${HOME}-2`,
  agent_name: 'ann',
  node_id: HOME,
  node_name: 'hive',
  decided_by: null,
  decided_at: null,
  note: null,
  rule_id: null,
  proposal_id: null,
  lamport_ts: n,
  created_at: AT,
  ...o,
});

export const nodeOf = (id: string, o: Partial<SwarmNode> = {}): SwarmNode => ({
  id,
  name: `node ${id.slice(0, 1)}`,
  status: 'alive',
  addresses: [],
  version: '0.1.0',
  agents: 0,
  http_port: null,
  round_trip_ms: null,
  links: [],
  last_heard_at: null,
  registered_at: AT,
  forked: false,
  replaced_by: null,
  ...o,
});

const statusOf = (tasks: Partial<Status['tasks']>): Status => ({
  node_id: HOME,
  uptime: 1,
  tasks: { total: 0, pending: 0, claimed: 0, in_progress: 0, completed: 0, failed: 0, cancelled: 0, ...tasks },
  agents: { total: 0 },
  name: 'hive',
  role: 'emperor',
  version: '0.1.0',
  http_port: 9090,
  p2p_port: 7101,
  nodes: 1,
  links: 0,
  lamport: 1,
  posts: 0,
  tools: ['shell'],
  log: { ops: 1, sealed: 0, seal_after: 0, size_bytes: 0 },
  boot_check: { state: 'passed', answered: 0, needed: 0, waits_for: [] },
});

export function snapshotOf(
  o: Partial<Extract<Frame, { type: 'snapshot' }>> & { counts?: Partial<Status['tasks']> } = {},
): Extract<Frame, { type: 'snapshot' }> {
  const { counts = {}, ...rest } = o;
  const node = statusOf(counts);
  return {
    type: 'snapshot',
    id: `${HOME}:1`,
    node,
    tasks: [],
    agents: [],
    nodes: [],
    projects: [],
    approvals: [],
    ...rest,
  };
}

/** A task's event, the n-th of the log. */
export const taskEvent = (event: string, n: number, data: Task): Frame => ({
  type: 'task_event',
  event,
  id: `${HOME}:${n}`,
  entity: data.id,
  by: 'user:x',
  data,
});
