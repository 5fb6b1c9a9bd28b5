// Needs: ip, nft, root
/**
 * An optimistic task on both sides of a silent partition. 1. All know it, and no agent may take it. 2. The cut comes, then the agents of both sides
 * are let go: each claims, waits its settle window and begins. 3. The cut heals, and one attempt must be what remains.
 */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { onLab } from './directed.ts';
import type { LabSwarm } from './lab-swarm.ts';
import { until } from './lab-swarm.ts';
import type { LabNode } from './node.ts';
import type { Task } from './tasks.ts';
import { agreement, createTask, marksIn, recorded, taskAt, taskWhen } from './tasks.ts';

/** Silence is noticed after a ping that is not answered: 15 s, and what TCP then takes; after the heal links are dialled again. */
const WITHIN_MS = 120_000;
/** Every op moves the Lamport clock: with so many more, the claims of a side come after those of the other. */
const OPS_AHEAD = 20;
const SIZE = { nodes: [{ agents: 0 }, {}, {}], leaseSeconds: 120 };

const agentsSchema = z.array(z.object({ id: z.string(), node_id: z.string(), status: z.string() }));
type Agent = z.output<typeof agentsSchema>[number];

const agentOf = async (node: LabNode, asked = node): Promise<Agent | undefined> =>
  agentsSchema.parse(await asked.get('/api/swarm/agents')).find((one) => one.node_id === node.id);

/** The agents stand still until {@link resume}, and every node knows it. */
async function pauseAll(swarm: LabSwarm): Promise<void> {
  for (const node of swarm.nodes.slice(1)) {
    await until(`${node.name} has its agent`, WITHIN_MS, async () => (await agentOf(node)) !== undefined);
    await set(node, 'pause');
  }
  await agreement(swarm.nodes, WITHIN_MS);
}

async function set(node: LabNode, verb: 'pause' | 'resume'): Promise<void> {
  const agent = await agentOf(node);
  const { status } = await node.request('POST', `/api/swarm/agents/${agent?.id}/${verb}`);
  expect(status).toBe(200);
}

/** Work at this node lasts until its gate is open. */
const gateOf = (swarm: LabSwarm, node: LabNode): string => join(swarm.dir, `gate-${node.name}-shell-1`);
const open = (swarm: LabSwarm, node: LabNode): void => writeFileSync(gateOf(swarm, node), '');

const script = (swarm: LabSwarm): string =>
  recorded(
    join(swarm.dir, 'marks'),
    `while [ ! -e '${swarm.dir}/gate-'"$SKEP_AGENT" ]; do sleep 0.1; done; echo "done by $SKEP_AGENT"`,
  );

const marks = (swarm: LabSwarm, what: 'start' | 'end') =>
  marksIn(join(swarm.dir, 'marks')).filter((mark) => mark.what === what);

/** The task runs at node 2, whose claim is the lower one, and at node 3, alone on its side of the cut. */
async function runsTwice(swarm: LabSwarm): Promise<string> {
  const [home, left, right] = [swarm.node(1), swarm.node(2), swarm.node(3)];
  await swarm.linked();
  await pauseAll(swarm);
  const { id, voters } = await createTask(home, {
    title: 'both sides',
    description: script(swarm),
    claims: 'optimistic',
  });
  expect(voters).toHaveLength(3);
  await agreement(swarm.nodes, WITHIN_MS);
  await swarm.lab.setRule('cut', { kind: 'partition', left: [1, 2], right: [3] });
  for (let n = 0; n < OPS_AHEAD; n++)
    await createTask(right, { title: `ahead ${n}`, description: 'true', required_capabilities: ['nobody'] });
  await set(left, 'resume');
  await set(right, 'resume');
  for (const node of [left, right]) await taskWhen(node, { id, what: 'runs', withinMs: WITHIN_MS, isSo: runsAt(node) });
  await until('it was started twice', WITHIN_MS, async () => marks(swarm, 'start').length === 2);
  expect(marks(swarm, 'start').map(({ attempt }) => attempt)).toEqual([1, 1]);
  expect(await swarm.lab.dropped('cut')).toBeGreaterThan(0);
  return id;
}

const runsAt =
  (node: LabNode) =>
  (task: Task): boolean =>
    task.status === 'in_progress' && task.assigned_node === node.id;

/** The process of the attempt is gone from the machine, and its agent may take other work. */
async function isReverted(node: LabNode): Promise<void> {
  await until(`nothing runs at ${node.name}`, WITHIN_MS, async () => !node.hasWork());
  await until(`the agent of ${node.name} is idle`, WITHIN_MS, async () => (await agentOf(node))?.status === 'idle');
}

/** Every node shows the same end, once. */
async function endedOnceFor(swarm: LabSwarm, id: string, expected: Partial<Task>): Promise<void> {
  for (const node of swarm.nodes) {
    const done = await taskWhen(node, {
      id,
      what: 'is over',
      withinMs: WITHIN_MS,
      isSo: (t) => t.status === 'completed',
    });
    expect(done).toMatchObject({ claims: 'optimistic', attempt: 1, conflicts: [], ...expected });
  }
  await agreement(swarm.nodes, WITHIN_MS);
  expect(marks(swarm, 'start')).toHaveLength(2);
  expect(swarm.troubles).toEqual([]);
}

describe('an optimistic task that was begun on both sides of a cut', () => {
  it('is stopped and reverted at the node of the higher claim, and ends once', { timeout: 400_000 }, (context) =>
    onLab(context, SIZE, async (swarm) => {
      const id = await runsTwice(swarm);
      const [left, right] = [swarm.node(2), swarm.node(3)];
      for (const node of [left, right]) {
        expect(await node.skep('task', 'show', id)).toContain('it may run twice');
        expect(node.hasWork()).toBe(true);
      }

      await swarm.lab.setRule('cut', undefined);
      await isReverted(right);
      for (const node of swarm.nodes)
        await taskWhen(node, { id, what: 'runs on', withinMs: WITHIN_MS, isSo: runsAt(left) });
      expect(left.hasWork()).toBe(true);
      const next = await createTask(left, { title: 'next', description: 'echo free again' });
      const done = await taskWhen(right, {
        id: next.id,
        what: 'is over',
        withinMs: WITHIN_MS,
        isSo: (t) => t.status === 'completed',
      });
      expect(done).toMatchObject({ assigned_node: right.id, result: 'free again' });

      open(swarm, right);
      open(swarm, left);
      await endedOnceFor(swarm, id, { assigned_node: left.id, result: 'done by n2-shell-1', reports: [] });
      expect(marks(swarm, 'end').map(({ task }) => task)).toEqual([id]);
    }),
  );

  it(
    'ends as the node of the higher claim told, where that one finished first, and the other is stopped',
    { timeout: 400_000 },
    (context) =>
      onLab(context, SIZE, async (swarm) => {
        const id = await runsTwice(swarm);
        const [left, right] = [swarm.node(2), swarm.node(3)];
        open(swarm, right);
        const reported = await taskWhen(right, {
          id,
          what: 'is reported',
          withinMs: WITHIN_MS,
          isSo: (t) => t.reports.length > 0,
        });
        expect(reported).toMatchObject({
          status: 'in_progress',
          reports: [{ node: right.id, kind: 'completed', late: false }],
        });

        await swarm.lab.setRule('cut', undefined);
        await endedOnceFor(swarm, id, { assigned_node: right.id, result: 'done by n3-shell-1' });
        await isReverted(left);
        expect(existsSync(gateOf(swarm, left))).toBe(false);
        expect(marks(swarm, 'end')).toHaveLength(1);
      }),
  );

  it(
    'keeps the end that was decided, and shows the other as late, where both finished',
    { timeout: 400_000 },
    (context) =>
      onLab(context, SIZE, async (swarm) => {
        const id = await runsTwice(swarm);
        const [home, left, right] = [swarm.node(1), swarm.node(2), swarm.node(3)];
        open(swarm, left);
        await taskWhen(home, { id, what: 'is over', withinMs: WITHIN_MS, isSo: (t) => t.status === 'completed' });
        open(swarm, right);
        await until('both have ended', WITHIN_MS, async () => marks(swarm, 'end').length === 2);
        expect((await taskAt(right, id)).status).toBe('in_progress');

        await swarm.lab.setRule('cut', undefined);
        for (const node of swarm.nodes)
          await taskWhen(node, {
            id,
            what: 'shows the late result',
            withinMs: WITHIN_MS,
            isSo: (t) => t.reports[0]?.late === true,
          });
        const reports = [{ attempt: 1, node: right.id, kind: 'completed', late: true }];
        await endedOnceFor(swarm, id, { assigned_node: left.id, result: 'done by n2-shell-1', reports });
        await isReverted(right);
      }),
  );
});
