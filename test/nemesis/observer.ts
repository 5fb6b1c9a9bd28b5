/** Looks at every node all the time, as pages do: follows its events, and at the end asks it for all it holds. */
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { NodeGone, NodeRefused } from '#cli/client.ts';
import type { Finale, Step } from './check.ts';
import type { History } from './history.ts';
import type { LabNode } from './node.ts';
import type { Task } from './tasks.ts';
import { digestAt, taskSchema } from './tasks.ts';

/** Before a node that went away is asked again. */
const AGAIN_MS = 300;
/** A digest reads all heads: often enough to be asked right before many a crash, and not felt otherwise. */
const WEIGH_MS = 400;
/** Tasks in one answer. */
const PAGE = 500;
const WORKS_MAX = 50;
/** A clone and a transfer may come first. */
const DIFF_WITHIN_MS = 60_000;

const snapshotSchema = z.object({ tasks: z.array(z.unknown()) });
const arrivalSchema = z.object({ task: z.unknown() });
const stepsSchema = z.array(
  z.object({ type: z.string(), attempt: z.number().nullable(), agent_id: z.string().nullable(), summary: z.string() }),
);
const diffSchema = z.object({ text: z.string() });
const agentsSchema = z.array(z.object({ id: z.string(), name: z.string(), status: z.string() }));

/** Asks a node over its lives what it holds, until the signal says stop. */
export async function weigh(node: LabNode, history: History, until: AbortSignal): Promise<void> {
  while (!until.aborted) {
    try {
      if (node.isUp) history.held(node.name, (await digestAt(node)).heads);
    } catch (error) {
      if (!(error instanceof NodeGone || error instanceof NodeRefused)) throw error;
    }
    await sleep(WEIGH_MS, undefined, { signal: until }).catch(() => undefined);
  }
}

/** Follows a node over its lives until the signal says stop. */
export async function follow(node: LabNode, history: History, until: AbortSignal): Promise<void> {
  while (!until.aborted) {
    try {
      if (node.isUp) for await (const { data } of node.events(until)) take(node, data, history);
    } catch (error) {
      // It was killed, or it stops; it comes back.
      if (!(error instanceof NodeGone || error instanceof NodeRefused)) throw error;
    }
    await sleep(AGAIN_MS, undefined, { signal: until }).catch(() => undefined);
  }
}

function take(node: LabNode, data: unknown, history: History): void {
  const snapshot = snapshotSchema.safeParse(data);
  if (snapshot.success) for (const task of snapshot.data.tasks) history.observed(node.name, task);
  const arrival = arrivalSchema.safeParse(data);
  if (arrival.success) history.observed(node.name, arrival.data.task);
}

/** Numbers of tasks that are not over at this node. */
export async function openTasks(node: LabNode): Promise<number> {
  const { tasks } = z.object({ tasks: z.record(z.string(), z.number()) }).parse(await node.get('/api/swarm/status'));
  return (tasks['pending'] ?? 0) + (tasks['claimed'] ?? 0) + (tasks['in_progress'] ?? 0);
}

/** True when no agent of the swarm has anything to do, as this node sees it. */
export async function allIdle(node: LabNode): Promise<boolean> {
  return agentsSchema.parse(await node.get('/api/swarm/agents')).every(({ status }) => status === 'idle');
}

export async function finaleOf(node: LabNode, history: History): Promise<Finale> {
  const tasks = new Map<string, Task>();
  for (let offset = 0; ; offset += PAGE) {
    const page = z.array(z.unknown()).parse(await node.get(`/api/swarm/tasks?limit=${PAGE}&offset=${offset}`));
    for (const value of page) {
      history.observed(node.name, value);
      const task = taskSchema.parse(value);
      tasks.set(task.id, task);
    }
    if (page.length < PAGE) break;
  }
  const timelines = new Map<string, Step[]>();
  for (const id of tasks.keys())
    timelines.set(id, stepsSchema.parse(await node.get(`/api/swarm/tasks/${id}/timeline`)));
  const agents = agentsSchema.parse(await node.get('/api/swarm/agents'));
  return { node: node.name, tasks, timelines, agents: new Map(agents.map(({ id, name }) => [id, name])) };
}

/** Finally: delivered work can be looked at from any node. Asks the nodes in turn, for the newest works. */
export async function checkDelivered(
  nodes: readonly LabNode[],
  tasks: Iterable<Task>,
  history: History,
): Promise<void> {
  const works = [...tasks].filter(({ status, work }) => status === 'completed' && work !== null).slice(-WORKS_MAX);
  for (const [index, { id, attempt }] of works.entries()) {
    const node = nodes[index % nodes.length];
    const answer = await node?.request('GET', `/api/swarm/tasks/${id}/diff`, undefined, DIFF_WITHIN_MS);
    const diff = diffSchema.safeParse(answer?.body);
    if (!diff.success || !diff.data.text.includes(`work-${id}-${attempt}`))
      history.broken(`finally/work-is-held: ${id} cannot be shown at ${node?.name}: ${JSON.stringify(answer?.body)}`);
  }
}
