/** Caps and memory: who leaves work to others, what it says of it, and when it takes it after all. */
import { describe, expect, it } from 'vitest';
import type { OpId } from '#core/brand.ts';
import { userPrincipal } from '#core/brand.ts';
import type { CapKind } from '#core/schema/body.ts';
import type { Machine, MachineOptions } from '../machine.ts';
import { Table } from '../table.ts';
import { present } from '../writer.ts';
import { cleanUp, finish } from './scene.ts';

const SECOND_MS = 1_000;

const setCap = (machine: Machine, kind: CapKind, name: string, max: number | null) =>
  machine.append([{ entity: undefined, by: userPrincipal('ann'), body: { type: 'cap.set', kind, name, max } }]);

/** Machine 0 is the home of all tasks; each number of `agents` is of one further machine. */
async function scene(
  agents: readonly { tool?: string; account?: string }[][],
  settings: MachineOptions['settings'] = {},
): Promise<{ table: Table; home: Machine; ids: OpId[][] }> {
  const table = await Table.linked(agents.length + 1, { settings });
  const ids: OpId[][] = [];
  for (const [at, ones] of agents.entries()) {
    ids.push([]);
    for (const one of ones) ids[at]?.push(await table.at(at + 1).agent(one));
  }
  await table.settle();
  return { table, home: table.at(0), ids };
}

async function tasks(table: Table, count: number): Promise<OpId[]> {
  const made: OpId[] = [];
  for (let n = 0; n < count; n++) made.push(await table.at(0).task());
  await table.advance(SECOND_MS);
  return made;
}

const starts = (table: Table): number => table.machines.flatMap((machine) => machine.started()).length;
const statuses = (machine: Machine): string[] =>
  present(machine.core.presences().get(machine.id)).agents.map(({ status }) => status);

async function end(table: Table, at: number, task: OpId): Promise<void> {
  await finish(table.at(at), task);
  await table.settle();
  await cleanUp(table.at(at));
  await table.advance(SECOND_MS);
}

describe('a node with a cap of its own', () => {
  it('works so many attempts at once, and takes the next when one is over', async () => {
    const { table } = await scene([[{}, {}, {}]], { maxAgents: 2 });
    const [first] = await tasks(table, 3);
    const worker = table.at(1);
    expect(worker.started()).toHaveLength(2);
    expect(statuses(worker).toSorted((a, b) => (a < b ? -1 : 1))).toEqual(['busy', 'busy', 'held:node']);
    expect(
      table
        .at(0)
        .core.presences()
        .get(worker.id)
        ?.agents.map(({ status }) => status),
    ).toContain('held:node');
    await end(table, 1, present(first));
    expect(worker.started()).toHaveLength(3);
    expect(statuses(worker).toSorted((a, b) => (a < b ? -1 : 1))).toEqual(['busy', 'busy', 'idle']);
  });

  it('counts each tool by itself', async () => {
    const { table, ids } = await scene([[{ tool: 'claude' }, { tool: 'claude' }, { tool: 'codex' }]], {
      maxAgentsOf: { claude: 1 },
    });
    await tasks(table, 3);
    expect(statuses(table.at(1))).toEqual(['busy', 'held:tool', 'busy']);
    expect(table.at(1).core.heldBack(present(ids[0]?.[1]))).toBe(
      '1 at work or claimed, and the cap of claude on this node is 1',
    );
  });

  it('of nothing takes nothing, and says nothing of it before there is work', async () => {
    const { table } = await scene([[{}]], { maxAgents: 0 });
    expect(statuses(table.at(1))).toEqual(['idle']);
    await tasks(table, 1);
    expect(statuses(table.at(1))).toEqual(['held:node']);
    expect(starts(table)).toBe(0);
  });
});

describe('a cap of the swarm', () => {
  it('of an account holds agents on several nodes, and no others', async () => {
    const { table } = await scene([[{ account: 'team' }], [{ account: 'team' }, { account: 'own' }]]);
    await setCap(table.at(0), 'account', 'team', 1);
    await table.settle();
    const [first] = await tasks(table, 3);
    expect(starts(table)).toBe(2);
    const holder = present(table.starts(present(first))[0]).node;
    await end(table, holder, present(first));
    expect(starts(table)).toBe(3);
  });

  it('of a tool counts what is claimed, and lets work begin when it is raised or taken back', async () => {
    const { table } = await scene([[{ tool: 'claude' }], [{ tool: 'claude' }], [{ tool: 'claude' }]]);
    await setCap(table.at(0), 'tool', 'claude', 1);
    await table.settle();
    await tasks(table, 3);
    expect(starts(table)).toBe(1);
    await setCap(table.at(2), 'tool', 'claude', 2);
    await table.advance(SECOND_MS);
    expect(starts(table)).toBe(2);
    await setCap(table.at(1), 'tool', 'claude', null);
    await table.advance(SECOND_MS);
    expect(starts(table)).toBe(3);
  });

  it('of a node is that node’s alone', async () => {
    const { table } = await scene([
      [{}, {}],
      [{}, {}],
    ]);
    await setCap(table.at(0), 'node', table.at(1).id, 1);
    await table.settle();
    await tasks(table, 4);
    expect([table.at(1).started().length, table.at(2).started().length]).toEqual([1, 2]);
  });

  it('ends nothing that runs, and is kept over a restart', async () => {
    const { table } = await scene([[{}, {}]]);
    await tasks(table, 1);
    await setCap(table.at(0), 'node', table.at(1).id, 0);
    await table.advance(SECOND_MS);
    expect(table.at(1).chain(present(table.at(0).store.list('task', { limit: 1 })[0]).id).status).toBe('in_progress');
    const worker = await table.restart(1);
    await table.link(0, 1);
    await tasks(table, 1);
    expect(worker.started()).toEqual([]);
    expect(statuses(worker)).toContain('held:node');
  });
});

describe('a machine that lacks memory', () => {
  it('takes nothing, says why, and looks again while work waits', async () => {
    let lack: string | undefined = 'claude takes about 230 MiB, and 100 MiB are free';
    const asked: number[] = [];
    const { table, ids } = await scene([[{}, {}]], {
      lacksFor: (_agent, taken) => {
        asked.push(taken.length);
        return lack === undefined ? undefined : { why: 'memory', text: lack };
      },
    });
    await table.advance(60 * SECOND_MS);
    expect(asked).toEqual([]);
    await tasks(table, 2);
    expect(starts(table)).toBe(0);
    expect(table.at(1).core.heldBack(present(ids[0]?.[0]))).toBe(lack);
    lack = undefined;
    await table.advance(16 * SECOND_MS);
    expect(starts(table)).toBe(2);
    // The second one was asked about when the first had claimed.
    expect(asked.slice(-2)).toEqual([0, 1]);
  });
});
