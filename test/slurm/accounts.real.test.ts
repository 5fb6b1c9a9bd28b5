// Needs: slurmctld, slurmd, slurm-client, munge, slurmdbd (slurm-wlm-mysql-plugin) and MariaDB (mariadb-server-core, mariadb-client-core)
/** A cluster whose accounts are kept by a real slurmdbd: who may not launch is refused by name, and what Slurm forgets is still explained. */
import { chmodSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { SlurmCluster } from './cluster/cluster.ts';
import { Launcher, type Said } from './cluster/launcher.ts';
import { Fleet } from './worker-rig.ts';

const TEST_MS = 240_000;

let cluster: SlurmCluster;
let fleet: Fleet;
let launcher: Launcher;
const sacctmgr = (...argv: string[]): Promise<string> => cluster.run('sacctmgr', ['-i', ...argv]);
beforeAll(async () => {
  cluster = await SlurmCluster.up({ nodes: 1, hasAccounts: true });
  fleet = Fleet.withFake();
  launcher = new Launcher({ cluster, base: fleet.base });
  const { USER = '' } = cluster.env;
  await sacctmgr('add', 'account', 'physics', 'expired', 'spent', 'others');
  await sacctmgr('add', 'user', USER, 'account=physics,expired,spent');
  // As sites close an account that is over: nobody submits by it any more.
  await sacctmgr('modify', 'account', 'expired', 'set', 'GrpSubmitJobs=0');
  await sacctmgr('modify', 'account', 'spent', 'set', 'GrpTRESMins=cpu=0');
}, TEST_MS);
afterAll(async () => {
  await cluster.down();
  await fleet.remove();
}, TEST_MS);

const launch = (account: string): Promise<Said> =>
  launcher.run('launch', '--json', '--detach', '--account', account, '--prompt', 'say ready');
const statusOf = async (job: string): Promise<{ state: string; why: string; next: string } | undefined> =>
  JSON.parse((await launcher.run('status', job, '--json')).out)[0];

it(
  'refuses an account that is unknown, over, or of others, by its name; and nothing was launched, ever',
  async () => {
    for (const [account, words] of [
      ['nowhere', 'Invalid account'],
      ['others', 'Invalid account'],
      ['expired', 'accounting/QOS policy'],
    ] as const) {
      const said = await launch(account);
      expect([said.code, said.out]).toEqual([3, '']);
      expect(said.err).toContain(`account ${account}: `);
      expect(said.err).toContain(words);
      expect(said.err).toContain('"account"');
    }
    expect(await cluster.run('sacct', ['-n', '-X', '-a', '--name', 'skep-slurm'])).toBe('');
    expect(readdirSync(join(fleet.base, 'launches'))).toEqual([]);
  },
  TEST_MS,
);

it(
  'launches by an account that may, and explains its end from sacct alone, once Slurm has forgotten it',
  async () => {
    const { job }: { job: string } = JSON.parse((await launch('physics')).out);
    const outbox = fleet.outbox(`${job}_00`);
    await outbox.event('assistant', ({ content }) => content === 'ready');
    expect((await launcher.run('stop', job)).code).toBe(0);
    await outbox.until('the end', (one) => one.type === 'complete');
    await cluster.untilNoProcess(job);
    await cluster.untilState(job, 'CANCELLED');
    // The accounting may know of an end before it knows what the job was called.
    const told: [string, ...string[]] = ['sacct', '-n', '-X', '-j', job, '-o', 'State,JobName%20'];
    await cluster.until(told, (said) => /CANCELLED.*skep-slurm/.test(said));
    const bin = join(cluster.dir, 'forgetful');
    mkdirSync(bin, { recursive: true });
    const scontrol = join(bin, 'scontrol');
    writeFileSync(scontrol, '#!/bin/sh\necho "slurm_load_jobs error: Invalid job id specified" >&2; exit 1\n');
    chmodSync(scontrol, 0o755);
    const env = { PATH: `${bin}:${cluster.env['PATH']}` };
    const later = new Launcher({ cluster, base: fleet.base, env });
    const [known] = JSON.parse((await later.run('status', job, '--json')).out);
    expect(known).toMatchObject({
      job,
      state: 'CANCELLED',
      nodes: 1,
      where: 'n1',
      why: expect.stringContaining('somebody cancelled it; 1 of 1 workers left a checkpoint'),
      next: `skep slurm launch --continue ${job} --nodes 1 goes on with its agents`,
    });
    expect((await later.run('status', String(Number(job) + 99))).err).toContain("is none of skep's");
  },
  TEST_MS,
);

it(
  'says of a job that waits for an account without budget why it does not start',
  async () => {
    const { job }: { job: string } = JSON.parse((await launch('spent')).out);
    const reason = 'AssocGrpCPUMinutesLimit: the account has spent what it was granted';
    await cluster.until(['squeue', '-h', '-j', job, '-o', '%r'], (said) => said.includes('AssocGrp'));
    expect(await statusOf(job)).toMatchObject({ state: 'PENDING', why: reason, next: '' });
    expect((await launcher.run('stop', job)).code).toBe(0);
    await cluster.untilState(job, 'CANCELLED');
    expect(await statusOf(job)).toMatchObject({ why: 'somebody cancelled it', next: 'launch it again' });
  },
  TEST_MS,
);
