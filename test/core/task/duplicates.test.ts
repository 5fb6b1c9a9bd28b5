/** Two tasks under one explicit id: the older one stays, the other is cancelled by its home. */
import { describe, expect, it } from 'vitest';
import { Table } from '../table.ts';
import { finish } from './scene.ts';

const MAJORITY = { settings: { votersMax: 3 } };

describe('a task created twice under one id, at two nodes', () => {
  it('is worked once: the later one is cancelled by its home, and says of what it is a duplicate', async () => {
    const table = await Table.linked(3, MAJORITY);
    await table.unlink(0, 1);
    const voters = table.machines.map(({ id }) => id);
    const first = await table.at(0).task({ voters, alias: 'mine' });
    // The clock of the second is ahead: whoever hears of both knows which was first.
    await table.at(1).agent({ capabilities: ['other'] });
    const second = await table.at(1).task({ voters, alias: 'mine' });
    await table.link(0, 1);
    await table.advance(1_000);
    for (const machine of table.machines) {
      expect(machine.chain(first).status).toBe('pending');
      expect(machine.chain(second)).toMatchObject({ status: 'cancelled' });
      expect(machine.chain(second).ended?.value.error).toContain(`a duplicate: ${first}`);
    }
    await table.at(2).agent();
    await table.advance(1_000);
    expect(table.starts(first)).toHaveLength(1);
    expect(table.starts(second)).toEqual([]);
  });

  it('is stopped where the later one runs already, and stays where it is over', async () => {
    const table = await Table.of(2);
    await table.at(1).agent();
    const older = await table.at(0).task({ alias: 'a' });
    const over = await table.at(0).task({ alias: 'b' });
    await table.at(1).agent();
    const running = await table.at(1).task({ alias: 'a' });
    const done = await table.at(1).task({ alias: 'b' });
    await table.advance(100);
    await finish(table.at(1), done);
    await table.advance(100);
    expect(table.at(1).chain(running).status).toBe('in_progress');
    await table.link(0, 1);
    await table.advance(1_000);
    expect(table.at(0).chain(running).status).toBe('cancelled');
    expect(table.at(0).chain(done).status).toBe('completed');
    for (const task of [older, over]) expect(table.at(1).chain(task).status).not.toBe('cancelled');
  });

  it('without an id of its own is nobody’s duplicate', async () => {
    const table = await Table.linked(2);
    const [one, two] = [await table.at(0).task(), await table.at(1).task()];
    await table.advance(1_000);
    for (const task of [one, two]) expect(table.at(0).chain(task).status).toBe('pending');
  });
});
