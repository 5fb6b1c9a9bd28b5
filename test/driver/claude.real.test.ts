// Needs: npm, 1.2 GB of disk for the agent CLIs
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { ClaudeDriver } from '#driver/claude/driver.ts';
import type { ModelServer } from '#model-server/server.ts';
import { startModelServer } from '#model-server/server.ts';
import { AgentHome, agentBin } from '../agent-clis.ts';
import { driverContract, type DriverHome } from '../contract/driver.ts';
import { makeLocalHome } from '../runtime/local-home.ts';
import { scriptedScenes } from './protocol-rig.ts';

const KEY = 'stub-key';

let server: ModelServer;
beforeAll(async () => {
  agentBin();
  server = await startModelServer({ port: 0, key: KEY, onServed: () => {} });
}, 300_000);
afterAll(() => server.close());

async function makeHome(): Promise<DriverHome> {
  const home = new AgentHome({ url: server.url, key: KEY });
  writeFileSync(
    join(home.env['CLAUDE_CONFIG_DIR'] ?? '', 'settings.json'),
    JSON.stringify({ permissions: { allow: ['Bash'] } }),
  );
  const runtimes = makeLocalHome();
  const gate = join(home.dir, 'gate');
  return {
    driver: new ClaudeDriver({ directory: join(home.dir, 'skep'), nowMs: Date.now }),
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

driverContract('the real claude', makeHome);
