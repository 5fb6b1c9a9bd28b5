/** Whom home grants a task to, when, and whom it leaves out. */
import { describe, expect, it } from 'vitest';
import type { OpId } from '#core/brand.ts';
import { agentPrincipal, opIdOf } from '#core/brand.ts';
import { FRAME } from '#core/schema/frame.ts';
import type { Machine } from '../machine.ts';
import { postBody, present } from '../writer.ts';
import type { Letter } from '../table.ts';
import { Table } from '../table.ts';
import { cancel, claimants, cleanUp, finish, opsAbout } from './scene.ts';

const hasOps = ({ frame }: Letter): boolean => 'op' in frame || 'ops' in frame;

/** Home 0 without agents, and machines 1 … `workers` with one agent each; all linked, and quiet. */
async function withWorkers(
  workers: number,
  o: { roundTripMs?: number; settings?: { preferRated: boolean } } = {},
): Promise<{ table: Table; home: Machine; agents: OpId[] }> {
  const table = await Table.linked(workers + 1, o);
  const agents: OpId[] = [];
  for (let index = 1; index <= workers; index++) agents.push(await table.at(index).agent());
  await table.settle();
  return { table, home: table.at(0), agents };
}

const grantedTo = (home: Machine, task: OpId): string | undefined => home.chain(task).running?.value.node;

describe('among rivals', () => {
  it('the lowest stamp wins, whoever was heard first', async () => {
    const { table, home } = await withWorkers(2);
    // The clock of machine 1 runs ahead, and nobody has heard of it.
    table.passes = (letter) => !(letter.from.index === 1 && hasOps(letter));
    for (let n = 0; n < 5; n++) await table.at(1).create(postBody('tick'));
    await table.settle();
    const task = await home.task();
    await table.at(1).run();
    table.passes = () => true;
    // The claim of machine 1 arrives, with the ops before it, as soon as heads are compared.
    await table.settle();
    table.at(1).core.drained(home.id, table.at(1).clock());
    await table.at(1).run();
    await table.settle();
    await table.advance(60);
    expect(new Set(opsAbout(home, task, 'task.claimed').map(({ node }) => node))).toEqual(
      new Set([table.at(1).id, table.at(2).id]),
    );
    expect(grantedTo(home, task)).toBe(table.at(2).id);
    expect(table.starts(task)).toEqual([{ node: 2, attempt: 1 }]);
  });

  it('of equal stamps the lower node id wins', async () => {
    const { table, home } = await withWorkers(3);
    const task = await home.task();
    await table.advance(60);
    const stamps = Object.values(home.row(task).claims).map((claim) => claim.stamp.lamport);
    expect(new Set(stamps).size).toBe(1);
    expect(grantedTo(home, task)).toBe([1, 2, 3].map((index) => table.at(index).id).toSorted()[0]);
  });

  it.each([true, false])('a rating decides where it is preferred, and only there: %s', async (preferRated) => {
    const { table, home, agents } = await withWorkers(3, { settings: { preferRated } });
    const ids = [1, 2, 3].map((index) => table.at(index).id).toSorted();
    const last = ids.at(-1);
    const to = agentPrincipal(agents.find((agent) => agent.startsWith(String(last))) ?? opIdOf('nobody', 1));
    const none = {
      amount: 1,
      currency: null,
      paymentCode: null,
      terms: null,
      capability: null,
      offers: null,
      sig: null,
    };
    const made = { type: 'proposal.made', to, task: 'x', stake: 0, expiresMs: null, atMs: 1, ...none } as const;
    const entity = await home.create(made);
    const accepted = { type: 'proposal.accepted', stake: 0, paymentCode: null, atMs: 2, sig: null } as const;
    const evidence = { kind: 'payer' } as const;
    const completed = { type: 'proposal.completed', proof: null, evidence, atMs: 3, sig: null } as const;
    await home.append([accepted, completed].map((body) => ({ entity, by: to, body })));
    await table.settle();
    const task = await home.task();
    await table.advance(60);
    expect(grantedTo(home, task)).toBe(preferRated ? last : ids[0]);
  });

  it('a claim that comes after the grant loses, however low its stamp', async () => {
    const { table, home } = await withWorkers(2);
    // Machine 2 claims with a low stamp that reaches home late; machine 1's clock has run ahead.
    for (let n = 0; n < 9; n++) await table.at(1).create(postBody('tick'));
    table.passes = (letter) => !(letter.from.index === 2 && hasOps(letter));
    const task = await home.task();
    await table.advance(60);
    expect(grantedTo(home, task)).toBe(table.at(1).id);
    table.passes = () => true;
    await table.advance(61_000);
    expect(opsAbout(home, task, 'task.claimed')).toHaveLength(2);
    expect(grantedTo(home, task)).toBe(table.at(1).id);
    expect(table.starts(task)).toEqual([{ node: 1, attempt: 1 }]);
  });
});

describe('home waits', () => {
  it('for every node with a fitting idle agent, and no longer once all have claimed', async () => {
    const { table, home } = await withWorkers(3);
    const before = table.nowMs();
    const task = await home.task();
    await table.settle();
    expect(table.nowMs()).toBe(before);
    expect(grantedTo(home, task)).toBeDefined();
  });

  it('not longer than 50 ms for one that says nothing', async () => {
    const { table, home } = await withWorkers(2, { roundTripMs: 400 });
    table.passes = (letter) => !(letter.from.index === 2 && hasOps(letter));
    const task = await home.task();
    await table.advance(49);
    expect(grantedTo(home, task)).toBeUndefined();
    await table.advance(1);
    expect(grantedTo(home, task)).toBe(table.at(1).id);
  });

  it('not longer than twice the slowest round trip', async () => {
    const { table, home } = await withWorkers(2, { roundTripMs: 5 });
    table.passes = (letter) => !(letter.from.index === 2 && hasOps(letter));
    const task = await home.task();
    await table.advance(9);
    expect(grantedTo(home, task)).toBeUndefined();
    await table.advance(1);
    expect(grantedTo(home, task)).toBe(table.at(1).id);
  });

  it('not for nodes whose agents do not fit, are busy, or are out of reach', async () => {
    const { table, home } = await withWorkers(3);
    const first = await home.task();
    await table.settle();
    const busy = present(table.starts(first)[0]).node;
    const [near, far] = [1, 2, 3].filter((index) => index !== busy);
    for (const machine of table.machines) if (machine.index !== far) await table.unlink(machine.index, present(far));
    const before = table.nowMs();
    const second = await home.task();
    await table.settle();
    expect(table.nowMs()).toBe(before);
    expect(table.starts(second)).toEqual([{ node: near, attempt: 1 }]);
  });
});

describe('home leaves out', () => {
  it('the claim of a node that it suspects, and takes it when that is back', async () => {
    const { table, home } = await withWorkers(2, { roundTripMs: 400 });
    table.passes = (letter) => !(letter.from.index === 2 && hasOps(letter));
    const task = await home.task();
    await table.settle();
    expect(claimants(home, task)).toHaveLength(1);
    await table.unlink(0, 1);
    await table.unlink(1, 2);
    await table.advance(100);
    expect(grantedTo(home, task)).toBeUndefined();
    await table.link(0, 1);
    await table.advance(60);
    expect(grantedTo(home, task)).toBe(table.at(1).id);
  });

  it('the claims from before its own restart, until their nodes are linked again: then at once', async () => {
    const { table, home } = await withWorkers(2, { roundTripMs: 400 });
    table.passes = (letter) => !(letter.from.index === 2 && hasOps(letter));
    const task = await home.task();
    await table.settle();
    const again = await table.restart(0);
    await table.advance(100);
    expect(grantedTo(again, task)).toBeUndefined();
    await table.link(0, 1);
    await table.advance(60);
    expect(grantedTo(again, task)).toBe(table.at(1).id);
  });

  it('a claim of an agent that works elsewhere, and takes it when that work has ended', async () => {
    const table = await Table.linked(3);
    const [homeA, homeB, worker] = [table.at(0), table.at(1), table.at(2)];
    await worker.agent();
    await table.settle();
    const first = await homeA.task();
    await table.settle();
    expect(table.starts(first)).toEqual([{ node: 2, attempt: 1 }]);
    const second = await homeB.task();
    await table.settle();
    // Home B hears of the end after the claim that follows it.
    table.passes = (letter) => !(letter.to === homeB && letter.from === homeA && hasOps(letter));
    cancel(homeA, first);
    await homeA.run();
    await table.settle();
    await cleanUp(worker);
    await table.settle();
    expect(claimants(homeB, second)).toHaveLength(1);
    expect(grantedTo(homeB, second)).toBeUndefined();
    table.passes = () => true;
    homeA.core.drained(homeB.id, homeA.clock());
    await homeA.run();
    await table.advance(2_100);
    expect(grantedTo(homeB, second)).toBe(worker.id);
  });

  it('a claim of an agent that its node says is busy, until the node says otherwise', async () => {
    const { table, home, agents } = await withWorkers(1);
    const [worker, agent] = [table.at(1), present(agents[0])];
    const beats = (letter: Letter): boolean => letter.frame.type !== FRAME.agentHeartbeat;
    const first = await home.task();
    await table.settle();
    table.passes = beats;
    await finish(worker, first);
    await table.settle();
    await cleanUp(worker);
    const second = await home.task();
    await table.advance(60);
    expect(claimants(home, second)).toEqual([agent]);
    expect(grantedTo(home, second)).toBeUndefined();
    table.passes = () => true;
    await table.advance(15_000);
    expect(grantedTo(home, second)).toBe(worker.id);
  });
});

describe('a task whose dependency ended otherwise than completed', () => {
  it('is cancelled by its home with that reason, and so are those behind it', async () => {
    const { table, home } = await withWorkers(1);
    const first = await home.task({ attemptsMax: 1 });
    const second = await home.task({ dependsOn: [first] });
    const third = await home.task({ dependsOn: [second] });
    await table.settle();
    await finish(table.at(1), first, { kind: 'failed' });
    await table.settle();
    for (const task of [second, third]) {
      expect(table.at(1).chain(task)).toMatchObject({
        status: 'cancelled',
        ended: { value: { reason: 'dependency' } },
      });
      expect(table.starts(task)).toEqual([]);
    }
  });

  it('is cancelled also when home was down while that happened', async () => {
    const table = await Table.linked(3);
    const [home, other, worker] = [table.at(0), table.at(1), table.at(2)];
    await worker.agent();
    await table.settle();
    const first = await other.task({ attemptsMax: 1 });
    await table.settle();
    const second = await home.task({ dependsOn: [first] });
    await table.settle();
    await table.unlink(0, 1);
    await table.unlink(0, 2);
    await finish(worker, first, { kind: 'failed' });
    await table.settle();
    const again = await table.restart(0);
    await table.link(0, 1);
    await table.advance(1_000);
    expect(again.chain(second)).toMatchObject({ status: 'cancelled', ended: { value: { reason: 'dependency' } } });
  });
});
