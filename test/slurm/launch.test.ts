import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runCommand } from '#cli/program.ts';
import { testWorld } from '../cli/test-world.ts';
import { temporaryDirectories } from '../runtime/temporary.ts';

const makeDirectory = temporaryDirectories();

const PARTITION = 'PartitionName=main Default=YES MaxNodes=UNLIMITED MaxTime=1-00:00:00 State=UP TotalNodes=4';

/** A site whose Slurm is four scripts that note what they were given and answer by a file. */
class Site {
  readonly root = makeDirectory();
  readonly base = join(this.root, 'fleet');
  readonly #bin = join(this.root, 'bin');

  constructor() {
    this.sbatch('echo "4711;cluster"');
    this.command('squeue', 'cat "$SITE/queue" 2>/dev/null; echo "squeue $*" >> "$SITE/calls"');
    this.command('scontrol', `[ "$2" = partition ] && echo '${PARTITION}' || cat "$SITE/shown"`);
    this.command('scancel', 'echo "scancel $*" >> "$SITE/calls"');
    this.command('id', 'echo ada');
    this.command('codex', 'echo "Logged in using ChatGPT"');
    this.command('ssh', 'shift 4; echo "ssh $*" >> "$SITE/calls"; exec sh -c "$*"');
    this.command('fleet/tools/skep/bin/skep', 'exit 0', this.root);
  }

  /** What it does once a script was looked at and is to be submitted. */
  sbatch(script: string): void {
    this.command('sbatch', `[ "$1" = --test-only ] && exit 0; cat > "$SITE/script"; ${script}`);
  }

  command(name: string, script: string, directory = this.#bin): void {
    const path = join(directory, name);
    mkdirSync(join(path, '..'), { recursive: true });
    writeFileSync(path, `#!/bin/sh\n${script}\n`);
    chmodSync(path, 0o755);
  }

  config(change: object = {}): string {
    const whole = {
      ssh: { login_alias: null },
      slurm: { default_partition: 'main', default_account: null, default_time: '00:20:00' },
      cluster: { workspace_root: this.root, cluster_subdir: 'fleet' },
      ...change,
    };
    const path = join(this.root, 'fleet.json');
    writeFileSync(path, JSON.stringify(whole));
    return path;
  }

  write(name: string, text: string): void {
    writeFileSync(join(this.root, name), text);
  }

  read(name: string): string {
    const path = join(this.root, name);
    return existsSync(path) ? readFileSync(path, 'utf8') : '';
  }

  /** What `skep slurm …` said and how it ended. */
  async run(...argv: string[]): Promise<{ code: number; out: string; err: string }> {
    const env = { PATH: `${this.#bin}:/usr/bin:/bin`, SITE: this.root };
    const world = testWorld({ env, cwd: this.root });
    const code = await runCommand(['slurm', ...argv], { world });
    return { code, ...world.said };
  }
}

describe('skep slurm launch', () => {
  it('prints its script and does nothing else in a dry run', async () => {
    const site = new Site();
    const said = await site.run('launch', '--config', site.config(), '--nodes', '4', '--qos', 'high', '--dry-run');
    expect(said).toMatchObject({ code: 0, err: '' });
    const lines = said.out.split('\n');
    const wanted = ['nodes=4', 'ntasks=4', 'time=00:20:00', 'partition=main', 'qos=high', 'signal=USR2@90', 'requeue'];
    for (const option of wanted) expect(lines).toContain(`#SBATCH --${option}`);
    expect(said.out).not.toContain('--account');
    expect(lines.at(-2)).toBe(
      `exec srun --ntasks-per-node=1 --kill-on-bad-exit=0 '${site.base}/tools/skep/bin/skep' slurm worker --tool 'codex' --launch '0000000000000000'`,
    );
    expect(site.read('script')).toBe('');
  });

  it('submits, with a prompt for each agent; over ssh, whatever stands in it', async () => {
    for (const alias of [null, 'login']) {
      const site = new Site();
      const prompt = `it's "here": $HOME\n`;
      const config = site.config({ ssh: { login_alias: alias } });
      const said = await site.run('launch', '--config', config, '--nodes', '2', '--prompt', prompt, '--detach');
      expect(said).toMatchObject({ code: 0, out: 'JOB_ID=4711\n' });
      expect(site.read('script')).toContain('#SBATCH --nodes=2');
      const launch = /^#SBATCH --comment=skep:([0-9a-f]{16})$/m.exec(site.read('script'))?.[1];
      expect(site.read('script')).toContain(`--launch '${launch}'`);
      expect(JSON.parse(site.read(`fleet/launches/${launch}.json`))).toEqual({ prompt });
      expect(site.read('calls').includes('ssh')).toBe(alias !== null);
    }
  });

  it('refuses a file without a key by its name, and whatever cannot be submitted by its own words', async () => {
    const site = new Site();
    const refused = async (argv: string[], text: string): Promise<void> => {
      const said = await site.run('launch', ...argv);
      expect([said.code, said.err]).toEqual([3, expect.stringContaining(text)]);
      expect(site.read('script')).toBe('');
    };
    await refused(['--config', 'none.json'], 'Config file not found: ');
    await refused(['--config', site.config({ ssh: {} })], 'Missing required config field: ssh.login_alias');
    await refused(
      ['--config', site.config({ cluster: { cluster_subdir: 'x' } })],
      'Missing required config field: cluster.workspace_root',
    );
    await refused(
      ['--config', site.config({ cluster: { workspace_root: '/x' } })],
      'Missing required config field: cluster.cluster_subdir',
    );
    await refused(
      ['--config', site.config({ cluster: { workspace_root: '/a b', cluster_subdir: 'x' } })],
      'cluster.workspace_root',
    );
    await refused(
      ['--config', site.config({ cluster: { workspace_root: '/x', cluster_subdir: 'y' } })],
      'no program at /x/y/tools/skep',
    );
    const config = site.config();
    await refused(['--config', config, '--partition', 'a\n#SBATCH -x'], '--partition: expected a word');
    await refused(['--config', config, '--nodes', '0'], 'expected 1 to 100 nodes');
    await refused(['--config', config, '--nodes', '5'], 'partition main gives at most 4 nodes');
    await refused(['--config', config, '--time', '2-0'], 'partition main gives at most 1-00:00:00');
    site.command('sbatch', 'echo "sbatch: error: invalid partition specified: nowhere" >&2; exit 1');
    await refused(['--config', config], 'sbatch failed: sbatch: error: invalid partition specified: nowhere');
    site.command('sbatch', '[ "$1" = --test-only ] || echo hello');
    await refused(['--config', config], 'sbatch named no job');
    site.command('sbatch', '[ "$1" = --test-only ] || { echo "sbatch: error: Invalid account" >&2; exit 1; }');
    await refused(['--config', config, '--account', 'late'], 'account late: sbatch failed: ');
    expect(readdirSync(join(site.base, 'launches'))).toEqual([]);
  });
});

describe('skep slurm status and stop', () => {
  it('tell of jobs of skep and of this user only, and how one ended', async () => {
    const site = new Site();
    const config = site.config();
    expect((await site.run('status', '--config', config)).out).toBe('No allocation waits or runs.\n');
    expect(site.read('calls')).toContain('squeue -h -u ada -n skep-slurm');
    site.write('queue', '4711|RUNNING|2|n[1-2]|None|skep:ab\n');
    const listed = await site.run('status', '--config', config, '--json');
    expect(JSON.parse(listed.out)).toEqual([
      { job: '4711', state: 'RUNNING', nodes: 2, where: 'n[1-2]', why: '', next: '', launch: 'ab' },
    ]);
    expect((await site.run('stop', '4711', '--config', config)).code).toBe(0);
    expect(site.read('calls')).toContain('scancel 4711');
    site.write('queue', '');
    site.write(
      'shown',
      'JobId=4711 JobName=skep-slurm UserId=ada(1000) JobState=TIMEOUT NodeList=n1 NumNodes=1 ExitCode=0:15',
    );
    const over = await site.run('status', '4711', '--config', config, '--json');
    expect(JSON.parse(over.out)).toMatchObject([
      {
        state: 'TIMEOUT',
        why: 'its walltime was over; exit code 0:15',
        next: 'launch it again; --time asks for a longer one',
      },
    ]);
  });

  it('leave the jobs of others alone', async () => {
    const site = new Site();
    for (const other of ['JobName=theirs UserId=ada(1000)', 'JobName=skep-slurm UserId=bob(1001)']) {
      site.write('shown', `JobId=9 ${other} JobState=RUNNING`);
      const said = await site.run('stop', '9', '--config', site.config());
      expect([said.code, said.err]).toEqual([3, expect.stringContaining("job 9 is none of skep's of ada")]);
    }
    expect(site.read('calls')).not.toContain('scancel');
  });
});
