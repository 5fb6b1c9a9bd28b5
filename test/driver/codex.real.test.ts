// Needs: npm, 1.2 GB of disk for the agent CLIs
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { CodexDriver } from '#driver/codex/driver.ts';
import type { ModelServer } from '#model-server/server.ts';
import { startModelServer } from '#model-server/server.ts';
import { AgentHome, agentBin } from '../agent-clis.ts';
import { driverContract, type DriverHome } from '../contract/driver.ts';
import { makeLocalHome } from '../runtime/local-home.ts';
import { Allowing, scriptedScenes } from './protocol-rig.ts';

const KEY = 'stub-key';

let server: ModelServer;
beforeAll(async () => {
  agentBin();
  server = await startModelServer({ port: 0, key: KEY, onServed: () => {} });
}, 300_000);
afterAll(() => server.close());

async function makeHome(): Promise<DriverHome> {
  const home = new AgentHome({ url: server.url, key: KEY });
  const runtimes = makeLocalHome();
  const gate = join(home.project, 'gate');
  return {
    driver: new Allowing(new CodexDriver({ version: '0.0.0', nowMs: Date.now })),
    runtimes: {
      open: () => runtimes.open(),
      remove: async () => {
        await runtimes.remove();
        home.remove();
      },
    },
    env: home.env,
    scenes: scriptedScenes(gate),
  };
}

driverContract('the real codex', makeHome);
