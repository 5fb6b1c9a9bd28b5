// Needs: ip, nft, root
/**
 * 1. A node is backed up while its swarm works. 2. The swarm goes on: the node creates, works and votes. 3. Its machine is lost. 4. The old backup
 * becomes a new node, which has forgotten all since, and must contradict nothing of it.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { onLab } from './directed.ts';
import type { LabSwarm } from './lab-swarm.ts';
import type { LabNode } from './node.ts';
import { agreement, createTask, marksIn, recorded, taskAt, taskWhen } from './tasks.ts';

const nodesSchema = z.array(z.object({ id: z.string(), status: z.string(), replaced_by: z.string().nullable() }));

const LEASE_SECONDS = 20;

/** Tasks of three voters at each of the nodes in turn; resolves with their ids when the first of them runs. */
async function work(
  swarm: LabSwarm,
  nodes: readonly LabNode[],
  o: { script: string; count: number },
): Promise<string[]> {
  const ids: string[] = [];
  for (let n = 0; n < o.count; n++) {
    const node = nodes[n % nodes.length];
    if (node === undefined) continue;
    const description = recorded(join(swarm.dir, 'marks'), o.script);
    ids.push((await createTask(node, { title: `task ${n}`, description, attempts_max: 10 })).id);
  }
  return ids;
}

it('goes on from an old backup as a new node, and contradicts nothing', { timeout: 300_000 }, (context) =>
  onLab(context, { nodes: [{}, {}, {}, { starts: false }], leaseSeconds: LEASE_SECONDS }, async (swarm) => {
    const [first, second, lost, heir] = [1, 2, 3, 4].map((number) => swarm.node(number));
    if (first === undefined || second === undefined || lost === undefined || heir === undefined) return;
    const before = [first, second, lost];
    await swarm.linked(3, before);
    const early = await work(swarm, before, { script: 'sleep 0.3', count: 6 });
    const target = join(swarm.dir, 'backup');
    await lost.skep('backup', target);

    // What comes now is in no backup: tasks of which the lost node is home, voter and, for some, grantee in mid-work.
    const late = await work(swarm, before, { script: 'sleep 0.3', count: 9 });
    for (const id of [...early, ...late])
      await taskWhen(first, { id, what: 'is over', withinMs: 60_000, isSo: ({ status }) => status === 'completed' });
    const running = await work(swarm, before, { script: 'sleep 4', count: 6 });
    for (const node of [first, second])
      for (const id of running) await taskWhen(node, { id, what: 'is known', withinMs: 20_000, isSo: () => true });
    await lost.crash();
    rmSync(join(swarm.dir, lost.name), { recursive: true, force: true });

    await heir.skep('restore', target);
    await heir.start();
    const left = [first, second, heir];
    for (const id of [...early, ...late, ...running]) {
      for (const node of left) {
        const isSo = ({ status }: { status: string }): boolean => status === 'completed';
        const task = await taskWhen(node, { id, what: 'is completed', withinMs: 120_000, isSo });
        expect(task.conflicts).toEqual([]);
      }
    }
    await agreement(left, 45_000);
    // The work of before was not done again; only what ran on the machine that was lost.
    for (const id of [...early, ...late]) expect((await taskAt(heir, id)).attempt).toBe(1);
    const starts = marksIn(join(swarm.dir, 'marks')).filter(({ what }) => what === 'start');
    expect(new Set(starts.map(({ task, attempt }) => `${task}.${attempt}`)).size).toBe(starts.length);
    const nodes = nodesSchema.parse(await second.get('/api/swarm/nodes'));
    expect(nodes.find(({ id }) => id === lost.id)).toMatchObject({ status: 'replaced', replaced_by: heir.id });
    expect(swarm.troubles).toEqual([]);
  }),
);
