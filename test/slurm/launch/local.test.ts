/** The same verbs on this machine alone. */
import { existsSync, readdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeFileSync } from 'node:fs';
import { afterEach, expect, it } from 'vitest';
import { runCommand } from '#cli/program.ts';
import { testWorld } from '../../cli/test-world.ts';
import { Fleet } from '../worker-rig.ts';

const SKEP = fileURLToPath(new URL('../../../bin/skep', import.meta.url));

const fleets: Fleet[] = [];
afterEach(async () => {
  for (const fleet of fleets.splice(0)) {
    await skep(fleet, 'stop-all');
    await fleet.remove();
  }
});
function fleet(): Fleet {
  const made = Fleet.withFake();
  fleets.push(made);
  return made;
}

type Said = { code: number; out: string; err: string };
const skep = (here: Fleet, ...argv: string[]): Promise<Said> => skepAt(SKEP, here, ...argv);

async function skepAt(program: string, here: Fleet, ...argv: string[]): Promise<Said> {
  const config = join(here.base, 'fleet.json');
  const cluster = { workspace_root: dirname(here.base), cluster_subdir: basename(here.base), skep: program };
  writeFileSync(config, JSON.stringify({ ssh: { login_alias: null }, cluster }));
  const env = { PATH: `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`, HOME: here.base, TMPDIR: here.base };
  const world = { ...testWorld({ env, cwd: here.base }), now: Date.now };
  const code = await runCommand(['slurm', ...argv, '--config', config, '--provider', 'local'], { world });
  return { code, ...world.said };
}

async function launched(here: Fleet, ...argv: string[]): Promise<string> {
  const said = await skep(here, 'launch', ...argv);
  const job = /^JOB_ID=(\S+)$/m.exec(said.out)?.[1];
  if (said.code !== 0 || job === undefined) throw new Error(JSON.stringify(said));
  return job;
}

it('two agents, two turns each in one thread; looked at, ended, continued, put away', async () => {
  const here = fleet();
  const job = await launched(here, '--nodes', '2', '--prompt', 'say one');
  const outboxes = ['00', '01'].map((node) => here.outbox(`${job}_${node}`));
  for (const [node, outbox] of outboxes.entries()) {
    await outbox.event('assistant', ({ content }) => content === 'one');
    here.tell(`${job}_0${node}`, { type: 'user', content: 'say two' });
    await outbox.event('assistant', ({ content }) => content === 'two');
    expect(outbox.events('thread_started')).toHaveLength(1);
  }
  expect((await skep(here, 'status')).out).toMatch(new RegExp(`${job} +RUNNING +2 +2 processes`));
  expect((await skep(here, 'logs', job, '--node', '1')).out).toContain('01 two\n');
  expect((await skep(here, 'launch', '--continue', job)).err).toContain('still runs');
  here.tell(`${job}_00`, { type: 'user', content: 'hold', injection_id: 'i-1' });
  await outboxes[0]?.until('taken', (one) => one.type === 'taken' && one.injection_id === 'i-1');
  expect((await skep(here, 'stop', job)).code).toBe(0);
  expect((await skep(here, 'status', job)).out).toMatch(/CANCELLED .*somebody cancelled it/);
  expect((await skep(here, 'status')).out).toBe('No allocation waits or runs.\n');

  const next = await launched(here, '--nodes', '2', '--continue', job);
  const again = here.outbox(`${next}_00`);
  await again.until(
    'given again',
    (one) => one.type === 'taken' && one.injection_id === 'i-1' && one.redelivered === true,
  );
  for (const node of ['00', '01']) here.tell(`${next}_${node}`, { type: 'shutdown' });
  for (const node of ['00', '01'])
    await here.outbox(`${next}_${node}`).until('the end', (one) => one.type === 'complete');
  await expect.poll(async () => (await skep(here, 'status', next)).out).toMatch(/COMPLETED .*as it was told/);
  expect((await skep(here, 'archive', job)).out).toBe(`${here.base}/archive/${job}.tar.gz\n`);
  expect(existsSync(join(here.base, 'runs', job, 'local.json'))).toBe(false);
});

it('ends at its walltime, and tells of a worker that failed', async () => {
  const here = fleet();
  const timed = await launched(here, '--detach', '--time', '00:00:03', '--prompt', 'hold');
  await here.outbox(`${timed}_00`).until('the walltime', (one) => one.type === 'complete' && one.reason === 'walltime');
  await expect.poll(async () => (await skep(here, 'status', timed)).out).toMatch(/TIMEOUT .*checkpoint/);
  const failed = await skep(here, 'launch', '--tool', 'acp /nowhere/agent');
  expect(failed).toMatchObject({ code: 3, err: expect.stringMatching(/is FAILED: a worker ended with an error/) });
  expect(await skep(here, 'status', 'local-0000000000000000')).toMatchObject({ code: 3 });
});

it('starts nothing where its program is not there', async () => {
  const here = fleet();
  const said = await skepAt('/nowhere/skep', here, 'launch', '--json');
  expect([said.code, said.err]).toEqual([3, expect.stringContaining('/nowhere/skep')]);
  expect(said.err).toContain('"no_program"');
  expect(readdirSync(here.base)).not.toContain('launches');
});
