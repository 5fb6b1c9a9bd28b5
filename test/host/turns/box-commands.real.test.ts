// Needs: bubblewrap, podman, runc, uidmap, catatonit, systemd-container (systemd-nspawn), root
/** Commands that outlive a turn run in the box of their agent, several at once, and end with it. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { BOX_KINDS, imageOf } from '../../runtime/box-image.ts';
import { TEST_MS } from '../box-stage.ts';
import { CommandStage } from './command-stage.ts';

let on: CommandStage;
beforeEach(async () => {
  on = await CommandStage.open();
}, TEST_MS);
afterEach(() => on.turns.close(), TEST_MS);

it.each(BOX_KINDS)(
  'in a %s they see what their agent sees, go on over a restart and a pause, and end with the box',
  { timeout: TEST_MS },
  async (runtime) => {
    const { node, swarm } = on.turns;
    await on.bob({ runtime, image: imageOf(runtime) });
    await on.start(`trap 'touch over; exit' TERM; touch there; until [ -e never ]; do sleep 0.05; done`);
    await on.appears('there');
    const secret = join(swarm.dir, 'secret');
    writeFileSync(secret, 'of the host');
    await on.start(`cat /proc/sys/kernel/hostname; cat ${secret} || echo unseen; touch here`);
    const [event] = await on.events(1);
    expect(event).toContain('h-bob\nunseen');
    expect(event).not.toContain('of the host');
    await on.appears('here');
    await node.restart();
    const bob = String((await on.turns.turns('bob'))['agent_id']);
    await node.post(`/api/swarm/agents/${bob}/pause`, {});
    expect(await on.running()).toMatchObject([{ n: 1, state: 'running' }]);
    await node.post('/api/boxes/bob/kill', {});
    await on.appears('over');
    expect(await on.running()).toEqual([]);
    expect((await on.events(2))[1]).toContain('was stopped');
  },
);
