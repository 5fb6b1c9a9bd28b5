// Needs: slurmctld, slurmd, slurm-client and munge
/** The slow one: Slurm itself says that the walltime is near, in the midst of a turn, and the next allocation ends what was begun. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { SlurmCluster } from './cluster/cluster.ts';
import { Launcher } from './cluster/launcher.ts';
import { Fleet } from './worker-rig.ts';

/** Slurm's timer is coarse: a minute more or less. */
const TEST_MS = 300_000;
let cluster: SlurmCluster;
let fleet: Fleet;
beforeAll(async () => {
  cluster = await SlurmCluster.up({ nodes: 2 });
  fleet = Fleet.withFake();
}, TEST_MS);
afterAll(async () => {
  await cluster.down();
  await fleet.remove();
}, TEST_MS);

it(
  'leaves commit, bundle and notes, and goes on in the next allocation, where the message is done once',
  async () => {
    const launcher = new Launcher({ cluster, base: fleet.base });
    const job = await launcher.launch('--detach', '--time', '2', '--prompt', 'say begun');
    const outbox = fleet.outbox(`${job}_00`);
    await outbox.until('the first turn', (one) => one.type === 'acknowledged');
    const cwd = join(fleet.base, 'runs', job, 'agent_00');
    const git = (...args: string[]): string =>
      execFileSync('git', args, { cwd, encoding: 'utf8', timeout: 60_000 }).trim();
    git('init', '-q');
    mkdirSync(join(cwd, 'src'));
    writeFileSync(join(cwd, 'src/half.txt'), 'half done\n');
    fleet.tell(`${job}_00`, { type: 'user', content: 'hold', injection_id: 'i-half' });
    fleet.tell(`${job}_00`, { type: 'user', content: 'say queued', injection_id: 'i-queued' });
    await outbox.until('the turn that is cut', (one) => one.type === 'taken' && one.injection_id === 'i-half');
    expect((await launcher.run('launch', '--continue', job)).err).toContain('still waits or runs');
    // No test's own limit: Slurm sends it when it does.
    const end = await outbox.whenever('the walltime', (one) => one.type === 'complete');
    expect(end).toMatchObject({ reason: 'walltime' });
    await cluster.untilState(job, 'COMPLETED');
    const status = (await launcher.run('status', job)).out;
    expect(status).toContain('its walltime was near: 1 of 1 workers stopped for it; 1 of 1 workers left a checkpoint');
    expect(status).toContain(`next: skep slurm launch --continue ${job} --nodes 1 goes on with its agents`);
    const left = join(fleet.base, 'runs', job, 'checkpoint_00');
    const notes: unknown = JSON.parse(readFileSync(join(left, 'notes.json'), 'utf8'));
    expect(notes).toMatchObject({
      reason: 'walltime',
      unfinished: ['hold', 'say queued'],
      head: git('rev-parse', 'HEAD'),
    });
    expect(git('bundle', 'list-heads', join(left, 'work.bundle'))).toContain(git('rev-parse', 'HEAD'));
    const [thread] = outbox.events('thread_started').map(({ payload }) => payload['thread_id']);

    const next = await launcher.launch('--detach', '--continue', job, '--prompt', 'say more');
    const after = fleet.outbox(`${next}_00`);
    await after.until('the cut one', (one) => one.type === 'taken' && one.injection_id === 'i-half');
    fleet.tell(`${next}_00`, { type: 'control', payload: { method: 'turn/interrupt' } });
    await after.event('assistant', ({ content }) => content === 'more');
    const taken = after.seen.flatMap((one) =>
      one.type === 'taken' ? [[one.injection_id, one.redelivered === true]] : [],
    );
    expect(taken.slice(0, 2)).toEqual([
      ['i-half', true],
      ['i-queued', false],
    ]);
    expect(taken).toHaveLength(3);
    expect(after.seen.find((one) => one.type === 'start')).toMatchObject({ cwd });
    const resumed = after.seen.find((one) => one.type === 'codex_rpc' && one.payload['id'] === 'thread');
    expect(resumed).toMatchObject({ payload: { result: { thread: { id: thread } } } });
  },
  TEST_MS,
);
