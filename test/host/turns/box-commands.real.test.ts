// Needs: bubblewrap
/** A command that outlives its turn runs in the box of its agent, and ends with it. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { TEST_MS } from '../box-stage.ts';
import { CommandStage } from './command-stage.ts';

let on: CommandStage;
beforeEach(async () => {
  on = await CommandStage.open();
}, TEST_MS);
afterEach(() => on.turns.close(), TEST_MS);

it(
  'sees what its agent sees, goes on over a restart and a pause, and ends with its box',
  { timeout: TEST_MS },
  async () => {
    const { node, swarm } = on.turns;
    await on.bob('boxed');
    const secret = join(swarm.dir, 'secret');
    writeFileSync(secret, 'of the host');
    await on.start(`cat /proc/sys/kernel/hostname; id -u; cat ${secret} || echo unseen; touch here`);
    const [event] = await on.events(1);
    expect(event).toContain('h-bob\n');
    expect(event).toContain('\nunseen');
    expect(event).not.toContain('of the host');
    await on.appears('here');
    await on.start(`trap 'touch over; exit' TERM; touch there; until [ -e never ]; do sleep 0.05; done`);
    await on.appears('there');
    await node.restart();
    const bob = String((await on.turns.turns('bob'))['agent_id']);
    await node.post(`/api/swarm/agents/${bob}/pause`, {});
    expect(await on.running()).toMatchObject([{ n: 2, state: 'running' }]);
    await node.post('/api/boxes/bob/kill', {});
    await on.appears('over');
    expect(await on.running()).toEqual([]);
    expect((await on.events(2))[1]).toContain('was stopped');
  },
);
