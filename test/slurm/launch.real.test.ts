// Needs: slurmctld, slurmd, slurm-client and munge; sshd and ssh (openssh-server, openssh-client); root, for a disk without room; npm, 1.2 GB of disk for the agent CLIs
/** The launcher against a real Slurm, here and through a real sshd: what it does, and what it refuses with nothing half-launched. */
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { agentBin } from '../agent-clis.ts';
import { SshLab } from '../cli/ssh-lab.ts';
import { SlurmCluster } from './cluster/cluster.ts';
import { Launcher, type Said } from './cluster/launcher.ts';
import { Fleet } from './worker-rig.ts';

let cluster: SlurmCluster;
let lab: SshLab;
let loginBin: string;
beforeAll(async () => {
  agentBin();
  cluster = await SlurmCluster.up({ more: 'PartitionName=projects Nodes=n[1-4] State=UP AllowAccounts=physics' });
  loginBin = join(cluster.dir, 'login-bin');
  mkdirSync(loginBin);
  const { PATH = '', SLURM_CONF = '', TMPDIR = '' } = cluster.env;
  lab = await SshLab.open({ env: { PATH: `${loginBin}:${PATH}`, SLURM_CONF, TMPDIR } });
}, 300_000);
afterAll(async () => {
  await lab.close();
  await cluster.down();
});

const fleets: Fleet[] = [];
afterEach(async () => {
  const queued = (await cluster.run('squeue', ['-h', '-o', '%i'])).split('\n').filter((job) => job !== '');
  for (const job of queued) await cluster.run('scancel', [job]);
  for (const job of queued) await cluster.untilNoProcess(job);
  for (const fleet of fleets.splice(0)) await fleet.remove();
});
function fleet(): Fleet {
  const made = Fleet.withFake();
  fleets.push(made);
  return made;
}

const bySsh = (more: object = {}): object => ({
  ssh: { login_alias: 'there', config_file: lab.config, retry_delay_seconds: 0.1, ...more },
});

async function nothingQueued(): Promise<void> {
  expect(await cluster.run('squeue', ['-h', '-n', 'skep-slurm'])).toBe('');
}

/** Nothing of skep's waits or runs, and nothing lies there for a launch that was not made. */
async function nothingLaunched({ base }: Fleet): Promise<void> {
  await nothingQueued();
  const launches = join(base, 'launches');
  expect(existsSync(launches) ? readdirSync(launches) : []).toEqual([]);
}

/** A program of the login node, before the one of the system. */
function onLogin(name: string, script: string): () => void {
  const path = join(loginBin, name);
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  return () => execFileSync('rm', [path], { timeout: 60_000 });
}

/** The connection's own end on the login node is killed: the first of sshd above this program. */
const CUT =
  'p=$$; while [ "$(ps -o comm= -p $p)" != sshd ]; do p=$(ps -o ppid= -p $p | tr -d " "); done; kill -9 $p; exec sleep 5';

describe('through a login node', () => {
  it('launches over one connection, tells how it goes, shows, reads, ends all and puts away', async () => {
    const here = fleet();
    const launcher = new Launcher({ cluster, base: here.base, change: bySsh({ controlpersist_minutes: 1 }) });
    try {
      const connections = (): number => lab.said().split('Accepted publickey').length - 1;
      const before = connections();
      const persona = join(cluster.dir, 'persona');
      mkdirSync(join(persona, 'skills/build'), { recursive: true });
      writeFileSync(join(persona, 'AGENTS.md'), '# Rules\n');
      writeFileSync(join(persona, 'skills/build/SKILL.md'), '# Build\n');
      const argv = ['launch', '--nodes', '2', '--prompt', `say it's "here"`, '--persona', persona];
      const said = await launcher.run(...argv);
      expect(said).toMatchObject({ code: 0, err: expect.stringContaining('ready: 2 of 2 agents listen') });
      const job = /^JOB_ID=(\d+)$/m.exec(said.out)?.[1] ?? '';
      for (const node of ['00', '01']) {
        await here.outbox(`${job}_${node}`).event('assistant', ({ content }) => content === `it's "here"`);
        for (const path of ['AGENTS.md', '.agents/skills/build/SKILL.md']) {
          expect(existsSync(join(here.base, 'runs', job, `agent_${node}`, path))).toBe(true);
        }
      }
      expect((await launcher.run('status')).out).toMatch(new RegExp(String.raw`${job} +RUNNING +2 +n\[1-2\]`));
      expect((await launcher.run('logs', job, '--node', '1')).out).toContain(`01 it's "here"`);
      expect(await launcher.run('archive', job)).toMatchObject({
        code: 3,
        err: expect.stringContaining('stop it first'),
      });
      const other = (await cluster.run('sbatch', ['--parsable', '-N1', '--wrap', 'sleep 600'])).trim();
      expect((await launcher.run('stop-all')).out).toBe(`Job ${job} was told to end (it was RUNNING).\n`);
      await cluster.untilNoProcess(job);
      await cluster.untilState(job, 'CANCELLED');
      await cluster.untilState(other, 'RUNNING');
      expect(connections() - before).toBe(1);
      const path = join(here.base, `archive/${job}.tar.gz`);
      for (let time = 0; time < 2; time += 1) {
        expect(await launcher.run('archive', job)).toMatchObject({ code: 0, out: `${path}\n` });
      }
      const kept = execFileSync('tar', ['-tzf', path], { encoding: 'utf8', timeout: 60_000 });
      expect(kept).toContain(`mailbox/outbox/${job}_01.jsonl`);
      expect(kept).toContain(`runs/${job}/checkpoint_00/notes.json`);
      expect(existsSync(join(here.base, 'runs', job))).toBe(false);
    } finally {
      // The connection that is kept ends with the machine's end of it.
      execFileSync(
        'sh',
        ['-c', 'ssh -F "$0" -o ControlPath="${TMPDIR:-/tmp}/skep-ssh-$(id -u)/%C" -O exit there || true', lab.config],
        {
          timeout: 60_000,
          stdio: 'ignore',
        },
      );
    }
  });

  it('adopts a job whose submission was answered by nobody, and says so where nothing was submitted', async () => {
    const here = fleet();
    const launcher = new Launcher({ cluster, base: here.base, change: bySsh() });
    const after = onLogin(
      'sbatch',
      `[ "$1" = --parsable ] || exec /usr/bin/sbatch "$@"; /usr/bin/sbatch "$@" >/dev/null; ${CUT}`,
    );
    const adopted = await launcher.run('launch', '--detach', '--prompt', 'say adopted');
    after();
    expect(adopted).toMatchObject({ code: 0, err: expect.stringContaining('adopted: the answer was lost') });
    const job = /^JOB_ID=(\d+)$/m.exec(adopted.out)?.[1] ?? '';
    await here.outbox(`${job}_00`).event('assistant', ({ content }) => content === 'adopted');
    expect((await cluster.run('squeue', ['-h', '-n', 'skep-slurm', '-o', '%i'])).trim()).toBe(job);
    await launcher.run('stop', job);
    await cluster.untilNoProcess(job);
    const before = onLogin('sbatch', `[ "$1" = --parsable ] || exec /usr/bin/sbatch "$@"; ${CUT}`);
    const lost = await launcher.run('launch');
    before();
    expect(lost).toMatchObject({ code: 3, err: expect.stringContaining('nothing was submitted') });
    await nothingQueued();
    // Of the one that was adopted.
    expect(readdirSync(join(here.base, 'launches'))).toHaveLength(1);
  });

  it('refuses a login node that is not there, one without Slurm, and one whose controller is gone', async () => {
    const here = fleet();
    const refused = async (change: object): Promise<Said> =>
      new Launcher({ cluster, base: here.base, change }).run('launch', '--json', '--detach');
    expect(await refused(bySsh({ login_alias: 'nobody' }))).toMatchObject({
      code: 3,
      err: expect.stringContaining('no_ssh'),
    });
    expect(await refused(bySsh({ login_alias: 'stranger' }))).toMatchObject({
      code: 3,
      err: expect.stringContaining('Host key verification failed'),
    });
    const restore = onLogin('scontrol', 'echo "bash: scontrol: command not found" >&2; exit 127');
    expect(await refused(bySsh())).toMatchObject({ code: 3, err: expect.stringContaining('no_slurm') });
    restore();
    await nothingLaunched(here);
  });
});

describe('a launch that would fail', () => {
  it('is refused by what Slurm knows: partition, nodes, time, account; and nothing is launched', async () => {
    const here = fleet();
    const launcher = new Launcher({ cluster, base: here.base });
    const refused = async (code: string, words: string, ...argv: string[]): Promise<void> => {
      const said = await launcher.run('launch', '--json', '--detach', ...argv);
      expect([said.code, said.err]).toEqual([3, expect.stringContaining(words)]);
      expect(said.err).toContain(`"${code}"`);
    };
    await refused('partition', 'nowhere', '--partition', 'nowhere');
    await refused('partition', 'partition closed is DOWN', '--partition', 'closed');
    await refused('nodes', 'at most 4 nodes, and 5 are asked for', '--nodes', '5');
    await refused('time', 'at most 1-00:00:00', '--time', '3-0');
    await refused(
      'account',
      'is for accounts physics, not for expired',
      '--partition',
      'projects',
      '--account',
      'expired',
    );
    await nothingLaunched(here);
  });

  it('is refused by what the agent lacks: program, login, model, room; and nothing is launched', async () => {
    const here = new Fleet();
    fleets.push(here);
    const change = (more: object): object => ({
      cluster: {
        workspace_root: join(here.base, '..'),
        cluster_subdir: here.base.slice(here.base.lastIndexOf('/') + 1),
        skep: agentBin(),
        ...more,
      },
    });
    const refused = async (o: {
      code: string;
      words: string;
      change?: object;
      env?: Record<string, string>;
    }): Promise<void> => {
      const launcher = new Launcher({
        cluster,
        base: here.base,
        ...(o.change === undefined ? {} : { change: o.change }),
        env: o.env ?? {},
      });
      const said = await launcher.run('launch', '--json', '--detach');
      expect([said.code, said.err]).toEqual([3, expect.stringContaining(o.words)]);
      expect(said.err).toContain(`"${o.code}"`);
    };
    await refused({ code: 'no_program', words: '/nowhere/skep', change: change({ skep: '/nowhere/skep' }) });
    await refused({ code: 'no_program', words: 'there is no codex on the cluster' });
    const real = { PATH: `${agentBin()}:${cluster.env['PATH']}` };
    await refused({ code: 'no_login', words: 'codex is not logged in', env: real });
    // Port 2 is nobody's on loopback.
    const model_url = 'http://127.0.0.1:2/v1';
    mkdirSync(join(cluster.dir, '.codex'), { recursive: true });
    writeFileSync(join(cluster.dir, '.codex/config.toml'), 'model_provider = "mine"\n');
    const skep = join(cluster.dir, 'skep');
    await refused({ code: 'no_model', words: 'ECONNREFUSED', env: real, change: change({ model_url, skep }) });
    await nothingLaunched(here);
    execFileSync('/usr/bin/env', ['mount', '-t', 'tmpfs', '-o', 'size=600k', 'tmpfs', here.base], { timeout: 60_000 });
    try {
      await refused({ code: 'no_room', words: 'No space left on device' });
    } finally {
      execFileSync('/usr/bin/env', ['umount', here.base], { timeout: 60_000 });
    }
    await nothingLaunched(here);
  });

  it('and one that fails, or is not up in time, is told with its end; the late one is cancelled', async () => {
    const here = fleet();
    const failed = await new Launcher({ cluster, base: here.base }).run('launch', '--tool', 'acp /nowhere/agent');
    expect([failed.code, failed.err]).toEqual([
      3,
      expect.stringMatching(/job \d+ is FAILED: a worker ended with an error/),
    ]);
    const blocker = (await cluster.run('sbatch', ['--parsable', '-N4', '--exclusive', '--wrap', 'sleep 600'])).trim();
    await cluster.untilState(blocker, 'RUNNING');
    const change = { launch: { soft_timeout_seconds: 1, hard_timeout_seconds: 4 } };
    const late = await new Launcher({ cluster, base: here.base, change }).run('launch');
    expect(late).toMatchObject({
      code: 3,
      err: expect.stringMatching(/delayed: .*[\s\S]*was not up within 4 s and was cancelled/),
    });
    await nothingQueued();
  });
});
