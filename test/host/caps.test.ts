/** Caps and memory on running nodes: what waits, what it says, and that it goes on by itself. */
import { afterEach, describe, expect, it } from 'vitest';
import type { Json, Member } from './swarm.ts';
import { TestSwarm } from './swarm.ts';
import { ScriptedDriver } from './scripted-driver.ts';

let swarm: TestSwarm | undefined;
afterEach(() => swarm?.close());

const MIB = 1024 * 1024;
const create = async (node: Member): Promise<string> =>
  String((await node.post('/api/swarm/tasks', { title: 'Do it' }))['id']);
const agent = (node: Member, name: string, account?: string): Promise<Json> =>
  node.post('/api/swarm/agents', { name, tool: 'true', drive: 'protocol', account: account ?? null });
const waiting = (node: Member, task: string, why: RegExp): Promise<Json> =>
  node.until(async () => {
    const now = await node.task(task);
    return why.test(String(now['pending_reason'])) ? now : undefined;
  });
const running = (node: Member, task: string): Promise<Json> =>
  node.until(async () => {
    const now = await node.task(task);
    return now['status'] === 'in_progress' ? now : undefined;
  });

/** A driver whose turns end when the test says so, each time for one of them: it may say so before that one has begun. */
function held() {
  const waiting: (() => void)[] = [];
  let ended = 0;
  const driver = new ScriptedDriver(async ({ number }) => {
    // The second is the reminder that nothing was said of how the task stands.
    if (number > 1) return 'done';
    if (ended > 0) ended -= 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    return 'done';
  });
  const end = (): void => {
    const next = waiting.shift();
    if (next === undefined) ended += 1;
    else next();
  };
  return { driver, end };
}

describe('a cap of an account', () => {
  it('holds agents of two nodes, is told on both, and lets the next begin when one is done', async () => {
    swarm = new TestSwarm();
    const one = held();
    const other = held();
    const home = await swarm.add({ drivers: [one.driver] });
    const worker = await swarm.add({ drivers: [other.driver] });
    await swarm.linked();
    await home.post('/api/caps', { kind: 'account', name: 'team', max: 1 });
    await agent(home, 'ann', 'team');
    const first = await create(home);
    await running(home, first);
    await agent(worker, 'bob', 'team');
    const second = await create(home);
    await waiting(home, second, /^held back: bob by the cap of its account .*every other agent .* is busy$/);
    await waiting(worker, second, /^held back: bob by the cap of its account/);
    const explained = await home.get('/api/swarm/agents/bob/explain');
    expect(explained).toMatchObject({
      state: 'idle',
      evidence: [
        { zone: 'held back', text: '1 at work or claimed, and the cap of the account team in the swarm is 1' },
      ],
    });
    expect((await home.list('/api/swarm/agents')).find(({ name }) => name === 'bob')).toMatchObject({
      status: 'idle',
      account: 'team',
      held_by: 'account',
    });
    expect(await worker.list('/api/caps')).toMatchObject([{ kind: 'account', name: 'team', max: 1, running: 1 }]);
    one.end();
    await home.ended(first);
    await running(home, second);
    other.end();
    expect(await home.ended(second)).toMatchObject({ status: 'completed' });
  });
});

describe('a cap of a node’s own', () => {
  it('is said by the task, and by whoever asks for the agent', async () => {
    swarm = new TestSwarm();
    const { driver, end } = held();
    const node = await swarm.add({ drivers: [driver], maxAgents: 1 });
    await agent(node, 'ann');
    await agent(node, 'bob');
    const first = await create(node);
    await running(node, first);
    const second = await create(node);
    await waiting(node, second, /^held back: (ann|bob) by the cap of its node/);
    end();
    await running(node, second);
    end();
    await node.ended(second);
    expect((await node.list('/api/swarm/agents')).map(({ held_by }) => held_by)).toEqual([null, null]);
  });
});

describe('a machine without enough memory', () => {
  it('takes nothing for that tool, says how much it lacks, and takes it when a task comes after there is enough', async () => {
    swarm = new TestSwarm();
    let free = 299 * MIB;
    const { driver, end } = held();
    const node = await swarm.add({ drivers: [driver], freeBytes: () => free });
    await agent(node, 'ann');
    const first = await create(node);
    await waiting(node, first, /^held back: ann by the memory that its machine has left/);
    const explained = await node.get('/api/swarm/agents/ann/explain');
    expect(explained).toMatchObject({
      evidence: [{ zone: 'held back', text: 'true takes about 300 MiB of memory, and 299 MiB are free' }],
    });
    free = 300 * MIB;
    await create(node);
    await node.until(async () =>
      (await node.list('/api/swarm/tasks?status=in_progress')).length === 1 ? true : undefined,
    );
    end();
  });
});
