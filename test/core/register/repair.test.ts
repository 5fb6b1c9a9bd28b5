/** A decision without its op: whoever can tell it appends it, so that no chain waits for ever behind a hole. */
import { describe, expect, it } from 'vitest';
import type { OpId } from '#core/brand.ts';
import { FRAME } from '#core/schema/frame.ts';
import type { Machine } from '../machine.ts';
import { Table } from '../table.ts';
import { ended, granted } from './values.ts';

/** Calls a voter as another node would. */
async function call(from: Machine, to: Machine, o: { method: string; params: unknown }): Promise<void> {
  await to.receive(from.id, {
    type: FRAME.call,
    id: `${from.index}.${o.method}`,
    from: from.id,
    to: to.id,
    lamport: 1,
    deadline_ms: 1_000,
    ...o,
  });
}

async function pendingTask(): Promise<{ table: Table; task: OpId }> {
  const table = await Table.linked(3, { settings: { votersMax: 3 } });
  const task = await table.at(0).task({ voters: table.machines.map(({ id }) => id) });
  await table.settle();
  return { table, task };
}

describe('a slot whose decision became no op', () => {
  it('is told by whoever voted on the next one: the vote keeps what opened it', async () => {
    const { table, task } = await pendingTask();
    const voter = table.at(2);
    const grant = granted(1, table.at(1).id);
    const params = {
      task,
      slot: 2,
      ballot: { round: 0, node: table.at(1).id },
      value: ended('completed'),
      carry: grant,
    };
    await call(table.at(1), voter, { method: 'slot.accept', params });
    expect(voter.row(task).grants).toEqual({});
    await table.advance(4_000);
    for (const machine of table.machines) expect(machine.row(task).grants[1]?.value).toEqual(grant);
  });

  it('also after a restart of that voter', async () => {
    const { table, task } = await pendingTask();
    const grant = granted(1, table.at(1).id);
    const params = { task, slot: 2, ballot: { round: 1, node: table.at(1).id }, wants: 'completed', carry: grant };
    await call(table.at(1), table.at(2), { method: 'slot.prepare', params });
    const voter = await table.restart(2);
    for (const other of [0, 1]) await table.link(2, other);
    await table.advance(4_000);
    expect(voter.row(task).grants[1]?.value).toEqual(grant);
  });

  it('is found by its voters, who ask one another', async () => {
    const { table, task } = await pendingTask();
    const grant = granted(1, table.at(1).id);
    const params = { task, slot: 1, ballot: { round: 0, node: table.at(0).id }, value: grant, carry: null };
    // Two of three voted for it; the node that counted their votes is gone.
    for (const voter of [1, 2]) await call(table.at(0), table.at(voter), { method: 'slot.accept', params });
    for (const other of [1, 2]) await table.unlink(0, other);
    await table.advance(15_000);
    for (const voter of [1, 2]) expect(table.at(voter).row(task).grants[1]?.value).toEqual(grant);
    expect(table.alarms()).toEqual([]);
  });
});
