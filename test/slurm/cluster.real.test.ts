// Needs: slurmctld, slurmd, slurm-client and munge
/** The test's own Slurm: up as root and as an ordinary user, and gone without a trace. */
import { existsSync } from 'node:fs';
import { userInfo } from 'node:os';
import { afterEach, describe, expect, it } from 'vitest';
import { SlurmCluster } from './cluster/cluster.ts';

let cluster: SlurmCluster | undefined;
afterEach(async () => {
  await cluster?.down();
  cluster = undefined;
});

/** Whoever is no root is an ordinary user by himself. */
const ordinary = userInfo().uid === 0 ? 'nobody' : undefined;

describe('a cluster', () => {
  it.each([
    { who: 'the user of the test', user: undefined },
    { who: 'an ordinary user', user: ordinary },
  ])('of $who runs a job on four nodes, and leaves nothing behind', async ({ user }) => {
    cluster = await SlurmCluster.up(user === undefined ? {} : { user });
    const said = await cluster.run('srun', ['-N4', 'sh', '-c', 'echo "$SLURMD_NODENAME $(id -un)"']);
    const name = user ?? userInfo().username;
    expect(said.trim().split('\n').toSorted()).toEqual(['n1', 'n2', 'n3', 'n4'].map((node) => `${node} ${name}`));
    const job = (await cluster.run('sbatch', ['--parsable', '-N2', '--wrap', 'srun sleep 600'])).trim();
    await cluster.untilState(job, 'RUNNING');
    await cluster.down();
    expect(cluster.processes()).toEqual([]);
    expect(existsSync(cluster.dir)).toBe(false);
  });
});
