/** Attempts at the node that was granted them: started once, after the disk has it; gone on with, stopped, reported. */
import { describe, expect, it } from 'vitest';
import type { OpId } from '#core/brand.ts';
import { userPrincipal } from '#core/brand.ts';
import { FRAME } from '#core/schema/frame.ts';
import { Machine } from '../machine.ts';
import type { Letter } from '../table.ts';
import { Table } from '../table.ts';
import { granted } from '../register/values.ts';
import { present, Writer } from '../writer.ts';
import { cancel, claimants, cleanUp, finish, kinds, opsAbout } from './scene.ts';

async function alone(): Promise<{ machine: Machine; agent: OpId }> {
  const machine = new Machine(0);
  await machine.register();
  return { machine, agent: await machine.agent() };
}

/** Home 0 and machine 1 with an agent that works the task. */
async function working(): Promise<{ table: Table; home: Machine; worker: Machine; task: OpId }> {
  const table = await Table.linked(2);
  const [home, worker] = [table.at(0), table.at(1)];
  await worker.agent();
  await table.settle();
  const task = await home.task();
  await table.settle();
  expect(table.starts(task)).toEqual([{ node: 1, attempt: 1 }]);
  return { table, home, worker, task };
}

describe('an attempt', () => {
  it("starts only after `started` is on this node's disk", async () => {
    const table = await Table.linked(2);
    const [home, worker] = [table.at(0), table.at(1)];
    await worker.agent();
    await table.settle();
    const task = await home.task();
    // Until the grant is on its way back.
    while (home.store.get('task', task)?.grants[1] === undefined) await table.deliver();
    worker.holdDisk();
    await table.settle();
    expect(worker.started()).toEqual([]);
    await worker.releaseDisk();
    expect(worker.started()).toEqual([`${task}/1`]);
    expect(worker.row(task).starts[1]).toBeDefined();
    expect(worker.store.localRow('start', `${task}/1`)).toBeDefined();
  });

  it('starts once, however often the grant is heard', async () => {
    const { table, home, worker, task } = await working();
    const grant = present(home.row(task).grants[1]).value;
    for (let n = 0; n < 3; n++)
      await home.append([
        { entity: task, by: userPrincipal('x'), body: { type: 'task.granted', slot: 1, value: grant } },
      ]);
    await table.settle();
    await table.unlink(0, 1);
    await table.link(0, 1);
    await table.settle();
    expect(table.starts(task)).toHaveLength(1);
    expect(worker.alarms()).toEqual([]);
  });

  it('is not started by a node that only voted for it, or claimed it', async () => {
    const table = await Table.linked(3);
    for (const machine of table.machines) await machine.agent();
    await table.settle();
    const voters = table.machines.map((machine) => machine.id);
    const task = await table.at(0).task({ voters });
    await table.advance(1_000);
    expect(table.starts(task)).toHaveLength(1);
  });

  it('that was granted but not started before a crash starts after it', async () => {
    const { machine } = await alone();
    await machine.run();
    const [agent] = machine.store.list('agent', { limit: 1 });
    const task = await machine.task({ requiredCapabilities: ['shell', 'none'] });
    const value = { ...granted(1, machine.id), agent: present(agent).id };
    // The grant is on disk; the node is killed before it settles the turn.
    const writer = new Writer(3);
    await machine.store.commit({
      ops: [writer.hello(), writer.next({ type: 'task.granted', slot: 1, value }, { entity: task })],
      rows: [],
    });
    const again = machine.restart();
    await again.run();
    expect(again.started()).toEqual([`${task}/1`]);
  });

  it('that was started before a crash is resumed after it, never started', async () => {
    const { machine } = await alone();
    const task = await machine.task();
    expect(machine.started()).toEqual([`${task}/1`]);
    let again = machine.restart();
    for (let crash = 0; crash < 3; crash++) {
      await again.run();
      expect(kinds(again, task)).toEqual(['resume']);
      again = again.restart();
    }
  });

  it('whose start was not on disk at a crash starts after it: nothing had begun', async () => {
    const table = await Table.linked(2);
    const [home, worker] = [table.at(0), table.at(1)];
    await worker.agent();
    await table.settle();
    const task = await home.task();
    while (home.store.get('task', task)?.grants[1] === undefined) await table.deliver();
    worker.holdDisk();
    await table.settle();
    expect(worker.started()).toEqual([]);
    const again = await table.restart(1);
    await table.link(0, 1);
    await table.settle();
    expect(again.started()).toEqual([`${task}/1`]);
  });

  it('that its shell finds gone after a crash ends as lost, and the next one begins', async () => {
    const { table, task } = await working();
    const again = await table.restart(1);
    await table.link(0, 1);
    await table.settle();
    expect(kinds(again, task)).toEqual(['resume']);
    await finish(again, task, { kind: 'lost' });
    await table.settle();
    await cleanUp(again);
    await table.advance(1_000);
    expect(again.row(task).ends[2]?.value.kind).toBe('lost');
    expect(again.started()).toEqual([`${task}/2`]);
  });
});

describe('a grant for an agent that', () => {
  it('is at other work is answered `released`, and that work goes on', async () => {
    const table = await Table.linked(3);
    const [homeA, homeB, worker] = [table.at(0), table.at(1), table.at(2)];
    await worker.agent();
    await table.settle();
    // 1. Home A grants, the worker does not hear it. 2. The claim is withdrawn, home A does not hear that. 3. The agent works for home B.
    const cut = (letter: Letter): boolean =>
      !(('op' in letter.frame || 'ops' in letter.frame) && letter.from === homeA && letter.to !== homeA);
    const first = await homeA.task();
    await table.deliver();
    await table.deliver();
    table.passes = cut;
    await table.advance(31_000);
    expect(homeA.chain(first).running).toBeDefined();
    expect(claimants(worker, first)).toEqual([]);
    const second = await homeB.task();
    await table.settle();
    expect(table.starts(second)).toEqual([{ node: 2, attempt: 1 }]);
    table.passes = () => true;
    await table.advance(61_000);
    expect(worker.row(first).ends[2]?.value).toMatchObject({ kind: 'released', reason: 'refused' });
    expect(worker.chain(second).status).toBe('in_progress');
    expect(table.starts(first).filter(({ attempt }) => attempt === 1)).toEqual([]);
  });

  it('is gone is answered `released`', async () => {
    const { machine, agent } = await alone();
    await machine.append([{ entity: agent, by: userPrincipal('x'), body: { type: 'agent.deregistered' } }]);
    const task = await machine.task();
    const value = { ...granted(1, machine.id), agent };
    await machine.append([{ entity: task, by: userPrincipal('x'), body: { type: 'task.granted', slot: 1, value } }]);
    expect(machine.row(task).ends[2]?.value).toMatchObject({ kind: 'released' });
    expect(machine.started()).toEqual([]);
  });
});

describe('an end', () => {
  it('as the shell saw it is decided, cleaned up, and the agent takes the next task', async () => {
    const { table, home, worker, task } = await working();
    const next = await home.task();
    await table.settle();
    await finish(worker, task, { result: 'done' });
    await table.settle();
    expect(home.chain(task)).toMatchObject({ status: 'completed', ended: { value: { result: 'done' } } });
    expect(kinds(worker, task)).toEqual(['start', 'interrupt', 'clean']);
    expect(table.starts(next)).toEqual([]);
    await cleanUp(worker);
    await table.settle();
    expect(table.starts(next)).toEqual([{ node: 1, attempt: 1 }]);
    expect(worker.store.localRows('start').map(({ key }) => key)).toEqual([`${next}/1`]);
  });

  it('decided otherwise while the node was down interrupts and cleans at its start', async () => {
    const { table, home, task } = await working();
    await table.unlink(0, 1);
    cancel(home, task);
    await home.run();
    expect(home.chain(task).status).toBe('cancelled');
    const again = await table.restart(1);
    await table.link(0, 1);
    await table.settle();
    expect(kinds(again, task)).toEqual(['resume', 'interrupt', 'clean']);
    const once = await table.restart(1);
    await table.settle();
    expect(kinds(once, task)).toEqual(['interrupt', 'clean']);
  });

  it('that no majority decides in five seconds is reported, and the agent is free for other work', async () => {
    const table = await Table.linked(3);
    const [home, worker] = [table.at(0), table.at(1)];
    await worker.agent();
    await table.settle();
    const voters = table.machines.map((machine) => machine.id);
    const task = await home.task({ voters });
    await table.advance(100);
    expect(table.starts(task)).toEqual([{ node: 1, attempt: 1 }]);
    await table.unlink(0, 1);
    await table.unlink(1, 2);
    await table.settle();
    await finish(worker, task, { result: 'alone' });
    await table.advance(5_100);
    expect(opsAbout(worker, task, 'task.reported')).toHaveLength(1);
    expect(worker.chain(task).status).toBe('in_progress');
    await cleanUp(worker);
    const own = await worker.task();
    expect(worker.started().at(-1)).toBe(`${own}/1`);
    expect(table.starts(task)).toHaveLength(1);
  });

  it('that was reported is proposed by whoever holds the report, also when the grantee is gone for good', async () => {
    const table = await Table.linked(3);
    const [home, worker, third] = [table.at(0), table.at(1), table.at(2)];
    await worker.agent();
    await table.settle();
    const task = await home.task({ voters: table.machines.map((machine) => machine.id) });
    await table.advance(100);
    // Home and the worker are cut off, only the report gets through to the third.
    await table.unlink(0, 1);
    await table.unlink(0, 2);
    table.passes = ({ frame }) => frame.type !== FRAME.call;
    await finish(worker, task, { result: 'kept' });
    await table.advance(6_000);
    await table.unlink(1, 2);
    table.passes = () => true;
    await table.link(0, 2);
    await table.advance(30_000);
    expect(home.chain(task)).toMatchObject({ status: 'completed', ended: { value: { result: 'kept' } } });
    expect(third.chain(task).status).toBe('completed');
  });
});
