/** Attempts that end before their agent begins: what is missing may come, and attempts are few. */
import { describe, expect, it } from 'vitest';
import type { OpId } from '#core/brand.ts';
import { simNodeId } from '#sim/crypto.ts';
import type { Machine, MachineOptions } from '../machine.ts';
import { ended } from '../register/values.ts';
import { Table } from '../table.ts';
import { cleanUp, finish, opsAbout } from './scene.ts';

async function failSetup(machine: Machine, task: OpId, attempt: number): Promise<void> {
  const value = { ...ended('failed', attempt), reason: 'setup_failed' } as const;
  machine.core.attemptEnded({ task, attempt, value }, machine.clock());
  await machine.run();
  await cleanUp(machine);
}

describe('a node', () => {
  it('claims no task of a project whose node is away, and does when it is back', async () => {
    const settings: MachineOptions['settings'] = { hasProject: (_, isReachable) => isReachable(simNodeId(0)) };
    const table = await Table.linked(3, { settings });
    const [origin, home, worker] = [table.at(0), table.at(1), table.at(2)];
    await worker.agent();
    const body = { type: 'project.registered', name: 'p', origin: '/x', base: null, setup: null } as const;
    const project = await origin.create(body);
    await table.settle();
    await table.unlink(0, 1);
    await table.unlink(0, 2);
    const task = await home.task({ project });
    await table.settle();
    expect(opsAbout(worker, task, 'task.claimed')).toEqual([]);
    await table.link(0, 2);
    await table.settle();
    expect(table.starts(task)).toEqual([{ node: 2, attempt: 1 }]);
  });

  it('leaves what it could not set up for a while, longer each time, and takes other work meanwhile', async () => {
    const table = await Table.of(1);
    const machine = table.at(0);
    await machine.agent();
    const [task, next] = [await machine.task({ priority: 1 }), await machine.task()];
    for (const attempt of [1, 2]) {
      await table.settle();
      expect(machine.started().at(-1)).toBe(`${task}/${attempt}`);
      await failSetup(machine, task, attempt);
      await finish(machine, next);
      await cleanUp(machine);
      const before = machine.started().length;
      await table.advance(attempt * 5_000 - 1_000);
      expect(machine.started()).toHaveLength(before);
      await table.advance(1_000);
    }
    expect(machine.started()).toEqual([`${task}/1`, `${next}/1`, `${task}/2`, `${task}/3`]);
  });

  it('comes back to each task that it left, not only to the first', async () => {
    const table = await Table.of(1);
    const machine = table.at(0);
    const tasks = [await machine.task({ priority: 1 }), await machine.task()];
    await machine.agent();
    for (const task of tasks) {
      expect(machine.started().at(-1)).toBe(`${task}/1`);
      await failSetup(machine, task, 1);
      await table.advance(1_000);
    }
    for (const [index, task] of tasks.entries()) {
      await table.advance(index === 0 ? 3_000 : 1_000);
      expect(machine.started().at(-1)).toBe(`${task}/2`);
      await finish(machine, task, { attempt: 2 });
      await cleanUp(machine);
    }
  });
});
