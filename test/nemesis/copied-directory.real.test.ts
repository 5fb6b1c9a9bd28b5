// Needs: ip, nft, root
/**
 * A data directory that was copied runs twice: one key, one log, two machines. Whoever sees both refuses both, so that no log gets two histories
 * that count; once the copy is stopped, the node is welcome again.
 */
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { onLab } from './directed.ts';
import { until } from './lab-swarm.ts';
import type { LabNode } from './node.ts';
import { agreement, createTask, taskAt, taskWhen } from './tasks.ts';

const nodesSchema = z.array(z.object({ id: z.string(), status: z.string(), forked: z.boolean() }));

const stateOf = async (at: LabNode, id: string): Promise<string | undefined> =>
  nodesSchema.parse(await at.get('/api/swarm/nodes')).find((node) => node.id === id)?.status;

it('refuses both runs of a copied data directory, and takes the one that is left', { timeout: 240_000 }, (context) =>
  onLab(
    context,
    { nodes: [{}, { agents: 0 }, { agents: 0 }, { agents: 0, starts: false }], leaseSeconds: 60 },
    async (swarm) => {
      const [first, second, original, copy] = [1, 2, 3, 4].map((number) => swarm.node(number));
      if (first === undefined || second === undefined || original === undefined || copy === undefined) return;
      const others = [first, second, original];
      await swarm.linked(3, others);
      await original.stop();
      cpSync(join(swarm.dir, original.name), join(swarm.dir, copy.name), { recursive: true });
      await original.start();
      await swarm.linked(3, others);

      await copy.start();
      expect(copy.id).toBe(original.id);
      await until('both are refused', 60_000, async () => {
        const states = await Promise.all([first, second].map((node) => stateOf(node, original.id)));
        return states.every((state) => state !== 'alive');
      });
      // It is heard by nobody: what it takes in now is decided when it is welcome again.
      const task = await createTask(original, { title: 'alone', description: 'echo done' });
      expect(task.voters).toHaveLength(3);
      expect((await taskAt(original, task.id)).status).toBe('pending');

      await copy.kill();
      await swarm.linked(3, others);
      for (const node of others)
        await taskWhen(node, {
          id: task.id,
          what: 'is completed',
          withinMs: 60_000,
          isSo: ({ status }) => status === 'completed',
        });
      await agreement(others, 45_000);
      expect(nodesSchema.parse(await first.get('/api/swarm/nodes')).filter(({ forked }) => forked)).toEqual([]);
      expect(swarm.troubles).toEqual([]);
    },
  ),
);
