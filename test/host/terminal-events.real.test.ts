// Needs: tmux
/** What a swarm tells of agents in terminals, and which tasks they get: seen from a node that they do not live on. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventOf, follow } from './follow.ts';
import type { Json, Member } from './swarm.ts';
import { asJson, TestSwarm } from './swarm.ts';
import { addAgent, addTask, socketOf, TOOL, untilProgress, untilStatus, waitingFor } from './terminal-rig.ts';

const TEST_MS = 60_000;

let swarm: TestSwarm;
let emperor: Member;
let worker: Member;
beforeEach(async () => {
  swarm = new TestSwarm();
  emperor = await swarm.add();
  worker = await swarm.add();
  await swarm.linked();
}, TEST_MS);
afterEach(() => swarm.close(), TEST_MS);

describe('/ws of another node', () => {
  it('tells that an agent waits, goes on, has stopped and is back', { timeout: TEST_MS }, async () => {
    const agent = await addAgent(worker, { project_path: swarm.repository('place') });
    await untilStatus(emperor, agent, 'idle');
    const client = await follow(emperor);
    try {
      const path = `/api/swarm/agents/${String(agent['id'])}/send`;
      const send = async (text: string): Promise<void> =>
        expect(await emperor.post(path, { text })).toEqual({ sent: true });
      await send('echo -n "Really? [y/N] "; read answer');
      const waiting = await eventOf(client, agent, 'agent_waiting');
      expect(waiting).toMatchObject({ type: 'agent_event', data: { name: 'one', status: 'waiting' } });
      await send('y');
      await eventOf(client, agent, 'agent_idle');
      const target = `=${String(agent['tmux_session_id'])}:`;
      const pid = execFileSync('tmux', ['-S', socketOf(worker), 'display-message', '-p', '-t', target, '#{pane_pid}']);
      process.kill(Number(String(pid)), 'SIGKILL');
      const stopped = await eventOf(client, agent, 'agent_stopped');
      expect(stopped).toMatchObject({ type: 'agent_event', data: { id: agent['id'], status: 'offline' } });
      await eventOf(client, agent, 'agent_idle');
    } finally {
      await client.close();
    }
  });

  it(
    'tells that an agent waits in the middle of a task, which completes once it was answered',
    { timeout: TEST_MS },
    async () => {
      const agent = await addAgent(worker, { project_path: swarm.repository('place') });
      await untilStatus(emperor, agent, 'idle');
      const client = await follow(emperor);
      try {
        const task = await addTask(emperor, 'echo -n "Really? [y/N] "; read answer; echo "TASK_RESULT: said $answer"');
        await eventOf(client, agent, 'agent_waiting');
        expect(await emperor.task(String(task['id']))).toMatchObject({
          status: 'in_progress',
          assigned_to: agent['id'],
        });
        await emperor.post(`/api/swarm/agents/${String(agent['id'])}/send`, { text: 'y' });
        expect(await emperor.ended(String(task['id']))).toMatchObject({
          status: 'completed',
          result: 'said y',
          attempt: 1,
        });
      } finally {
        await client.close();
      }
    },
  );
});

describe('tasks for an agent in a terminal', () => {
  const list = async (status: string): Promise<unknown[]> =>
    (await emperor.list(`/api/swarm/tasks?status=${status}`)).map((task) => task['title']);

  it('are taken by priority, then by age, and listed by status', { timeout: TEST_MS }, async () => {
    const agent = await addAgent(worker, { project_path: swarm.repository('place') });
    await untilStatus(emperor, agent, 'idle');
    const [gate, order] = [join(swarm.dir, 'gate'), join(swarm.dir, 'order')];
    const first = await addTask(emperor, waitingFor(gate), { title: 'first' });
    await untilProgress(emperor, first, 'begun');
    const tasks: Json[] = [];
    for (const [title, priority] of [
      ['low', 1],
      ['high', 9],
      ['higher', 10],
      ['high too', 9],
    ] as const) {
      const script = `echo "${title}" >> ${order}; sleep 0.5; echo "TASK_RESULT: ${title}"`;
      tasks.push(await addTask(emperor, script, { title, priority }));
    }
    expect(await list('in_progress')).toEqual(['first']);
    expect(await list('pending')).toEqual(['higher', 'high', 'high too', 'low']);
    expect(await list('completed')).toEqual([]);
    expect(await list('no_such')).toEqual([]);
    expect(existsSync(order)).toBe(false);
    writeFileSync(gate, '');
    for (const task of tasks) expect(await emperor.ended(String(task['id']))).toMatchObject({ status: 'completed' });
    expect(readFileSync(order, 'utf8')).toBe('higher\nhigh\nhigh too\nlow\n');
    expect(await list('pending')).toEqual([]);
    expect(await list('completed')).toEqual(['higher', 'high', 'high too', 'low', 'first']);
  });

  it('go to an agent that has all capabilities, and to no other', { timeout: TEST_MS }, async () => {
    const some = await addAgent(worker, { name: 'some', capabilities: ['words', 'pictures'] });
    await untilStatus(emperor, some, 'idle');
    const needs = { required_capabilities: ['words', 'numbers'] };
    const task = await addTask(emperor, 'sleep 0.5; echo "TASK_RESULT: both"', needs);
    // The idle agent gets what it is able to do, which came later, so it was not that nobody looked.
    const other = await addTask(emperor, 'sleep 0.5; echo "TASK_RESULT: words"');
    expect(await emperor.ended(String(other['id']))).toMatchObject({ status: 'completed', assigned_to: some['id'] });
    const pending = await emperor.task(String(task['id']));
    expect(pending).toMatchObject({ status: 'pending', attempt: 0, assigned_to: null });
    expect(asJson(pending)['pending_reason']).toEqual(expect.any(String));
    const both = await addAgent(emperor, { name: 'both', tool: TOOL, capabilities: ['numbers', 'words'] });
    expect(await emperor.ended(String(task['id']))).toMatchObject({ result: 'both', assigned_to: both['id'] });
  });
});
