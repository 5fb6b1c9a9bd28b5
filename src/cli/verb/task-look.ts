/** `skep task list | show | timeline`: looking at tasks. */
import { z } from 'zod';
import type { Agent, Task } from '../answers.ts';
import { agentSchema, nodeSchema, opSchema, projectSchema, read, taskSchema } from '../answers.ts';
import type { Client } from '../client.ts';
import { usedText } from '../cost.ts';
import { ask } from '../client.ts';
import type { ExitCode } from '../exit.ts';
import { EXIT } from '../exit.ts';
import { withNode } from '../find-node.ts';
import { shortId, shortIds, shortNode } from '../short-id.ts';
import { showJson, statusCell } from '../show.ts';
import { pairs, paint, table } from '../table.ts';
import { getTask, TASK_ID, taskPath } from '../task-find.ts';
import { ago, printable, printableLine } from '../text.ts';
import type { Leaf } from '../verb.ts';
import type { World } from '../world.ts';

/** What a list shows when nobody says how many. */
const LIST_DEFAULT = 100;

const STATUSES = ['pending', 'claimed', 'in_progress', 'completed', 'failed', 'cancelled'];

export const taskList: Leaf = {
  name: 'list',
  summary: 'tasks, most urgent first, then oldest first',
  options: [
    { flags: '--status <status>', about: 'only these', choices: STATUSES },
    { flags: '--limit <n>', about: 'at most so many', kind: 'whole', fallback: LIST_DEFAULT },
    { flags: '--offset <n>', about: 'leave out the first ones', kind: 'whole' },
  ],
  examples: [
    ['skep task list', 'all tasks of the swarm'],
    ['skep task list --status failed --json', 'failed ones, for a program'],
  ],
  asksNode: true,
  run: (given, world) =>
    withNode(given, world, async (node) => {
      const query = { status: given.text('status'), limit: given.whole('limit'), offset: given.whole('offset') };
      const body = await ask(node, { method: 'GET', path: '/api/swarm/tasks', query });
      if (given.json) return showJson(body, world);
      const tasks = read(z.array(taskSchema), body);
      if (tasks.length === 0) world.out.write('No tasks. Make one: skep run --shell "echo hello"\n');
      else world.out.write(await tasksTable(tasks, node, world));
      if (tasks.length === (query.limit ?? 0))
        world.err.write(`Only the first ${tasks.length} are shown; --offset and --limit show more.\n`);
      return EXIT.ok;
    }),
};

async function tasksTable(tasks: readonly Task[], node: Client, world: World): Promise<string> {
  const agents = new Map((await agentsOf(node)).map((agent) => [agent.id, agent]));
  const short = shortIds(tasks.map((task) => task.id));
  const columns = [
    { title: 'ID' },
    { title: 'STATUS' },
    { title: 'TITLE', gives: true },
    { title: 'AGENT', gives: true },
    { title: 'CREATED', align: 'right' as const },
  ];
  const rows = tasks.map((task) => [
    short(task.id),
    statusCell(task.status),
    printableLine(task.title),
    printableLine(agentText(task, agents)),
    ago(task.created_at, world.now()),
  ]);
  return table(columns, rows, world.out);
}

const agentsOf = async (node: Client): Promise<Agent[]> =>
  read(z.array(agentSchema), await ask(node, { method: 'GET', path: '/api/swarm/agents' }));

/** `claude-1 on worker-1`, `worker-1-shell-1`; the node's id where the agent has been withdrawn. */
function agentText(task: Task, agents: ReadonlyMap<string, Agent>): string {
  if (task.assigned_to === undefined) return '';
  const agent = agents.get(task.assigned_to);
  const name = agent?.name ?? shortId(task.assigned_to);
  if (task.assigned_node === undefined) return name;
  const node = agent?.node_name ?? shortNode(task.assigned_node);
  // Agents that a node made for itself bear its name already.
  return name.startsWith(`${node}-`) ? name : `${name} on ${node}`;
}

export const taskShow: Leaf = {
  name: 'show',
  summary: 'one task with all that is known of it',
  args: [TASK_ID],
  examples: [
    ['skep task show 3fa9c1d2-12', 'by its short id'],
    ['skep task show last --json', 'the newest task, for a program'],
  ],
  asksNode: true,
  run: (given, world) =>
    withNode(given, world, async (node) => {
      const body = await ask(node, { method: 'GET', path: await taskPath(given.arg(0), node) });
      if (given.json) return showJson(body, world);
      return showTask(read(taskSchema, body), node, world);
    }),
};

async function showTask(task: Task, node: Client, world: World): Promise<ExitCode> {
  const [agents, nodes, projects] = await Promise.all([
    agentsOf(node),
    ask(node, { method: 'GET', path: '/api/swarm/nodes' }).then((body) => read(z.array(nodeSchema), body)),
    ask(node, { method: 'GET', path: '/api/swarm/projects' }).then((body) => read(z.array(projectSchema), body)),
  ]);
  const nodeName = (id: string): string => nodes.find((each) => each.id === id)?.name ?? shortNode(id);
  const now = world.now();
  const reason = task.reason === undefined || task.reason === task.status ? '' : ` (${task.reason})`;
  world.out.write(`${paint(world.out, 'bold', printableLine(task.title))}\n\n`);
  const lines: [string, string][] = [
    ['id', task.id],
    ['status', `${task.status}${reason}`],
    ['waits for', printableLine(task.pending_reason ?? '')],
    ['agent', printableLine(agentText(task, new Map(agents.map((agent) => [agent.id, agent]))))],
    ['attempt', task.attempt === 0 ? '' : `${task.attempt} of ${task.attempts_max}`],
    ['project', printableLine(projects.find((each) => each.id === task.project)?.name ?? task.project ?? '')],
    ['requires', printableLine(task.required_capabilities.join(', '))],
    ['priority', task.priority === 0 ? '' : String(task.priority)],
    [
      'created',
      `${ago(task.created_at, now)}${task.home === undefined ? '' : ` on ${printableLine(nodeName(task.home))}`}`,
    ],
    ['ended', ago(task.completed_at, now)],
    ['decided by', printableLine(task.voters.map(nodeName).join(', '))],
    ['claims', task.claims === 'optimistic' ? 'optimistic: it may run twice' : ''],
    ['progress', printableLine(task.progress ?? '')],
    ['delivered', task.work ? `${task.work.commits} on ${task.work.branch} (${task.work.head.slice(0, 12)})` : ''],
    ['used', usedText(task.usage)],
    ['what to do', printable(task.description).trimEnd()],
    ['result', printable(task.result ?? '').trimEnd()],
    ['error', printable(task.error ?? '').trimEnd()],
  ];
  world.out.write(pairs(lines, world.out));
  return EXIT.ok;
}

export const taskTimeline: Leaf = {
  name: 'timeline',
  summary: 'what happened to a task, in order',
  args: [TASK_ID],
  examples: [['skep task timeline last', 'who claimed it, who got it, how it ended']],
  asksNode: true,
  run: (given, world) =>
    withNode(given, world, async (node) => {
      const body = await ask(node, {
        method: 'GET',
        path: await taskPath((await getTask(given.arg(0), node)).id, node, '/timeline'),
      });
      if (given.json) return showJson(body, world);
      const rows = read(z.array(opSchema), body).map((op) => [
        String(op.lamport_ts),
        op.at,
        op.type,
        printableLine(op.summary),
      ]);
      const columns = [
        { title: 'CLOCK', align: 'right' as const },
        { title: 'AT' },
        { title: 'WHAT' },
        { title: '', gives: true },
      ];
      world.out.write(table(columns, rows, world.out));
      return EXIT.ok;
    }),
};
