// Needs: ip, nft, root
/** The node that created a task is cut off by a silent partition: nobody is told, frames just do not arrive. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { onLab } from './directed.ts';
import { agreement, createTask, marksIn, recorded, taskAt, taskWhen } from './tasks.ts';

/** Silence is noticed after a ping that is not answered: 15 s, and what TCP then takes. */
const NOTICED_WITHIN_MS = 120_000;

describe('a home that is cut off', () => {
  it(
    'with three voters: what runs ends, what waits is given out, and the home agrees when it is back',
    {
      timeout: 240_000,
    },
    (context) =>
      onLab(context, { nodes: [{ agents: 0 }, {}, {}], leaseSeconds: 60 }, async (swarm) => {
        await swarm.linked();
        const [home, other] = [swarm.node(1), swarm.node(2)];
        const file = join(swarm.dir, 'marks');
        const first = await createTask(home, { title: 'runs', description: recorded(file, 'sleep 4') });
        const second = await createTask(home, {
          title: 'waits',
          description: recorded(file, 'true'),
          depends_on: [first.id],
        });
        expect(second.voters).toHaveLength(3);
        await taskWhen(other, {
          id: first.id,
          what: 'runs',
          withinMs: 60_000,
          isSo: (t) => t.status === 'in_progress',
        });
        await taskWhen(other, { id: second.id, what: 'waits', withinMs: 60_000, isSo: (t) => t.status === 'pending' });
        await swarm.lab.setRule('home', { kind: 'partition', left: [1], right: [2, 3] });

        const completed = (id: string) =>
          taskWhen(other, {
            id,
            what: 'is completed',
            withinMs: NOTICED_WITHIN_MS,
            isSo: (t) => t.status === 'completed',
          });
        await completed(first.id);
        await completed(second.id);
        expect((await taskAt(home, second.id)).status).toBe('pending');
        expect(await swarm.lab.dropped()).toBeGreaterThan(0);

        await swarm.lab.setRule('home', undefined);
        await agreement(swarm.nodes, 45_000);
        expect(await taskAt(home, second.id)).toMatchObject({ status: 'completed', attempt: 1, conflicts: [] });
        const starts = marksIn(file).filter((mark) => mark.what === 'start');
        expect(starts.map((mark) => mark.task)).toEqual([first.id, second.id]);
        expect(swarm.troubles).toEqual([]);
      }),
  );

  it('with one voter: its tasks wait, and say so', { timeout: 240_000 }, (context) =>
    onLab(context, { nodes: [{ agents: 0 }, {}], leaseSeconds: 60 }, async (swarm) => {
      await swarm.linked();
      const [home, worker] = [swarm.node(1), swarm.node(2)];
      const file = join(swarm.dir, 'marks');
      const first = await createTask(home, { title: 'runs', description: recorded(file, 'sleep 4') });
      const second = await createTask(home, { title: 'waits', description: recorded(file, 'true') });
      expect(second.voters).toEqual([home.id]);
      await taskWhen(worker, { id: first.id, what: 'runs', withinMs: 60_000, isSo: (t) => t.status === 'in_progress' });
      await taskWhen(worker, { id: second.id, what: 'waits', withinMs: 60_000, isSo: (t) => t.status === 'pending' });
      await swarm.lab.setRule('home', { kind: 'partition', left: [1], right: [2] });

      const waits = await taskWhen(worker, {
        id: second.id,
        what: 'says what it waits for',
        withinMs: NOTICED_WITHIN_MS,
        isSo: (task) => task.pending_reason?.includes('which is away') === true,
      });
      expect(waits).toMatchObject({ status: 'pending', pending_reason: 'depends on n1, which is away' });
      const reported = await taskWhen(worker, {
        id: first.id,
        what: 'is reported',
        withinMs: 60_000,
        isSo: (task) => task.reports.length > 0,
      });
      expect(reported).toMatchObject({ status: 'in_progress', reports: [{ kind: 'completed', late: false }] });
      const cancelled = await worker.request('POST', `/api/swarm/tasks/${second.id}/cancel`, {});
      expect(cancelled).toMatchObject({ status: 503, body: { code: 'home_unreachable' } });

      await swarm.lab.setRule('home', undefined);
      for (const { id } of [first, second]) {
        const done = await taskWhen(worker, {
          id,
          what: 'is over',
          withinMs: 60_000,
          isSo: (t) => t.status === 'completed',
        });
        expect(done).toMatchObject({ attempt: 1, conflicts: [] });
      }
      await agreement(swarm.nodes, 45_000);
      expect(marksIn(file).filter((mark) => mark.what === 'start')).toHaveLength(2);
      expect(swarm.troubles).toEqual([]);
    }),
  );
});
