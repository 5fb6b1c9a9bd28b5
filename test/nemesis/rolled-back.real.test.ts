// Needs: ip, nft, root
/**
 * 1. A node is down for a moment, and somebody copies its data directory. 2. It is back, votes, claims and works. 3. Its machine is lost, and the
 * old copy is put in its place, key and all. 4. It starts, is told by its peers what it forgot, and stops before it wrote or started anything. The
 * others go on; `skep restore` from a backup, or a new directory, is the way back.
 */
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { onLab } from './directed.ts';
import { until } from './lab-swarm.ts';
import type { LabNode } from './node.ts';
import { agreement, createTask, digestAt, marksIn, recorded, taskWhen } from './tasks.ts';

const isCompleted = ({ status }: { status: string }): boolean => status === 'completed';

it(
  'stops a node whose data directory is an old copy, before it did anything; the others go on',
  { timeout: 240_000 },
  (context) => {
    const deaths: string[] = [];
    const onDeath = (node: LabNode, how: string): void => void deaths.push(`${node.name} ended: ${how}`);
    return onLab(context, { nodes: [{}, {}, {}], leaseSeconds: 10, onDeath }, async (swarm) => {
      const [first, second, third] = [1, 2, 3].map((number) => swarm.node(number));
      if (first === undefined || second === undefined || third === undefined) return;
      const file = join(swarm.dir, 'marks');
      const work = async (homes: readonly LabNode[], at: LabNode): Promise<void> => {
        const tasks = [];
        for (const home of homes)
          tasks.push(await createTask(home, { title: 'work', description: recorded(file, 'sleep 0.2') }));
        for (const { id } of tasks)
          await taskWhen(at, { id, what: 'is completed', withinMs: 60_000, isSo: isCompleted });
      };
      await swarm.linked();
      await third.stop();
      const [directory, copy] = [join(swarm.dir, third.name), join(swarm.dir, 'copy')];
      cpSync(directory, copy, { recursive: true, filter: (path) => !path.endsWith('.sock') });
      await third.start();
      await swarm.linked();
      // With three voters a task, it votes on each, works some, and is home of one.
      await work([first, second, third, first, second], first);
      const held = (await digestAt(first)).heads[third.id];
      await third.crash();

      rmSync(directory, { recursive: true });
      cpSync(copy, directory, { recursive: true });
      const before = marksIn(file).length;
      // It may be gone before it is asked how it is.
      await third.start().catch(() => undefined);
      await until('it has stopped', 60_000, async () => !third.isUp);
      expect(deaths).toEqual([expect.stringMatching(/^n3 ended: exit code 1.*older than what the swarm knows of it/)]);
      expect(deaths[0]).toContain('skep restore BACKUP');
      expect(marksIn(file)).toHaveLength(before);
      expect((await digestAt(first)).heads[third.id]).toBe(held);

      await work([first, second], second);
      await agreement([first, second], 45_000);
      const starts = marksIn(file).filter(({ what }) => what === 'start');
      expect(new Set(starts.map(({ task, attempt }) => `${task}.${attempt}`)).size).toBe(starts.length);
      // Whoever tries it again is told again.
      await third.start().catch(() => undefined);
      await until('it has stopped again', 60_000, async () => !third.isUp);
      expect(deaths).toHaveLength(2);
      expect(swarm.troubles).toEqual([]);
    });
  },
);
