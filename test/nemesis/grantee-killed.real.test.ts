// Needs: ip, nft, root
/**
 * 1. A node is killed while its agent works; the agent goes on under the holder. 2. Its lease ends, a voter has the attempt decided `lost`, and
 * another node does the task. 3. The node comes back and finds the agent's result: it is kept and shown as late, and changes nothing.
 */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { onLab } from './directed.ts';
import { agreement, createTask, marksIn, recorded, taskWhen } from './tasks.ts';

it(
  'works a task elsewhere when its node is killed in mid-work, and shows the late result when it is back',
  {
    timeout: 180_000,
  },
  (context) =>
    onLab(context, { nodes: [{ agents: 0 }, {}, {}], leaseSeconds: 4 }, async (swarm) => {
      await swarm.linked();
      const home = swarm.node(1);
      const file = join(swarm.dir, 'marks');
      const work = 'if [ "$SKEP_ATTEMPT" = 1 ]; then sleep 3; fi; echo "attempt $SKEP_ATTEMPT"';
      const { id } = await createTask(home, { title: 'killed', description: recorded(file, work) });
      const running = await taskWhen(home, {
        id,
        what: 'runs',
        withinMs: 60_000,
        isSo: (task) => task.status === 'in_progress' && marksIn(file).length > 0,
      });
      const killed = swarm.nodes.find((node) => node.id === running.assigned_node);
      expect(running.voters).toHaveLength(3);
      await killed?.kill();

      const done = await taskWhen(home, {
        id,
        what: 'is completed',
        withinMs: 60_000,
        isSo: (t) => t.status === 'completed',
      });
      expect(done).toMatchObject({ attempt: 2, result: 'attempt 2' });
      expect(done.assigned_node).not.toBe(running.assigned_node);

      await killed?.start();
      for (const node of swarm.nodes) {
        const late = await taskWhen(node, {
          id,
          what: 'shows the report',
          withinMs: 60_000,
          isSo: (t) => t.reports.length > 0,
        });
        expect(late).toMatchObject({ status: 'completed', attempt: 2, result: 'attempt 2', conflicts: [] });
        expect(late.reports).toMatchObject([
          { attempt: 1, node: running.assigned_node, kind: 'completed', late: true },
        ]);
      }
      await agreement(swarm.nodes, 45_000);
      const starts = marksIn(file).filter((mark) => mark.what === 'start');
      expect(starts.map((mark) => mark.attempt)).toEqual([1, 2]);
      expect(swarm.troubles).toEqual([]);
    }),
);
