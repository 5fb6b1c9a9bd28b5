// Needs: tmux
/** Agents in terminals on a real swarm; the program in them is a shell, whose prompt is what an agent's prompt is. */
import { execFileSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { startNode } from '#host.ts';
import type { Json, Member } from './swarm.ts';
import { TestSwarm } from './swarm.ts';
import {
  addAgent,
  addTask,
  outputOf,
  socketOf,
  stateOf,
  tmux,
  TOOL,
  untilProgress,
  untilStatus,
  waitingFor,
} from './terminal-rig.ts';

const swarms: TestSwarm[] = [];
afterEach(async () => {
  for (const swarm of swarms.splice(0)) await swarm.close();
});

async function swarmOf(count: number): Promise<{ swarm: TestSwarm; members: Member[] }> {
  const swarm = new TestSwarm();
  swarms.push(swarm);
  for (let n = 0; n < count; n += 1) await swarm.add();
  await swarm.linked();
  return { swarm, members: swarm.members };
}

async function workerWithAgent(): Promise<{
  swarm: TestSwarm;
  emperor: Member;
  worker: Member;
  agent: Json;
  place: string;
}> {
  const { members, swarm } = await swarmOf(2);
  const [emperor, worker] = members;
  if (emperor === undefined || worker === undefined) throw new Error('no members');
  const place = swarm.repository('place');
  const agent = await addAgent(worker, { project_path: place });
  await untilStatus(emperor, agent, 'idle');
  return { swarm, emperor, worker, agent, place };
}

describe('an agent in a terminal', () => {
  it('is made in a session of its own, does a task that another node gave, and delivers its commits', async () => {
    const { emperor, agent, place } = await workerWithAgent();
    expect(String(agent['tmux_session_id'])).toMatch(/^vl-agent-[0-9a-f]{8}$/);
    const script = 'echo two > two.txt; git add -A; git commit -qm two; sleep 1; echo "TASK_RESULT: two it is"';
    const task = await addTask(emperor, script, { context: '', project_path: null });
    const ended = await emperor.ended(String(task['id']));
    expect(ended).toMatchObject({ status: 'completed', result: 'two it is', assigned_to: agent['id'] });
    expect(ended['work']).toMatchObject({ commits: 1 });
    expect(existsSync(join(place, 'two.txt'))).toBe(true);
    await untilStatus(emperor, agent, 'idle');
  });

  it('is told something and looked at from any node, and nothing is typed while it works', async () => {
    const { emperor, worker, agent, swarm } = await workerWithAgent();
    const path = `/api/swarm/agents/${String(agent['id'])}`;
    expect(await emperor.post(`${path}/send`, { text: 'echo "it is $((6 * 7))"' })).toEqual({ sent: true });
    await emperor.until(async () => ((await outputOf(emperor, agent)).includes('it is 42') ? true : undefined));
    expect(await emperor.get(`${path}/explain`)).toMatchObject({ tool: 'other', source: 'screen', exact: false });
    const attach = await emperor.get(`${path}/attach`);
    expect(attach).toMatchObject({
      command: ['tmux', '-S', socketOf(worker), 'attach-session', '-t', expect.any(String)],
    });
    await emperor.post(`${path}/send`, { text: 'echo -n "Really? [y/N] "; read answer' });
    await untilStatus(emperor, agent, 'waiting');
    expect(await emperor.post(`${path}/send`, { text: 'y' })).toEqual({ sent: true });
    await untilStatus(emperor, agent, 'idle');
    expect(swarm.log.join('\n')).not.toContain('failed');
  });

  it('is found again by its node after a restart, in the middle of a task', async () => {
    const { emperor, worker, agent, swarm } = await workerWithAgent();
    const gate = join(swarm.dir, 'gate');
    const task = await addTask(emperor, waitingFor(gate));
    await untilProgress(emperor, task, 'begun');
    await worker.running.close();
    worker.running = await startNode(worker.options);
    writeFileSync(gate, '');
    const ended = await emperor.ended(String(task['id']));
    expect(ended).toMatchObject({ status: 'completed', result: 'went on', attempt: 1, assigned_to: agent['id'] });
  });

  it.each([
    ['its program is killed', (pid: string) => void process.kill(Number(pid), 'SIGKILL')],
    [
      'its pane is killed',
      (_pid: string, worker: Member, session: string) => void tmux(worker, ['kill-pane', '-t', `=${session}:`]),
    ],
    [
      'its session is killed',
      (_pid: string, worker: Member, session: string) => void tmux(worker, ['kill-session', '-t', `=${session}`]),
    ],
    ['its tmux server is killed', (_pid: string, worker: Member) => void tmux(worker, ['kill-server'])],
  ])('is lost when %s; its task goes on elsewhere, and it comes back', async (_what, kill) => {
    const { emperor, worker, agent, swarm } = await workerWithAgent();
    const gate = join(swarm.dir, 'gate');
    const task = await addTask(emperor, waitingFor(gate));
    await untilProgress(emperor, task, 'begun');
    const other = await addAgent(emperor, { name: 'two' });
    await untilStatus(emperor, other, 'idle');
    const session = String(agent['tmux_session_id']);
    const pid = tmux(worker, ['display-message', '-p', '-t', `=${session}:`, '#{pane_pid}']);
    kill(pid, worker, session);
    await untilStatus(emperor, agent, 'offline');
    expect(await stateOf(emperor, agent)).toBe('exited');
    await emperor.until(async () =>
      (await emperor.task(String(task['id'])))['assigned_to'] === other['id'] ? true : undefined,
    );
    writeFileSync(gate, '');
    expect(await emperor.ended(String(task['id']))).toMatchObject({
      status: 'completed',
      attempt: 2,
      assigned_to: other['id'],
    });
    await untilStatus(emperor, agent, 'idle');
  });

  it('ends with its registration', async () => {
    const { emperor, worker, agent } = await workerWithAgent();
    const session = String(agent['tmux_session_id']);
    expect(tmux(worker, ['has-session', '-t', `=${session}`])).toBe('');
    expect(tmux(worker, ['ls', '-F', '#{session_name}'])).toContain(session);
    await emperor.request('DELETE', `/api/swarm/agents/${String(agent['id'])}`);
    await worker.until(async () => (tmux(worker, ['ls']) === '' ? true : undefined));
    expect(await worker.list('/api/swarm/agents')).toEqual([]);
  });

  it('is adopted from a server of the user, typed to, and never ended', async () => {
    const { members, swarm } = await swarmOf(1);
    const [member] = members;
    if (member === undefined) throw new Error('no member');
    const users = (...args: string[]): string =>
      execFileSync('tmux', ['-L', `skep-test-${process.pid}`, ...args], { encoding: 'utf8' }).trim();
    users('-f', '/dev/null', 'new-session', '-d', '-s', 'mine', '-x', '90', '-y', '20', TOOL);
    process.env['TMUX'] = users('display-message', '-p', '#{socket_path},#{pid},0');
    try {
      await swarm.close();
      const again = await swarmOf(1);
      const [here] = again.members;
      if (here === undefined) throw new Error('no member');
      const refused = await here.request('POST', '/api/swarm/agents', {
        name: 'x',
        tool: TOOL,
        tmux_session_id: 'none',
      });
      expect(refused).toMatchObject({ status: 400, body: { error: expect.stringContaining('no such tmux session') } });
      const agent = await addAgent(here, { tmux_session_id: 'mine' });
      await untilStatus(here, agent, 'idle');
      const task = await addTask(here, 'sleep 0.5; echo "TASK_RESULT: adopted"');
      expect(await here.ended(String(task['id']))).toMatchObject({ status: 'completed', result: 'adopted' });
      await here.request('DELETE', `/api/swarm/agents/${String(agent['id'])}`);
      await again.swarm.close();
      swarms.splice(swarms.indexOf(again.swarm), 1);
      expect(users('list-panes', '-a', '-F', '#{session_name} #{pane_width}x#{pane_height} #{pane_dead}')).toBe(
        'mine 90x20 0',
      );
    } finally {
      delete process.env['TMUX'];
      users('kill-server');
    }
  });

  it('is refused, and nothing is registered, where it could not run', async () => {
    const { members } = await swarmOf(1);
    const [member] = members;
    if (member === undefined) throw new Error('no member');
    const add = async (o: Json): Promise<unknown> => member.request('POST', '/api/swarm/agents', { name: 'x', ...o });
    expect(await add({ tool: 'no-such-program' })).toMatchObject({ status: 422, body: { code: 'driver_unavailable' } });
    expect(await add({ tool: TOOL, project_path: '/nowhere' })).toMatchObject({
      status: 400,
      body: { code: 'invalid' },
    });
    expect(await member.list('/api/swarm/agents')).toEqual([]);
  });
});
