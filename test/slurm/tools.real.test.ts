// Needs: slurmctld, slurmd, slurm-client and munge; npm and its registry, 1.2 GB of disk for the agent CLIs
/** The toolchain of a fleet: put together here, brought once, and all that runs on the nodes. */
import { readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ModelServer } from '#model-server/server.ts';
import { startModelServer } from '#model-server/server.ts';
import { makeBundle } from '#slurm/launch/tools.ts';
import { AgentHome } from '../agent-clis.ts';
import { script } from '../driver/protocol-rig.ts';
import { SlurmCluster } from './cluster/cluster.ts';
import { Launcher } from './cluster/launcher.ts';
import { Fleet } from './worker-rig.ts';

/** npm fetches and unpacks some hundred megabytes. */
const TEST_MS = 600_000;
const KEY = 'stub-key';
let server: ModelServer;
let home: AgentHome;
let cluster: SlurmCluster;
let fleet: Fleet;
beforeAll(async () => {
  server = await startModelServer({ port: 0, key: KEY, onServed: () => {} });
  home = new AgentHome({ url: server.url, key: KEY });
  cluster = await SlurmCluster.up({ nodes: 1 });
  fleet = new Fleet();
}, TEST_MS);
afterAll(async () => {
  await cluster.down();
  await fleet.remove();
  home.remove();
  await server.close();
}, TEST_MS);

it(
  'is brought once, and a fleet works from it alone',
  async () => {
    const file = join(cluster.dir, 'tools.tar.gz');
    const arch = process.arch === 'arm64' ? 'arm64' : 'x64';
    await makeBundle({ file, agents: ['codex'], arch, env: process.env, progress: () => {} });
    // A system without Codex, and with whatever Node it has.
    const env = { ...home.env, PATH: '/usr/bin:/bin' };
    const change = { cluster: { workspace_root: dirname(fleet.base), cluster_subdir: basename(fleet.base) } };
    const launcher = new Launcher({ cluster, base: fleet.base, env, change });
    expect(await launcher.run('launch', '--detach')).toMatchObject({
      code: 3,
      err: expect.stringContaining('no program'),
    });
    expect(await launcher.run('bring', file)).toMatchObject({ code: 0, out: 'The toolchain stands in tools/.\n' });
    expect(await launcher.run('bring', file)).toMatchObject({ code: 0, out: 'This bundle stands there already.\n' });
    const job = await launcher.launch('--prompt', `Say hello. ${script({ text: 'hello there' })}`);
    const outbox = fleet.outbox(`${job}_00`);
    await outbox.event('assistant', ({ content }) => content === 'hello there');
    const nodes = cluster
      .processes(({ environment }) => environment.includes(`SLURM_JOB_ID=${job}`))
      .map((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')[0]);
    // As its program says it, from where it stands.
    expect(nodes).toContain(`${fleet.base}/tools/skep/bin/../../node/bin/node`);
    const other = join(cluster.dir, 'other.tar.gz');
    expect((await launcher.run('bring', other)).err).toContain('no bundle at');
    await launcher.run('stop', job);
    await cluster.untilNoProcess(job);
  },
  TEST_MS,
);
