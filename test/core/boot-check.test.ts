/** After a start a node asks its peers what they know of it, before it votes, appends, claims or starts anything. */
import { describe, expect, it } from 'vitest';
import { ForgottenError } from '#core/boot-check.ts';
import { userPrincipal } from '#core/brand.ts';
import { simCrypto } from '#sim/crypto.ts';
import { copyOfDisk } from '#sim/rollback.ts';
import { MemoryStore } from '#store/memory.ts';
import type { Machine } from './machine.ts';
import { Table } from './table.ts';
import { postBody } from './writer.ts';

const MAJORITY = { settings: { votersMax: 3 } };
const draft = { entity: undefined, by: userPrincipal('test'), body: postBody('x') };
const append = (machine: Machine): unknown => machine.core.append([draft], machine.clock());
const state = (machine: Machine): string => machine.core.standing().state;

/** All that is on its disk now. */
const copyOf = (machine: Machine): MemoryStore =>
  copyOfDisk(machine.store, (options) => new MemoryStore(options), { crypto: simCrypto(machine.index) });

/** Three nodes that know one another, of which the first was started anew and is linked with nobody. */
async function startedAnew(o: { agent?: boolean } = {}): Promise<{ table: Table; node: Machine }> {
  const table = await Table.linked(3, MAJORITY);
  if (o.agent === true) await table.at(0).agent();
  await table.settle();
  return { table, node: await table.restart(0, { comparing: true }) };
}

describe('a node that starts', () => {
  it('with an empty log, or knowing nobody, has nothing to ask', async () => {
    const table = await Table.of(1);
    expect(state(table.at(0))).toBe('passed');
    expect(state(await table.restart(0, { comparing: true }))).toBe('passed');
  });

  it('appends nothing until a majority of its peers told what they know', async () => {
    const { table, node } = await startedAnew();
    expect(append(node)).toBe('comparing');
    expect(node.core.standing()).toMatchObject({ state: 'comparing', answered: 0, needed: 2 });
    await table.link(0, 1);
    await table.settle();
    expect(append(node)).toBe('comparing');
    expect(node.core.standing()).toMatchObject({ answered: 1, awaited: [table.at(2).id] });
    await table.link(0, 2);
    await table.settle();
    expect(node.core.standing()).toEqual({ state: 'passed', answered: 2, needed: 2, awaited: [] });
    expect(append(node)).toHaveLength(1);
  });

  it('claims nothing and votes on nothing until then, and does both after it', async () => {
    const { table, node } = await startedAnew({ agent: true });
    await table.link(0, 1);
    await table.settle();
    const task = await table.at(1).task({ voters: [table.at(1).id, node.id, table.at(2).id] });
    await table.unlink(1, 2);
    await table.advance(10_000);
    // Its vote would make the majority, and its agent is the only one.
    expect(table.at(1).row(task).claims).toEqual({});
    await table.link(0, 2);
    await table.advance(10_000);
    expect(table.starts(task)).toEqual([{ node: 0, attempt: 1 }]);
    expect(table.alarms()).toEqual([]);
  });

  it('is told of by the state of its check, once for each', async () => {
    const { table, node } = await startedAnew();
    for (const other of [1, 2]) await table.link(0, other);
    await table.settle();
    expect(node.actions.filter(({ kind }) => kind === 'checked')).toEqual([{ kind: 'checked', state: 'passed' }]);
  });
});

describe('a node whose peers stay away', () => {
  it('goes on after 30 s with what depends on it alone', async () => {
    const { table, node } = await startedAnew({ agent: true });
    await table.advance(29_999);
    expect(append(node)).toBe('comparing');
    await table.advance(1);
    expect(state(node)).toBe('alone');
    expect(node.core.votersForNewTask()).toEqual([node.id]);
    const shared = await node.task({ voters: table.machines.map(({ id }) => id) });
    const own = await node.task();
    await table.advance(1_000);
    expect(table.starts(own)).toHaveLength(1);
    expect(node.row(shared).claims).toEqual({});
  });

  it('takes up the rest when a majority of them is back', async () => {
    const { table, node } = await startedAnew({ agent: true });
    await table.advance(30_000);
    const shared = await node.task({ voters: table.machines.map(({ id }) => id) });
    for (const other of [1, 2]) await table.link(0, other);
    await table.advance(1_000);
    expect(state(node)).toBe('passed');
    expect(table.starts(shared)).toHaveLength(1);
  });

  it('does not wait for one that was away for ten minutes, now or before', async () => {
    const { table, node } = await startedAnew();
    await table.link(0, 1);
    await table.advance(599_000);
    expect(state(node)).toBe('alone');
    await table.advance(1_000);
    expect(state(node)).toBe('passed');
    const again = await table.restart(0, { comparing: true });
    await table.link(0, 1);
    await table.settle();
    expect(state(again)).toBe('passed');
  });

  it('waits three seconds only where all were away before it went down', async () => {
    const { table } = await startedAnew();
    await table.advance(600_000);
    const again = await table.restart(0, { comparing: true });
    await table.advance(2_999);
    expect(state(again)).toBe('comparing');
    await table.advance(1);
    expect(state(again)).toBe('alone');
  });

  it('waits for none that is replaced for good', async () => {
    const { table, node } = await startedAnew();
    await table.link(0, 1);
    await table.at(1).append([
      {
        entity: undefined,
        by: userPrincipal('test'),
        body: { type: 'node.replaced', old: table.at(2).id, lastSeq: 1 },
      },
    ]);
    await table.settle();
    expect(state(node)).toBe('passed');
  });
});

describe('a node whose disk went back in time', () => {
  it('stops where a peer holds more of its log', async () => {
    const table = await Table.linked(3, MAJORITY);
    const copy = copyOf(table.at(0));
    await table.at(0).append([draft]);
    await table.settle();
    const old = await table.restart(0, { comparing: true, store: copy });
    await table.link(0, 1);
    await table.settle();
    expect(old.failure).toBeInstanceOf(ForgottenError);
    expect(String(old.failure)).toMatch(/holds 2 ops of its log, here are 1[^]*skep restore/);
  });

  it('stops where a peer knows of a vote that it forgot', async () => {
    const table = await Table.linked(3, MAJORITY);
    await table.at(1).agent();
    await table.settle();
    const copy = copyOf(table.at(0));
    await table.at(1).task({ voters: [table.at(1).id, table.at(0).id, table.at(2).id] });
    // Its log is as long as before: it voted, and appended nothing.
    await table.advance(100);
    const old = await table.restart(0, { comparing: true, store: copy });
    await table.link(0, 1);
    await table.settle();
    expect(old.failure).toBeInstanceOf(ForgottenError);
    expect(String(old.failure)).toMatch(/knows of \d+ votes, proposals and starts of it, here are 0/);
  });

  it('stops also when the one that knows comes later', async () => {
    const table = await Table.linked(3, MAJORITY);
    const copy = copyOf(table.at(0));
    await table.unlink(0, 1);
    await table.unlink(1, 2);
    await table.at(0).append([draft]);
    await table.settle();
    const old = await table.restart(0, { comparing: true, store: copy });
    await table.advance(30_000);
    expect(state(old)).toBe('alone');
    await table.link(0, 2);
    await table.settle();
    expect(old.failure).toBeInstanceOf(ForgottenError);
  });

  it('was heard of: its peers remember the highest count also after their own start', async () => {
    const table = await Table.linked(3, MAJORITY);
    await table.at(1).agent();
    await table.settle();
    const copy = copyOf(table.at(0));
    await table.at(1).task({ voters: [table.at(1).id, table.at(0).id, table.at(2).id] });
    await table.advance(2_000);
    await table.restart(1);
    const old = await table.restart(0, { comparing: true, store: copy });
    await table.link(0, 1);
    await table.settle();
    expect(old.failure).toBeInstanceOf(ForgottenError);
  });
});
