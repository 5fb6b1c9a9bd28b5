/** When an attempt may be called lost: after a lease of silence, by those who vote, and never against the word of the grantee. */
import { describe, expect, it } from 'vitest';
import type { OpId } from '#core/brand.ts';
import { FRAME } from '#core/schema/frame.ts';
import { LEASE_MS } from '../machine.ts';
import type { Machine } from '../machine.ts';
import type { Letter } from '../table.ts';
import { Table } from '../table.ts';
import { cleanUp, finish, opsAbout } from './scene.ts';

/** Machine 1 works a task of home 0; everybody votes, or home alone. */
async function working(
  count: number,
  o: { voters: 'all' | 'home' },
): Promise<{ table: Table; home: Machine; worker: Machine; task: OpId }> {
  const table = await Table.linked(count);
  const [home, worker] = [table.at(0), table.at(1)];
  await worker.agent();
  await table.settle();
  const voters = o.voters === 'all' ? table.machines.map((machine) => machine.id) : [home.id];
  const task = await home.task({ voters });
  await table.advance(1_000);
  expect(table.starts(task)).toEqual([{ node: 1, attempt: 1 }]);
  return { table, home, worker, task };
}

async function cutOff(table: Table, index: number): Promise<void> {
  for (const machine of table.machines) if (machine.index !== index) await table.unlink(machine.index, index);
}

describe('an attempt whose node is silent', () => {
  it.each([
    ['home', 2],
    ['all', 3],
    ['all', 5],
  ] as const)('is lost after its lease, not before (voters: %s of %i)', async (voters, count) => {
    const { table, home, task } = await working(count, { voters });
    await cutOff(table, 1);
    await table.advance(LEASE_MS - 20_000);
    expect(home.chain(task).status).toBe('in_progress');
    await table.advance(60_000);
    expect(home.row(task).ends[2]?.value).toMatchObject({ kind: 'lost', reason: 'lost' });
  });

  it('is not lost while its node beats, however long it works', async () => {
    const { table, home, task } = await working(3, { voters: 'all' });
    await table.advance(10 * LEASE_MS);
    expect(home.chain(task).status).toBe('in_progress');
    expect(home.store.localRows('proposal')).toEqual([]);
  });

  it('keeps its lease from the start of a voter, not from before', async () => {
    const { table, task } = await working(2, { voters: 'home' });
    await cutOff(table, 1);
    await table.advance(LEASE_MS - 20_000);
    const home = await table.restart(0);
    await table.advance(LEASE_MS - 10_000);
    expect(home.chain(task).status).toBe('in_progress');
    await table.advance(30_000);
    expect(home.row(task).ends[2]?.value.kind).toBe('lost');
  });

  it('keeps its lease from the end of a pause of the voter', async () => {
    const { table, home, task } = await working(2, { voters: 'home' });
    await cutOff(table, 1);
    await table.advance(10_000);
    // SIGSTOP for three minutes: nothing ran, so nothing could be heard.
    home.nowMs += 180_000;
    await home.tick();
    await table.advance(LEASE_MS - 30_000);
    expect(home.chain(task).status).toBe('in_progress');
    await table.advance(60_000);
    expect(home.row(task).ends[2]?.value.kind).toBe('lost');
  });

  it('for one voter alone is not lost: those that hear it refuse', async () => {
    const { table, home, worker, task } = await working(5, { voters: 'all' });
    await table.unlink(0, 1);
    table.passes = ({ from, to, frame }) => !(frame.type === FRAME.agentHeartbeat && from !== worker && to === home);
    await table.advance(3 * LEASE_MS);
    expect(home.chain(task).status).toBe('in_progress');
    table.passes = () => true;
    await finish(worker, task);
    await table.advance(30_000);
    expect(home.chain(task).status).toBe('completed');
  });

  it('keeps its lease through a neighbour that is linked with it', async () => {
    const { table, home, worker, task } = await working(3, { voters: 'home' });
    await table.unlink(0, 1);
    await table.advance(3 * LEASE_MS);
    expect(home.chain(task).status).toBe('in_progress');
    await finish(worker, task);
    await table.advance(30_000);
    expect(home.chain(task).status).toBe('completed');
  });

  it('that is heard again is not called lost by a voter that had asked before, whatever the others promise', async () => {
    const { table, home, task } = await working(3, { voters: 'all' });
    await cutOff(table, 1);
    const promises: Letter[] = [];
    table.passes = (letter) => {
      const isPromise = letter.to === home && letter.frame.type === FRAME.reply;
      if (isPromise) promises.push(letter);
      return !isPromise;
    };
    for (let waitedMs = 0; promises.length === 0 && waitedMs < 2 * LEASE_MS; waitedMs += 100) await table.advance(100);
    // The other voter has promised, and its word is on its way while home hears the node again.
    await table.link(0, 1);
    await table.settle();
    table.passes = () => true;
    for (const { from, to, frame } of promises) await to.receive(from.id, frame);
    await table.advance(1_000);
    expect(promises).not.toEqual([]);
    expect(home.row(task).ends).toEqual({});
    expect(home.chain(task).status).toBe('in_progress');
  });

  it('that is heard again is left alone: the voter stops asking', async () => {
    const { table, home, task } = await working(3, { voters: 'all' });
    await table.unlink(0, 1);
    await table.unlink(1, 2);
    table.passes = ({ frame }) => frame.type !== FRAME.call;
    await table.advance(LEASE_MS + 5_000);
    expect(home.store.localRows('proposal')).toHaveLength(1);
    await table.link(0, 1);
    await table.link(1, 2);
    table.passes = () => true;
    await table.advance(20_000);
    expect(home.chain(task).status).toBe('in_progress');
    const asked = table.delivered.length;
    await table.advance(60_000);
    expect(table.delivered.slice(asked).filter(({ frame }) => frame.type === FRAME.call)).toEqual([]);
  });
});

describe('a lost attempt', () => {
  it('whose work still completes is shown as late, and overwrites nothing', async () => {
    const { table, home, worker, task } = await working(3, { voters: 'all' });
    await table.at(2).agent();
    await table.settle();
    await cutOff(table, 1);
    await table.advance(LEASE_MS + 60_000);
    expect(table.starts(task)).toContainEqual({ node: 2, attempt: 2 });
    await table.link(0, 1);
    await table.link(1, 2);
    await table.settle();
    await finish(worker, task, { result: 'late' });
    await table.settle();
    expect(opsAbout(home, task, 'task.reported')).toHaveLength(1);
    expect(home.row(task).reports[2]?.value.result).toBe('late');
    expect(home.row(task).ends[2]?.value.kind).toBe('lost');
    expect(home.chain(task)).toMatchObject({ status: 'in_progress', attempt: 2 });
    await cleanUp(worker);
    await finish(table.at(2), task, { attempt: 2, result: 'in time' });
    await table.settle();
    expect(home.chain(task).ended?.value.result).toBe('in time');
  });

  it('of home itself, the only voter, ends also where a round was promised before', async () => {
    const table = await Table.linked(2);
    const home = table.at(0);
    await home.agent();
    const task = await home.task();
    await table.settle();
    // Another node's cancellation is promised, and that node is gone before it sends its accept.
    home.core.frame(
      table.at(1).id,
      {
        type: FRAME.call,
        id: 'x',
        from: table.at(1).id,
        to: home.id,
        method: 'slot.prepare',
        lamport: 1,
        deadline_ms: 1_000,
        params: { task, slot: 2, ballot: { round: 1, node: table.at(1).id }, carry: null, wants: 'cancelled' },
      },
      home.clock(),
    );
    await home.run();
    const again = await table.restart(0);
    await finish(again, task, { kind: 'lost' });
    await table.advance(30_000);
    expect(again.row(task).ends[2]?.value.kind).toBe('lost');
  });
});

describe('a silent home', () => {
  it('is stood in for by another voter, which leaves out what home claimed', async () => {
    const table = await Table.linked(3);
    const [home, second, third] = [table.at(0), table.at(1), table.at(2)];
    for (const machine of [home, third]) await machine.agent();
    await table.settle();
    const voters = table.machines.map((machine) => machine.id);
    // Home claims first and dies before it grants.
    table.passes = ({ frame }) => frame.type !== FRAME.call;
    const task = await home.task({ voters });
    await table.deliver();
    await cutOff(table, 0);
    table.passes = () => true;
    await table.advance(10_000);
    expect(second.chain(task).running?.value.node).toBe(third.id);
    expect(table.starts(task).filter(({ node }) => node !== 0)).toEqual([{ node: 2, attempt: 1 }]);
  });

  it('is stood in for also where it was first out of reach of a neighbour, and then of everybody', async () => {
    const table = await Table.linked(4);
    const [home, second, third, worker] = [table.at(0), table.at(1), table.at(2), table.at(3)];
    await worker.agent();
    await table.settle();
    const voters = [home, second, third].map((machine) => machine.id);
    table.passes = ({ frame, to }) => frame.type !== FRAME.call || to === worker;
    const task = await home.task({ voters });
    await table.settle();
    expect(opsAbout(second, task, 'task.claimed')).toHaveLength(1);
    table.passes = () => true;
    // Home's links break one after the other: after the first, the second still reaches it through its neighbours.
    await table.unlink(0, 1);
    await table.settle();
    await table.unlink(0, 3);
    await table.unlink(0, 2);
    await table.advance(10_000);
    expect(table.starts(task)).toEqual([{ node: 3, attempt: 1 }]);
  });
});
