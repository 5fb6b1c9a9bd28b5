/** Optimistic tasks: the lowest claim holds the attempt, in every partition; losers stop; one end is decided and stays. */
import { describe, expect, it } from 'vitest';
import type { OpId } from '#core/brand.ts';
import { acceptSchema } from '#core/register/acceptor.ts';
import { FRAME } from '#core/schema/frame.ts';
import { holderOf, isLate } from '#core/view/chain.ts';
import { present } from '../writer.ts';
import type { Machine } from '../machine.ts';
import { Table } from '../table.ts';
import { cancel, cleanUp, finish, kinds, opsAbout } from './scene.ts';

/** Three nodes, each with an idle agent, linked with all others. */
async function threeAgents(): Promise<{ table: Table; agents: OpId[] }> {
  const table = await Table.linked(3, { settings: { votersMax: 3 }, roundTripMs: 4 });
  const agents: OpId[] = [];
  for (const machine of table.machines) agents.push(await machine.agent());
  await table.settle();
  return { table, agents };
}

const optimistic = (table: Table, home = 0): Promise<OpId> =>
  table.at(home).task({ claims: 'optimistic', voters: table.machines.map(({ id }) => id), attemptsMax: 2 });

const holder = (machine: Machine, task: OpId): string | undefined => machine.chain(task).running?.value.node;

/** Cuts one node off from the two others. */
async function cutOff(table: Table, index: number): Promise<void> {
  for (const other of [0, 1, 2]) if (other !== index) await table.unlink(index, other);
}

async function heal(table: Table, index: number): Promise<void> {
  for (const other of [0, 1, 2]) if (other !== index) await table.link(index, other);
  await table.settle();
}

describe('an optimistic task', () => {
  it('is begun by the lowest claim, once the settle window is over, and asks no voter for it', async () => {
    const { table } = await threeAgents();
    const task = await optimistic(table);
    await table.settle();
    const lowest = present(holder(table.at(0), task));
    for (const machine of table.machines) {
      expect(holder(machine, task)).toBe(lowest);
      expect(machine.row(task).grants).toEqual({});
    }
    expect(table.starts(task)).toEqual([]);
    await table.advance(49);
    expect(table.starts(task)).toEqual([]);
    await table.advance(1);
    expect(table.starts(task)).toEqual([{ node: nodeOf(table, lowest).index, attempt: 1 }]);
    expect(table.at(0).chain(task).status).toBe('in_progress');
  });

  it('waits four median round trips where they are longer', async () => {
    const table = await Table.linked(3, { settings: { votersMax: 3 }, roundTripMs: 30 });
    await table.at(0).agent();
    await table.settle();
    const task = await optimistic(table);
    await table.advance(119);
    expect(table.starts(task)).toEqual([]);
    await table.advance(1);
    expect(table.starts(task)).toHaveLength(1);
  });

  it('leaves losers free: their claims are withdrawn, and they take other work', async () => {
    const { table } = await threeAgents();
    const tasks = [await optimistic(table), await optimistic(table), await optimistic(table)];
    await table.advance(1_000);
    const holders = tasks.map((task) => holder(table.at(0), task));
    expect(new Set(holders)).toEqual(new Set(table.machines.map(({ id }) => id)));
  });

  it('ends once, for all, also where two finished it', async () => {
    const { table } = await threeAgents();
    const task = await bothSides(table);
    const [first, second] = workers(table, task);
    await finish(present(first), task, { result: 'mine' });
    await finish(present(second), task, { result: 'yours' });
    await heal(table, 2);
    await table.advance(30_000);
    const ends = table.machines.map((machine) => machine.chain(task));
    expect(ends.map(({ status }) => status)).toEqual(['completed', 'completed', 'completed']);
    expect(new Set(ends.map(({ ended }) => JSON.stringify(ended?.value))).size).toBe(1);
    const { ended } = present(ends[0]);
    expect(holderOf(table.at(0).row(task), 1)?.value).toEqual(ended?.value.grant);
    const [taken, late] = ended?.value.grant?.node === first?.id ? [first, second] : [second, first];
    for (const machine of table.machines) {
      const report = present(machine.row(task).reports[2]);
      expect(report.stamp.node).toBe(late?.id);
      expect(isLate(present(ended).value, { kind: report.value.kind, node: report.stamp.node })).toBe(true);
      expect(isLate(present(ended).value, { kind: 'completed', node: present(taken).id })).toBe(false);
    }
    expect(table.alarms()).toEqual([]);
  });

  it('stops the loser in the middle of its work, and its agent is free when that is cleaned', async () => {
    const { table, agents } = await threeAgents();
    const task = await bothSides(table);
    await heal(table, 2);
    await table.advance(1_000);
    const winner = present(holder(table.at(0), task));
    const loser = present(workers(table, task).find(({ id }) => id !== winner));
    expect(kinds(loser, task)).toEqual(['start', 'interrupt', 'clean']);
    expect(kinds(nodeOf(table, winner), task)).toEqual(['start']);
    expect(opsAbout(table.at(0), task, 'task.claimWithdrawn').map(({ node }) => node)).toContain(loser.id);
    await cleanUp(loser);
    const next = await optimistic(table);
    await table.advance(1_000);
    expect(agents[loser.index]).toBe(table.at(0).chain(next).running?.value.agent);
  });

  it('is not ended by how the loser that was stopped ended, also where that one restarts before it is cleaned', async () => {
    const { table } = await threeAgents();
    const task = await bothSides(table);
    await heal(table, 2);
    await table.advance(1_000);
    const winner = present(holder(table.at(0), task));
    const loser = present(workers(table, task).find(({ id }) => id !== winner));
    await finish(loser, task, { kind: 'failed' });
    await table.advance(30_000);
    for (const machine of table.machines) {
      expect(machine.chain(task)).toMatchObject({ status: 'in_progress', attempt: 1 });
      expect(machine.row(task).reports).toEqual({});
    }
    expect(kinds(await table.restart(loser.index), task)).toEqual(['interrupt', 'clean']);
    await finish(nodeOf(table, winner), task, { result: 'mine' });
    await table.advance(30_000);
    expect(table.at(0).chain(task).ended?.value).toMatchObject({ kind: 'completed', attempt: 1, result: 'mine' });
  });

  it('without a majority is worked and reported, and decided after heal', async () => {
    const { table } = await threeAgents();
    const task = await optimistic(table, 2);
    await cutOff(table, 2);
    await table.advance(100);
    const own = table.at(2);
    expect(holder(own, task)).toBe(own.id);
    await finish(own, task, { result: 'done alone' });
    await table.advance(6_000);
    expect(own.row(task).reports[2]?.value).toMatchObject({ kind: 'completed', result: 'done alone' });
    expect(own.chain(task).status).toBe('in_progress');
    await heal(table, 2);
    await table.advance(30_000);
    for (const machine of table.machines)
      expect(machine.chain(task).ended?.value).toMatchObject({ kind: 'completed', result: 'done alone' });
  });

  it('goes to the next attempt when its node is gone, and can be cancelled at any time', async () => {
    const { table } = await threeAgents();
    const task = await optimistic(table);
    await table.advance(1_000);
    const gone = table.find(present(table.at(0).chain(task).running).value.node).index;
    await cutOff(table, gone);
    await table.advance(140_000);
    const left = present(table.machines.find(({ index }) => index !== gone));
    expect(left.row(task).ends[2]?.value.kind).toBe('lost');
    expect(left.chain(task)).toMatchObject({ attempt: 2, status: 'in_progress' });
    const answer = cancel(left, task);
    await table.advance(6_000);
    expect(answer.outcome).toBe('cancelled');
    expect(left.chain(task)).toMatchObject({ status: 'cancelled', slot: 4 });
  });

  it('has its ends decided in two phases, whoever proposes: nobody owns their ballot 0', async () => {
    const { table } = await threeAgents();
    const task = await optimistic(table);
    await table.advance(1_000);
    await finish(nodeOf(table, present(holder(table.at(0), task))), task);
    await table.advance(1_000);
    expect(table.at(0).chain(task).status).toBe('completed');
    const rounds = table.delivered.flatMap(({ frame }) =>
      frame.type === FRAME.call && frame.method === 'slot.accept'
        ? [acceptSchema.parse(frame.params).ballot.round]
        : [],
    );
    expect(new Set(rounds)).toEqual(new Set([1]));
  });

  it('that nobody claimed can be cancelled, and stays so', async () => {
    const table = await Table.linked(3, { settings: { votersMax: 3 } });
    const task = await optimistic(table);
    await table.settle();
    const answer = cancel(table.at(0), task);
    await table.at(0).run();
    await table.settle();
    expect(answer.outcome).toBe('cancelled');
    await table.at(1).agent();
    await table.advance(1_000);
    expect(table.starts(task)).toEqual([]);
    expect(table.at(2).chain(task)).toMatchObject({ status: 'cancelled' });
  });
});

/** Known to all, then begun on both sides of a cut: at node 2, and at one of the two others. */
async function bothSides(table: Table): Promise<OpId> {
  // Claims of either side do not cross.
  table.passes = ({ from, to, frame }) =>
    (from.index === 2) === (to.index === 2) || ('op' in frame && frame.op[1].includes('task.created'));
  const task = await optimistic(table);
  await table.settle();
  await cutOff(table, 2);
  await table.advance(1_000);
  table.passes = () => true;
  expect(table.starts(task)).toHaveLength(2);
  return task;
}

const nodeOf = (table: Table, id: string): Machine => present(table.machines.find((machine) => machine.id === id));

const workers = (table: Table, task: OpId): Machine[] => table.starts(task).map(({ node }) => table.at(node));
