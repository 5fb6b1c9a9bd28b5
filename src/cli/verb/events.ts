/** `skep events`: what happens, as it happens. */
import { z } from 'zod';
import { taskSchema } from '../answers.ts';
import type { Client, NodeEvent } from '../client.ts';
import type { ExitCode } from '../exit.ts';
import { EXIT } from '../exit.ts';
import { withNode } from '../find-node.ts';
import type { Given } from '../given.ts';
import { shortId } from '../short-id.ts';
import { paint } from '../table.ts';
import { getTask } from '../task-find.ts';
import { printable, printableLine } from '../text.ts';
import type { Leaf } from '../verb.ts';
import type { World } from '../world.ts';

export const events: Leaf = {
  name: 'events',
  summary: 'what happens, line by line',
  about: 'Without --follow: only how things stand. With --json each event is one line: {"event":…,"data":…}.',
  options: [
    { flags: '-f, --follow', about: 'go on until Ctrl-C' },
    { flags: '--task <id>', about: 'only this task, with what its agent prints' },
    { flags: '--limit <n>', about: 'end after so many events', kind: 'whole' },
  ],
  examples: [
    ['skep events --follow', 'watch the swarm'],
    ['skep events --follow --json | jq .event', 'for a program'],
  ],
  asksNode: true,
  run: (given, world) => withNode(given, world, (node) => showEvents(given, node, world)),
};

async function showEvents(given: Given, node: Client, world: World): Promise<ExitCode> {
  const task = given.text('task');
  const id = task === undefined ? undefined : (await getTask(task, node)).id;
  const limit = given.flag('follow') ? (given.whole('limit') ?? Infinity) : 1;
  const ending = new AbortController();
  const off = world.onInterrupt(() => ending.abort());
  let shown = 0;
  for await (const event of node.events({ task: id }, ending.signal)) {
    if (id !== undefined && !concerns(event, id)) continue;
    const text = given.json ? JSON.stringify(event) : lineOf(event, world);
    if (text !== '') world.out.write(`${text}\n`);
    shown += 1;
    if (shown >= limit) break;
  }
  off();
  return ending.signal.aborted ? EXIT.interrupted : EXIT.ok;
}

/** The snapshot concerns everybody: it says where things stand. */
function concerns({ event, data }: NodeEvent, id: string): boolean {
  if (event === 'snapshot') return true;
  const about = z
    .object({ entity: z.string() })
    .or(z.object({ task_id: z.string() }))
    .safeParse(data);
  if (!about.success) return false;
  return ('entity' in about.data ? about.data.entity : about.data.task_id) === id;
}

const snapshotSchema = z.object({
  n: z.number(),
  tasks: z.array(z.unknown()),
  agents: z.array(z.unknown()),
  nodes: z.array(z.unknown()),
});
const arrivalSchema = z.object({ entity: z.string(), by: z.string(), task: taskSchema.nullish() });
const glimpseSchema = z.object({ task_id: z.string(), progress: z.string().nullish(), output: z.string().optional() });

/** One event for a person: `task.ended   3fa9c1d2-12  completed  Add tests`. Events of newer nodes show their name. */
function lineOf({ event, data }: NodeEvent, world: World): string {
  const name = paint(world.out, 'cyan', event.padEnd(18));
  const snapshot = snapshotSchema.safeParse(data);
  if (snapshot.success) {
    const { nodes, agents, tasks, n } = snapshot.data;
    return `${name} ${nodes.length} nodes, ${agents.length} agents, ${tasks.length} tasks, ${n} ops`;
  }
  const glimpse = glimpseSchema.safeParse(data);
  if (glimpse.success) {
    const { task_id: task, progress, output } = glimpse.data;
    const text = output === undefined ? printableLine(progress ?? '') : printable(output).trimEnd();
    return text === '' ? '' : `${name} ${shortId(task)}  ${text}`;
  }
  const arrival = arrivalSchema.safeParse(data);
  if (!arrival.success) return event === 'presence' ? '' : name.trimEnd();
  const { entity, by, task } = arrival.data;
  const about = task === undefined || task === null ? `by ${by}` : `${task.status}  ${printableLine(task.title)}`;
  return `${name} ${shortId(entity)}  ${about}`;
}
