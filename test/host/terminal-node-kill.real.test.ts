// Needs: tmux
/** A node is killed, not stopped, while its agent in a terminal is in the middle of a task: agent and terminal go on without it. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { NodeProcess } from './process.ts';
import type { Json, Member } from './swarm.ts';
import { asJson, freePort, TestSwarm } from './swarm.ts';
import { addAgent, addTask, tmux, TOOL, untilProgress, untilStatus, waitingFor } from './terminal-rig.ts';

const TEST_MS = 120_000;
/** Longer than a node in this process ever keeps silent, and short enough to wait for. */
const LEASE_SECONDS = 6;

let swarm: TestSwarm;
let victim: NodeProcess;
let gate: string;

beforeEach(() => {
  swarm = new TestSwarm();
  gate = join(swarm.dir, 'gate');
});

afterEach(async () => {
  // What it left at work ends with it.
  if (!victim.isUp) await victim.start();
  await victim.stop();
  await swarm.close();
}, TEST_MS);

/** Two nodes in this process, and one that is a process of its own, with an agent that is at work. */
async function atWork(leaseSeconds?: number): Promise<{ emperor: Member; agent: Json; task: Json; pid: string }> {
  const lease = leaseSeconds === undefined ? {} : { leaseMs: leaseSeconds * 1000 };
  const [emperor] = [await swarm.add(lease), await swarm.add(lease)];
  victim = new NodeProcess({
    name: 'victim',
    dataDir: emperor.options.dataDir,
    httpPort: await freePort(),
    p2pPort: await freePort(),
    seeds: `127.0.0.1:${emperor.options.p2pPort}`,
    shellAgents: 0,
    ...(leaseSeconds === undefined ? {} : { leaseSeconds }),
  });
  await victim.start();
  await swarm.linkedWith(emperor, 3);
  const body = { name: 'one', tool: TOOL, capabilities: ['words'], project_path: swarm.repository('place') };
  const agent = asJson((await victim.request('POST', '/api/swarm/agents', body)).body);
  await untilStatus(emperor, agent, 'idle');
  const task = await addTask(emperor, waitingFor(gate));
  await untilProgress(emperor, task, 'begun');
  return { emperor, agent, task, pid: paneOf(agent) };
}

/** The program in the agent's terminal, and that it runs. */
const paneOf = (agent: Json): string =>
  tmux(victim, ['list-panes', '-t', `=${String(agent['tmux_session_id'])}:`, '-F', '#{pane_pid} #{pane_dead}']);

describe('a node that is killed in the middle of a task of its agent', () => {
  it.each([
    ['after it is back', false],
    ['while it is away', true],
  ])(
    'finds it again when started again, and the attempt that ends %s completes',
    { timeout: TEST_MS },
    async (_when, isAway) => {
      const { emperor, agent, task, pid } = await atWork();
      await victim.kill();
      expect(paneOf(agent)).toBe(pid);
      if (isAway) writeFileSync(gate, '');
      await victim.start();
      writeFileSync(gate, '');
      const ended = await emperor.ended(String(task['id']));
      expect(ended).toMatchObject({ status: 'completed', result: 'went on', attempt: 1, assigned_to: agent['id'] });
      await untilStatus(emperor, agent, 'idle');
      expect(paneOf(agent)).toBe(pid);
      expect(victim.troubles).toEqual([]);
    },
  );

  it(
    'and stays away loses the attempt with its lease; the task goes on elsewhere, and stays as it ended',
    { timeout: TEST_MS },
    async () => {
      const { emperor, agent, task } = await atWork(LEASE_SECONDS);
      const other = await addAgent(emperor, { name: 'two' });
      await untilStatus(emperor, other, 'idle');
      await victim.kill();
      await emperor.until(async () =>
        (await emperor.task(String(task['id'])))['assigned_to'] === other['id'] ? true : undefined,
      );
      expect(existsSync(gate)).toBe(false);
      writeFileSync(gate, '');
      const wanted = { status: 'completed', result: 'went on', attempt: 2, assigned_to: other['id'] };
      expect(await emperor.ended(String(task['id']))).toMatchObject(wanted);
      await victim.start();
      await untilStatus(emperor, agent, 'idle');
      expect(await emperor.task(String(task['id']))).toMatchObject(wanted);
      const next = await addTask(emperor, 'sleep 0.5; echo "TASK_RESULT: next"', { required_capabilities: ['words'] });
      expect(await emperor.ended(String(next['id']))).toMatchObject({ status: 'completed', result: 'next' });
    },
  );
});
