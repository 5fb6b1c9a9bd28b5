/** Claims: for whom, on what, in which order, and when they lapse. */
import { describe, expect, it } from 'vitest';
import type { OpId } from '#core/brand.ts';
import { opIdOf, userPrincipal } from '#core/brand.ts';
import type { Frame } from '#core/schema/frame.ts';
import { FRAME } from '#core/schema/frame.ts';
import { Machine } from '../machine.ts';
import type { Letter } from '../table.ts';
import { Table } from '../table.ts';
import { present } from '../writer.ts';
import { claimants, cleanUp, finish, opsAbout } from './scene.ts';

/** Ops of machine `from` do not reach machine `to`. */
const withoutOps =
  (from: number, to: number) =>
  (letter: Letter): boolean =>
    !(letter.from.index === from && letter.to.index === to && ('op' in letter.frame || 'ops' in letter.frame));

/** Home 0 without agents; machine 1 with `agents`, whose claims do not reach home. */
async function unheard(agents: number): Promise<{ table: Table; home: Machine; worker: Machine; ids: OpId[] }> {
  const table = await Table.linked(2);
  const [home, worker] = [table.at(0), table.at(1)];
  const ids: OpId[] = [];
  for (let n = 0; n < agents; n++) ids.push(await worker.agent());
  await table.settle();
  table.passes = withoutOps(1, 0);
  return { table, home, worker, ids };
}

describe('a node', () => {
  it('claims a task once, by one of its agents', async () => {
    const { table, home, worker } = await unheard(3);
    const task = await home.task();
    await table.advance(1_000);
    expect(opsAbout(worker, task, 'task.claimed')).toHaveLength(1);
  });

  it('claims for each idle agent one task', async () => {
    const { table, home, worker, ids } = await unheard(2);
    const tasks = [];
    for (let n = 0; n < 4; n++) tasks.push(await home.task());
    await table.advance(1_000);
    const claimed = tasks.flatMap((task) => claimants(worker, task));
    expect(claimed.toSorted()).toEqual([...ids].toSorted());
  });

  it('claims nothing that its agents do not fit', async () => {
    const { table, home, worker } = await unheard(1);
    const task = await home.task({ requiredCapabilities: ['shell', 'gpu'] });
    await table.advance(1_000);
    expect(claimants(worker, task)).toEqual([]);
  });

  it('claims nothing for a paused agent, and what waits once it is resumed', async () => {
    const { table, home, worker, ids } = await unheard(1);
    const agent = present(ids[0]);
    const say = (paused: boolean) =>
      home.append([{ entity: agent, by: userPrincipal('ann'), body: { type: 'agent.paused', paused } }]);
    await say(true);
    await table.settle();
    const task = await home.task();
    await table.advance(1_000);
    expect(claimants(worker, task)).toEqual([]);
    await say(false);
    await table.advance(1_000);
    expect(claimants(worker, task)).toEqual([agent]);
  });

  it('claims nothing whose voters have no living majority, and does once they have', async () => {
    const table = await Table.linked(3);
    const worker = table.at(2);
    await worker.agent();
    const voters = table.machines.map((machine) => machine.id);
    await table.settle();
    await table.unlink(0, 2);
    await table.unlink(1, 2);
    const task = await table.at(0).task({ voters });
    await table.settle();
    const op = present(table.at(0).store.opsAbout(task, 1)[0]);
    const frame: Frame = { type: FRAME.taskCreate, op: [op.headerText, op.bodyText], sig: present(op.sig) };
    await worker.receive(table.at(0).id, frame);
    expect(worker.store.get('task', task)).toBeDefined();
    expect(claimants(worker, task)).toEqual([]);
    await table.link(0, 2);
    await table.settle();
    expect(opsAbout(worker, task, 'task.claimed')).toMatchObject([{ node: worker.id }]);
  });

  it('claims what it holds the project or the directory for, and more when its abilities change', async () => {
    let can = false;
    const settings = { hasProject: () => can, hasPath: () => can };
    const machine = new Machine(0, { settings });
    await machine.register();
    await machine.agent();
    const project = await machine.create({
      type: 'project.registered',
      name: 'p',
      origin: '/x',
      base: null,
      setup: null,
    });
    const [inProject, inPath] = [await machine.task({ project }), await machine.task({ projectPath: '/x' })];
    expect([...claimants(machine, inProject), ...claimants(machine, inPath)]).toEqual([]);
    can = true;
    machine.core.abilitiesChanged(machine.clock());
    await machine.run();
    expect(machine.started()).toEqual([`${inProject}/1`]);
  });

  it('claims nothing for an agent that is offline', async () => {
    const machine = new Machine(0);
    await machine.register();
    const agent = await machine.agent();
    machine.core.agentState({ agent, state: 'offline' }, machine.clock());
    await machine.run();
    const task = await machine.task();
    expect(opsAbout(machine, task, 'task.claimed')).toEqual([]);
    machine.core.agentState({ agent, state: undefined }, machine.clock());
    await machine.run();
    expect(machine.started()).toEqual([`${task}/1`]);
  });

  it('claims nothing for a new agent in a terminal before its prompt was seen', async () => {
    const machine = new Machine(0);
    await machine.register();
    const task = await machine.task();
    const agent = await machine.agent({ tmuxSessionId: 'vl-agent-00000000' });
    expect(opsAbout(machine, task, 'task.claimed')).toEqual([]);
    machine.core.agentState({ agent, state: undefined }, machine.clock());
    await machine.run();
    expect(machine.started()).toEqual([`${task}/1`]);
  });

  it('claims nothing whose dependencies are open, and does when the last of them completes', async () => {
    const machine = new Machine(0);
    await machine.register();
    const first = await machine.task();
    const second = await machine.task({ dependsOn: [first] });
    await machine.agent();
    expect(machine.started()).toEqual([`${first}/1`]);
    await finish(machine, first);
    await cleanUp(machine);
    expect(machine.started()).toEqual([`${first}/1`, `${second}/1`]);
  });
});

describe('an agent that becomes idle', () => {
  it('takes the task of highest priority, then the oldest', async () => {
    const machine = new Machine(0);
    await machine.register();
    const tasks = [];
    for (const priority of [0, 5, 3, 5]) tasks.push(await machine.task({ priority }));
    await machine.agent();
    const order = [tasks[1], tasks[3], tasks[2], tasks[0]];
    for (const task of order) {
      expect(machine.started().at(-1)).toBe(`${present(task)}/1`);
      await finish(machine, present(task));
      await cleanUp(machine);
    }
  });

  it('finds a fitting task behind a hundred that do not fit', async () => {
    const machine = new Machine(0);
    await machine.register();
    for (let n = 0; n < 130; n++) await machine.task({ requiredCapabilities: ['other'], priority: 9 });
    const task = await machine.task();
    await machine.agent();
    expect(machine.started()).toEqual([`${task}/1`]);
  });
});

describe('a claim that is not decided', () => {
  it('is withdrawn after 30 s; its task is left alone for a minute, and the agent goes to another', async () => {
    const { table, home, worker } = await unheard(1);
    const first = await home.task({ priority: 9 });
    await table.settle();
    const second = await home.task();
    await table.advance(29_000);
    expect([claimants(worker, first).length, claimants(worker, second).length]).toEqual([1, 0]);
    await table.advance(2_000);
    expect([claimants(worker, first).length, claimants(worker, second).length]).toEqual([0, 1]);
    expect(opsAbout(worker, first, 'task.claimWithdrawn')).toHaveLength(1);
    await table.advance(31_000);
    expect([claimants(worker, first).length, claimants(worker, second).length]).toEqual([0, 0]);
    await table.advance(30_000);
    expect([claimants(worker, first).length, claimants(worker, second).length]).toEqual([1, 0]);
  });

  it('is withdrawn, and the task avoided, no longer than until a link comes up', async () => {
    const { table, home, worker } = await unheard(1);
    const task = await home.task();
    await table.advance(31_000);
    expect(claimants(worker, task)).toEqual([]);
    table.passes = () => true;
    await table.unlink(0, 1);
    await table.link(0, 1);
    await table.settle();
    await table.advance(100);
    expect(worker.started()).toEqual([`${task}/1`]);
  });

  it('at a home that is linked and silent takes the agent to other homes, until that one is heard again', async () => {
    const table = await Table.linked(3);
    const [stopped, home, worker] = [table.at(0), table.at(1), table.at(2)];
    await worker.agent();
    const waiting = [await stopped.task(), await stopped.task(), await stopped.task()];
    const others = [await home.task(), await home.task()];
    // What it had appended arrives; then it is not run any more, and neither hears nor says anything.
    table.passes = ({ to }) => to !== stopped;
    const worked = (): OpId[] => others.filter((task) => worker.started().includes(`${task}/1`));
    await table.settle();
    table.passes = ({ from, to }) => from !== stopped && to !== stopped;
    await table.advance(25_000);
    expect(worked()).toHaveLength(0);
    await table.advance(10_000);
    expect(worked()).toHaveLength(1);
    await finish(worker, present(worked()[0]));
    await table.advance(1_000);
    await cleanUp(worker);
    await table.advance(1_000);
    expect(worked()).toHaveLength(2);
    table.passes = () => true;
    await finish(worker, present(worked()[1]));
    await table.advance(20_000);
    await cleanUp(worker);
    await table.advance(1_000);
    expect(waiting.some((task) => worker.started().includes(`${task}/1`))).toBe(true);
  });

  it('from before a restart is withdrawn as well', async () => {
    const { table, home, worker } = await unheard(1);
    const task = await home.task();
    await table.settle();
    expect(claimants(worker, task)).toHaveLength(1);
    const again = await table.restart(1);
    await table.advance(31_000);
    expect(claimants(again, task)).toEqual([]);
  });

  it('of an agent that was deregistered is withdrawn, so that another one may claim', async () => {
    const { table, home, worker, ids } = await unheard(1);
    const task = await home.task();
    await table.settle();
    const agent = present(ids[0]);
    await worker.append([
      { entity: agent, by: present(worker.row(task).created).by, body: { type: 'agent.deregistered' } },
    ]);
    const second = await worker.agent();
    expect(claimants(worker, task)).toEqual([agent]);
    await table.advance(31_000 + 61_000);
    expect(claimants(worker, task)).toEqual([second]);
  });
});

describe('a claim that is on its way to the disk', () => {
  it('holds its agent and its task, whatever else about that task is settled meanwhile', async () => {
    let can = false;
    const table = await Table.linked(2, { settings: { hasPath: () => can } });
    const [home, worker] = [table.at(0), table.at(1)];
    await worker.agent();
    await table.settle();
    table.passes = withoutOps(1, 0);
    const first = await home.task({ projectPath: '/x', priority: 9 });
    const second = await home.task({ projectPath: '/x' });
    await table.settle();
    const { by } = present(worker.row(first).created);
    worker.holdDisk();
    // This op is at the disk when the claim on the same task joins the turn behind it.
    worker.core.append(
      [{ entity: first, by, body: { type: 'task.claimWithdrawn', claim: opIdOf(home.id, 99) } }],
      worker.clock(),
    );
    await worker.run();
    can = true;
    worker.core.abilitiesChanged(worker.clock());
    await worker.releaseDisk();
    expect(opsAbout(worker, first, 'task.claimed')).toHaveLength(1);
    expect(opsAbout(worker, second, 'task.claimed')).toHaveLength(0);
  });
});

describe('losers', () => {
  it('are free at once: their claim lapses with the grant', async () => {
    const table = await Table.linked(3);
    const home = table.at(0);
    for (const index of [1, 2]) await table.at(index).agent();
    await table.settle();
    const tasks = [await home.task(), await home.task()];
    await table.advance(200);
    expect(tasks.map((task) => table.starts(task).length)).toEqual([1, 1]);
    expect(table.machines.flatMap((machine) => tasks.flatMap((task) => claimants(machine, task)))).toEqual([]);
  });
});
