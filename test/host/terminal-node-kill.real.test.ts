// Needs: tmux
/** A turn that ends while its node is killed: agent and terminal go on without it. What ends later is in agent-node-kill.real.test.ts. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { NodeProcess } from './process.ts';
import { asJson, freePort, TestSwarm } from './swarm.ts';
import { addTask, TOOL, untilProgress, untilStatus, untilThere, waitingFor } from './terminal-rig.ts';

const TEST_MS = 120_000;

let swarm: TestSwarm;
let victim: NodeProcess;
beforeEach(() => {
  swarm = new TestSwarm();
});
afterEach(async () => {
  // What it left at work ends with it.
  if (!victim.isUp) await victim.start();
  await victim.stop();
  await swarm.close();
}, TEST_MS);

it('an attempt that ended while its node was away completes once it is back', { timeout: TEST_MS }, async () => {
  const [emperor] = [await swarm.add(), await swarm.add()];
  victim = new NodeProcess({
    name: 'victim',
    dataDir: emperor.options.dataDir,
    httpPort: await freePort(),
    p2pPort: await freePort(),
    seeds: `127.0.0.1:${emperor.options.p2pPort}`,
    shellAgents: 0,
  });
  await victim.start();
  await swarm.linkedWith(emperor, 3);
  const body = { name: 'one', tool: TOOL, capabilities: ['words'], project_path: swarm.repository('place') };
  const agent = asJson((await victim.request('POST', '/api/swarm/agents', body)).body);
  await untilStatus(emperor, agent, 'idle');
  const [gate, over] = [join(swarm.dir, 'gate'), join(swarm.dir, 'over')];
  const task = await addTask(emperor, `${waitingFor(gate)}; touch ${over}`);
  await untilProgress(emperor, task, 'begun');
  await victim.kill();
  writeFileSync(gate, '');
  await untilThere(over);
  await victim.start();
  const ended = await emperor.ended(String(task['id']));
  expect(ended).toMatchObject({ status: 'completed', result: 'went on', attempt: 1, assigned_to: agent['id'] });
  await untilStatus(emperor, agent, 'idle');
  expect(victim.troubles).toEqual([]);
});
