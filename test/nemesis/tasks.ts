/** Tasks as a client of a node sees them, and scripts that record every start of themselves. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { canonicalJson } from '#core/canonical.ts';
import type { LabNode } from './node.ts';
import { until } from './lab-swarm.ts';

/** The part of a task that promises speak of. */
export const taskSchema = z.object({
  id: z.string(),
  title: z.string(),
  status: z.enum(['pending', 'claimed', 'in_progress', 'completed', 'failed', 'cancelled']),
  attempt: z.number(),
  assigned_to: z.string().nullable(),
  assigned_node: z.string().nullable(),
  result: z.string().nullable(),
  error: z.string().nullable(),
  reason: z.string().nullable(),
  pending_reason: z.string().nullable(),
  home: z.string(),
  claims: z.enum(['decided', 'optimistic']),
  voters: z.array(z.string()),
  reports: z.array(z.object({ attempt: z.number(), node: z.string(), kind: z.string(), late: z.boolean() })),
  conflicts: z.array(z.number()),
  work: z.object({ commits: z.number() }).nullable(),
});
export type Task = z.output<typeof taskSchema>;

export const isOver = ({ status }: Pick<Task, 'status'>): boolean =>
  status === 'completed' || status === 'failed' || status === 'cancelled';

const digestSchema = z.object({ digest: z.string(), heads: z.record(z.string(), z.number()) });
export type Digest = z.output<typeof digestSchema>;

export async function createTask(node: LabNode, body: Record<string, unknown>): Promise<Task> {
  const { status, body: answer } = await node.request('POST', '/api/swarm/tasks', {
    required_capabilities: ['shell'],
    ...body,
  });
  if (status !== 201) throw new Error(`${node.name} answered ${status}: ${JSON.stringify(answer)}`);
  return taskSchema.parse(answer);
}

export const taskAt = async (node: LabNode, id: string): Promise<Task> =>
  taskSchema.parse(await node.get(`/api/swarm/tasks/${id}`));

export const digestAt = async (node: LabNode): Promise<Digest> =>
  digestSchema.parse(await node.get('/api/swarm/digest'));

/** Resolves with the task as soon as `isSo` holds of it at this node, which may not have heard of it yet. */
export async function taskWhen(
  node: LabNode,
  o: { id: string; what: string; withinMs: number; isSo: (task: Task) => boolean },
): Promise<Task> {
  let task: Task | undefined;
  await until(`task ${o.id} at ${node.name} ${o.what}`, o.withinMs, async () => {
    const { status, body } = await node.request('GET', `/api/swarm/tasks/${o.id}`);
    task = status === 404 ? undefined : taskSchema.parse(body);
    return task !== undefined && o.isSo(task);
  });
  if (task === undefined) throw new Error(`task ${o.id} was there and is gone`);
  return task;
}

/** Resolves with the milliseconds until all these nodes hold the same ops and the same views. */
export const agreement = (nodes: readonly LabNode[], withinMs: number): Promise<number> =>
  until(`${nodes.map((node) => node.name).join(', ')} agree`, withinMs, async () => {
    const digests = await Promise.all(nodes.map(digestAt));
    return new Set(digests.map(canonicalJson)).size === 1;
  });

/**
 * Resolves with the milliseconds until every node holds what any of them holds now. Tasks may go on meanwhile, so that more comes: agreement of a
 * swarm at work.
 */
export async function sharing(nodes: readonly LabNode[], o: { withinMs: number; lookMs?: number }): Promise<number> {
  const sinceMs = performance.now();
  const wanted = new Map<string, number>();
  for (const { heads } of await Promise.all(nodes.map(digestAt))) {
    for (const [author, seq] of Object.entries(heads)) wanted.set(author, Math.max(seq, wanted.get(author) ?? 0));
  }
  const look = async (): Promise<boolean> => {
    const held = await Promise.all(nodes.map(digestAt));
    return held.every(({ heads }) => [...wanted].every(([author, seq]) => (heads[author] ?? 0) >= seq));
  };
  await until('all nodes hold what any held at the heal', o.withinMs, look, o.lookMs);
  return performance.now() - sinceMs;
}

/** One line of the file into which scripts write: they alone know whether they were started. */
export type Mark = { what: 'start' | 'end'; task: string; attempt: number; agent: string; upSeconds: number };

/** A script that records its start before it does anything, and its end when it got so far. A short line appended at once is never torn. */
export const recorded = (file: string, work: string): string => {
  const mark = (what: Mark['what']): string =>
    `read -r up _ </proc/uptime; echo "${what} $SKEP_TASK $SKEP_ATTEMPT $SKEP_AGENT $up" >>'${file}'`;
  return `${mark('start')}\n${work}\ncode=$?\n${mark('end')}\nexit $code\n`;
};

export function marksIn(file: string): Mark[] {
  return readFileSync(file, { encoding: 'utf8', flag: 'a+' })
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [what, task = '', attempt, agent = '', up] = line.split(' ');
      if (what !== 'start' && what !== 'end') throw new Error(`no mark: ${line}`);
      return { what, task, attempt: Number(attempt), agent, upSeconds: Number(up) };
    });
}
