/** Who votes on a new task: home and whoever it is linked with, or met lately, and may meet again. */
import { describe, expect, it } from 'vitest';
import type { NodeId } from '#core/brand.ts';
import { nodePrincipal } from '#core/brand.ts';
import { Table } from './table.ts';

const options = { settings: { votersMax: 5 } };
const MINUTE_MS = 60_000;

async function aloneAfterLinks(count: number): Promise<Table> {
  const table = await Table.linked(count, options);
  for (let other = 1; other < count; other++) await table.unlink(0, other);
  return table;
}

const votersAt = (table: Table): NodeId[] => table.at(0).core.votersForNewTask();

/** Machine `heir` says that it was made from a backup of machine `old`, and machine 0 learns it. */
async function replace(table: Table, old: number, heir: number): Promise<void> {
  const body = { type: 'node.replaced' as const, old: table.at(old).id, lastSeq: 1 };
  await table.at(heir).append([{ entity: undefined, by: nodePrincipal(table.at(heir).id), body }]);
  await table.settle();
}

describe('voters of a new task', () => {
  it.each([
    [1, 1],
    [2, 1],
    [3, 3],
    [4, 3],
    [5, 5],
    [6, 5],
  ])('of %i linked nodes: %i, home first, each once', async (count, expected) => {
    const voters = votersAt(await Table.linked(count, options));
    expect(voters).toHaveLength(expected);
    expect(new Set(voters).size).toBe(expected);
    expect(voters[0]).toBe((await Table.of(1)).at(0).id);
  });

  it('count nodes met in the last ten minutes, also after a restart', async () => {
    const table = await aloneAfterLinks(3);
    expect(votersAt(table)).toHaveLength(3);
    await table.restart(0, options);
    expect(votersAt(table)).toHaveLength(3);
    const machine = table.at(0);
    machine.nowMs += 11 * MINUTE_MS;
    await machine.tick();
    expect(votersAt(table)).toEqual([machine.id]);
  });

  it('leave out a node that was replaced, unless it is linked', async () => {
    const table = await Table.linked(3, options);
    await replace(table, 1, 2);
    // It runs after all: a node like any other.
    expect(votersAt(table)).toContain(table.at(1).id);
    await table.unlink(0, 1);
    await table.unlink(0, 2);
    // One other is left that may come back: too few for three.
    expect(votersAt(table)).toEqual([table.at(0).id]);
    await table.link(0, 1);
    expect(votersAt(table)).toHaveLength(3);
  });
});
