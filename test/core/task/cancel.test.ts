/** Cancelling at whatever door: pending, running, over, and where no majority can be reached. */
import { describe, expect, it } from 'vitest';
import { opIdOf } from '#core/brand.ts';
import { Machine } from '../machine.ts';
import { Table } from '../table.ts';
import { cancel, cleanUp, finish, kinds } from './scene.ts';

describe('a task that is cancelled', () => {
  it('while it is pending is over, at any door, and nobody starts it', async () => {
    for (const door of [0, 1]) {
      const table = await Table.linked(2);
      const task = await table.at(0).task();
      await table.settle();
      const answer = cancel(table.at(door), task);
      await table.at(door).run();
      await table.advance(1_000);
      expect(answer.outcome).toBe('cancelled');
      await table.at(1).agent();
      await table.settle();
      for (const machine of table.machines) {
        expect(machine.chain(task)).toMatchObject({
          status: 'cancelled',
          slot: 1,
          attempt: 0,
          ended: { value: { by: 'user:test' } },
        });
      }
      expect(table.starts(task)).toEqual([]);
    }
  });

  it('while it runs stops the agent with that reason, wherever it was asked', async () => {
    for (const door of [0, 1, 2]) {
      const table = await Table.linked(3);
      const worker = table.at(1);
      await worker.agent();
      await table.settle();
      const task = await table.at(0).task();
      await table.settle();
      const answer = cancel(table.at(door), task);
      await table.at(door).run();
      await table.advance(1_000);
      expect(answer.outcome).toBe('cancelled');
      expect(worker.chain(task)).toMatchObject({ status: 'cancelled', slot: 2, attempt: 1 });
      expect(worker.actions).toContainEqual(expect.objectContaining({ kind: 'interrupt', reason: 'cancelled' }));
      expect(kinds(worker, task)).toEqual(['start', 'interrupt', 'clean']);
      await cleanUp(worker);
      expect(worker.store.localRows('start')).toEqual([]);
    }
  });

  it('twice is answered twice', async () => {
    const table = await Table.linked(2);
    const task = await table.at(0).task();
    await table.settle();
    const answers = [cancel(table.at(0), task), cancel(table.at(0), task), cancel(table.at(1), task)];
    for (const machine of table.machines) await machine.run();
    await table.advance(1_000);
    expect(answers.map((answer) => answer.outcome)).toEqual(['cancelled', 'cancelled', 'cancelled']);
    const again = cancel(table.at(0), task);
    await table.at(0).run();
    expect(again.outcome).toBe('over');
  });

  it('after it is over, or where it is unknown, stays as it is', async () => {
    const machine = new Machine(0);
    await machine.register();
    await machine.agent();
    const task = await machine.task();
    await finish(machine, task);
    const answers = [cancel(machine, task), cancel(machine, opIdOf(machine.id, 99))];
    await machine.run();
    expect(answers.map((answer) => answer.outcome)).toEqual(['over', 'over']);
    expect(machine.chain(task).status).toBe('completed');
  });

  it('while its grant is on its way is cancelled in the next slot', async () => {
    const table = await Table.linked(2);
    await table.at(1).agent();
    await table.settle();
    const task = await table.at(0).task();
    await table.deliver();
    table.at(0).holdDisk();
    await table.deliver();
    const answer = cancel(table.at(0), task);
    await table.at(0).releaseDisk();
    await table.advance(10_000);
    expect(answer.outcome).toBe('cancelled');
    expect(table.at(1).chain(task).status).toBe('cancelled');
  });
});

describe('a cancellation that reaches no majority', () => {
  it('is answered in five seconds, and nothing is decided', async () => {
    const table = await Table.linked(2);
    const task = await table.at(0).task();
    await table.settle();
    await table.unlink(0, 1);
    const answer = cancel(table.at(1), task);
    await table.at(1).run();
    await table.advance(4_900);
    expect(answer.outcome).toBeUndefined();
    await table.advance(200);
    expect(answer.outcome).toBe('unreachable');
    expect(table.at(1).chain(task).status).toBe('pending');
  });

  it('is not taken up again after a restart, nor when home is back', async () => {
    const table = await Table.linked(2);
    const task = await table.at(0).task();
    await table.settle();
    await table.unlink(0, 1);
    cancel(table.at(1), task);
    await table.at(1).run();
    await table.advance(5_100);
    const again = await table.restart(1);
    await table.link(0, 1);
    await table.advance(60_000);
    expect(again.chain(task).status).toBe('pending');
    expect(again.store.localRows('proposal')).toHaveLength(1);
    const later = cancel(again, task);
    await again.run();
    await table.advance(1_000);
    expect(later.outcome).toBe('cancelled');
    expect(again.store.localRows('proposal')).toEqual([]);
  });

  it('at the door of the grantee takes nothing away from work that completes later', async () => {
    const table = await Table.linked(2);
    const [home, worker] = [table.at(0), table.at(1)];
    await worker.agent();
    await table.settle();
    const task = await home.task();
    await table.settle();
    await table.unlink(0, 1);
    const answer = cancel(worker, task);
    await worker.run();
    await table.advance(6_000);
    expect(answer.outcome).toBe('unreachable');
    await finish(worker, task);
    await table.link(0, 1);
    await table.advance(10_000);
    expect(home.chain(task).status).toBe('completed');
  });

  it('is answered in time also where the end of the attempt has waited for that majority before', async () => {
    const table = await Table.linked(2);
    const [home, worker] = [table.at(0), table.at(1)];
    await worker.agent();
    await table.settle();
    const task = await home.task();
    await table.settle();
    await table.unlink(0, 1);
    await finish(worker, task);
    const answer = cancel(worker, task);
    await worker.run();
    await table.advance(5_100);
    expect(answer.outcome).toBe('unreachable');
    await table.link(0, 1);
    await table.advance(10_000);
    expect(home.chain(task).status).toBe('completed');
  });
});
