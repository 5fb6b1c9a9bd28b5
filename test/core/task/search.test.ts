/** How idle agents look for work: what each takes, and how much is read for it. */
import { describe, expect, it } from 'vitest';
import { agentPrincipal, opIdOf, userPrincipal } from '#core/brand.ts';
import { kindOf } from '#core/task/fit.ts';
import { Search } from '#core/task/search.ts';
import { isLive } from '#core/view/agent.ts';
import { simNodeId } from '#sim/crypto.ts';
import { taskBody } from '../../store/author.ts';
import type { MachineOptions } from '../machine.ts';
import { Machine } from '../machine.ts';
import { present } from '../writer.ts';
import { opsAbout } from './scene.ts';

/** More tasks than fit on one page of the search, and the pages they make. */
const TASKS = 130;
const PAGES = 3;

/** A machine; `pages` counts how often it has read pending tasks since it was asked last. */
async function watched(options: MachineOptions = {}) {
  const machine = new Machine(0, options);
  await machine.register();
  const list = machine.store.list.bind(machine.store);
  let read = 0;
  machine.store.list = (view, query) => {
    if (view === 'task' && query.where?.['status'] === 'pending') read += 1;
    return list(view, query);
  };
  const pages = (): number => {
    const count = read;
    read = 0;
    return count;
  };
  const look = async (): Promise<void> => {
    machine.core.abilitiesChanged(machine.clock());
    await machine.run();
  };
  return { machine, pages, look };
}

const claimant = (machine: Machine, task: string): (string | undefined)[] =>
  opsAbout(machine, present(machine.store.get('task', task)).id, 'task.claimed').map(({ agent }) => agent);

describe('many idle agents', () => {
  it('beside many tasks that fit none of them read those once, and no more until something changes', async () => {
    const { machine, pages, look } = await watched();
    for (let n = 0; n < TASKS; n++) await machine.task({ requiredCapabilities: ['gpu'] });
    for (let n = 0; n < 20; n++) await machine.agent();
    expect(pages()).toBe(PAGES);
    await look();
    await machine.task({ requiredCapabilities: ['gpu'] });
    await look();
    expect(pages()).toBe(0);
    await machine.agent({ capabilities: ['shell', 'other'] });
    expect(pages()).toBe(PAGES);
  });

  it('read the tasks that fit and cannot be claimed now once for all of them', async () => {
    let can = false;
    const { machine, pages, look } = await watched({ settings: { hasPath: () => can } });
    for (let n = 0; n < TASKS; n++) await machine.task({ projectPath: '/x' });
    for (let n = 0; n < 20; n++) await machine.agent();
    pages();
    await look();
    expect(pages()).toBe(PAGES);
    can = true;
    await look();
    expect(machine.started()).toHaveLength(20);
  });

  it('of several kinds take a task each, in the order of the tasks', async () => {
    let can = false;
    const { machine, look } = await watched({ settings: { hasPath: () => can } });
    const wide = await machine.agent({ capabilities: ['shell', 'gpu'] });
    const narrow = [await machine.agent(), await machine.agent()];
    const task = (priority: number, ...more: string[]) =>
      machine.task({ priority, projectPath: '/x', requiredCapabilities: ['shell', ...more] });
    const [last, second, first, foreign] = [await task(1), await task(5), await task(9), await task(10, 'gpu', 'x')];
    const wanted = await task(3, 'gpu');
    can = true;
    await look();
    expect([first, second, last].map((id) => claimant(machine, id))).toEqual([[wide], [narrow[0]], [narrow[1]]]);
    expect([foreign, wanted].map((id) => claimant(machine, id))).toEqual([[], []]);
  });
});

it('a task that copies a conversation is found by the agent that had it, before and behind others, and by no other of its kind', async () => {
  let can = false;
  const { machine, look } = await watched({ settings: { hasPath: () => can } });
  const agents = [await machine.agent(), await machine.agent(), await machine.agent()];
  const [one, two, three] = agents.map((agent) => ({ agent, task: opIdOf(simNodeId(0), 99), attempt: 1 }));
  const task = (priority: number, fork = one) =>
    machine.task({ priority, projectPath: '/x', ...(fork === undefined ? {} : { fork }) });
  const [first, second] = [await task(9, two), await task(8, three)];
  const free = await machine.task({ priority: 7, projectPath: '/x' });
  const last = await task(1, one);
  can = true;
  await look();
  expect([first, second, free].map((id) => claimant(machine, id))).toEqual([[agents[1]], [agents[2]], [agents[0]]]);
  expect(claimant(machine, last)).toEqual([]);
});

it('one of its kind that has no work hears of a task that only it may work', async () => {
  const { machine } = await watched();
  const agents = [await machine.agent(), await machine.agent(), await machine.agent()];
  const [, , agent] = agents;
  const fork = { agent: present(agent), task: opIdOf(simNodeId(0), 99), attempt: 1 };
  expect(claimant(machine, await machine.task({ fork }))).toEqual([agent]);
});

describe('an agent for which no task was', () => {
  it('takes one that comes later', async () => {
    const { machine } = await watched();
    await machine.task({ requiredCapabilities: ['gpu'] });
    const agent = await machine.agent();
    expect(claimant(machine, await machine.task())).toEqual([agent]);
  });

  it('takes one that an operator allows later', async () => {
    const { machine } = await watched();
    const agent = await machine.agent({ tool: 'claude' });
    const by = agentPrincipal(opIdOf(simNodeId(0), 2));
    const [made] = await machine.append([{ entity: undefined, by, body: taskBody({ voters: [machine.id] }) }]);
    const task = present(made).header.entity;
    await machine.agent({ tool: 'claude' });
    expect(claimant(machine, task)).toEqual([]);
    await machine.append([{ entity: task, by: userPrincipal('ann'), body: { type: 'task.allowed' } }]);
    expect(claimant(machine, task)).toEqual([agent]);
  });

  it('does not keep a new one of its kind from a task that came in the same commit', async () => {
    const { machine } = await watched();
    await machine.agent();
    const by = userPrincipal('test');
    const like = present(machine.store.list('agent', { limit: 1 })[0]?.registered);
    const body = { type: 'agent.registered' as const, name: 'new', tool: like.tool, capabilities: ['shell'] };
    const [task, agent] = await machine.append([
      { entity: undefined, by, body: taskBody({ voters: [machine.id] }) },
      { entity: undefined, by, body: { ...body, projectPath: null, tmuxSessionId: null, maxConcurrentTasks: 1 } },
    ]);
    expect(claimant(machine, present(task).header.entity)).toEqual([present(agent).header.entity]);
  });
});

it('what is remembered is not asked while a turn is written: its rows may be there already', async () => {
  const { machine } = await watched();
  const row = machine.store.get('agent', await machine.agent());
  if (!isLive(row)) throw new Error('the agent is not there');
  const rows = { store: machine.store, isWriting: false };
  const search = new Search(rows, { isClaimable: () => true, hasTimeFor: () => true });
  expect(search.look().firstFor(row)).toBeUndefined();
  const running = await machine.task();
  const waiting = await machine.task();
  expect(machine.started()).toEqual([`${running}/1`]);
  expect(search.look().firstFor(row)).toBeUndefined();
  rows.isWriting = true;
  expect(search.look().firstFor(row)?.id).toBe(waiting);
  rows.isWriting = false;
  search.forget();
  expect(search.look().firstFor(row)?.id).toBe(waiting);
});

it('agents are of one kind where they fit the same tasks, in whatever order they name what they can', async () => {
  const { machine } = await watched();
  const kind = async (o: Parameters<Machine['agent']>[0]): Promise<string> => {
    const row = machine.store.get('agent', await machine.agent(o));
    return isLive(row) ? kindOf(row) : '';
  };
  const claude = { tool: 'claude', capabilities: ['a', 'b'] };
  const plain = await kind(claude);
  expect(await kind({ tool: 'codex', capabilities: ['b', 'a', 'b'], account: 'team' })).toBe(plain);
  const others = [
    { ...claude, tool: 'shell' },
    { ...claude, capabilities: ['a,b'] },
    { ...claude, tmuxSessionId: 's' },
  ];
  for (const other of others) expect(await kind(other)).not.toBe(plain);
});

it('a task that lasts longer than its agent is there is left to others; a shorter one behind it is taken', async () => {
  const text = 'its allocation ends in 300 s';
  const { machine } = await watched({
    settings: {
      lacksTimeFor: ({ registered }, { timeLimitSeconds: limit }) =>
        registered.worker !== undefined && limit !== null && limit > 300 ? { why: 'walltime', text } : undefined,
    },
  });
  const worker = await machine.agent({ worker: '7_00' });
  const long = await machine.task({ timeLimitSeconds: 600 });
  expect(claimant(machine, long)).toEqual([]);
  expect(machine.core.heldBack(worker)).toBe(text);
  const short = await machine.task({ timeLimitSeconds: 60 });
  expect(claimant(machine, short)).toEqual([worker]);
  const other = await machine.agent();
  expect(claimant(machine, long)).toEqual([other]);
});

it('a task without a limit is taken by an agent that is not there for long', async () => {
  const { machine } = await watched({
    settings: {
      lacksTimeFor: (_agent, { timeLimitSeconds: limit }) =>
        limit === null ? undefined : { why: 'walltime', text: 'too long' },
    },
  });
  const long = await machine.task({ timeLimitSeconds: 600 });
  const open = await machine.task();
  const worker = await machine.agent({ worker: '7_00' });
  expect([claimant(machine, long), claimant(machine, open)]).toEqual([[], [worker]]);
});
