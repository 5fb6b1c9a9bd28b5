// Needs: slurmctld, slurmd, slurm-client and munge
/** What happens to allocations, done to a real Slurm: preemption, a node that goes down, a controller that is killed, an agent that fails. */
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { SlurmCluster } from './cluster/cluster.ts';
import { Launcher } from './cluster/launcher.ts';
import { Fleet, type OutboxReader } from './worker-rig.ts';

const TEST_MS = 240_000;

let cluster: SlurmCluster;
let fleet: Fleet;
let launcher: Launcher;
beforeEach(async () => {
  cluster = await SlurmCluster.up({ nodes: 3 });
  fleet = Fleet.withFake();
  launcher = new Launcher({ cluster, base: fleet.base });
}, TEST_MS);
afterEach(async () => {
  await cluster.down();
  await fleet.remove();
}, TEST_MS);

const user = (content: string, injection_id: string): object => ({ type: 'user', content, injection_id });
const untilStart = (outbox: OutboxReader): Promise<unknown> => outbox.until('a start', (one) => one.type === 'start');
const untilTaken = (outbox: OutboxReader, id: string): Promise<unknown> =>
  outbox.until(`${id} taken`, (one) => one.type === 'taken' && one.injection_id === id);

/** How often each message was given to an agent, and how often as one that may have been given before. */
const given = (outbox: OutboxReader): unknown[] =>
  outbox.seen.flatMap((one) => (one.type === 'taken' ? [[one.injection_id, one.redelivered === true]] : []));
const threads = (outbox: OutboxReader): Set<unknown> =>
  new Set(outbox.events('thread_started').map(({ payload }) => payload['thread_id']));

/** In the midst of its second turn. */
async function atWork(nodes: number): Promise<{ job: string; outboxes: OutboxReader[] }> {
  const job = await launcher.launch('--nodes', String(nodes), '--detach');
  const names = Array.from({ length: nodes }, (_, node) => `${job}_0${node}`);
  const outboxes = names.map((name) => fleet.outbox(name));
  for (const [at, name] of names.entries()) {
    fleet.tell(name, user('say done', 'i-1'));
    fleet.tell(name, user('hold', 'i-2'));
    const outbox = outboxes[at];
    if (outbox !== undefined) await untilTaken(outbox, 'i-2');
  }
  return { job, outboxes };
}

/** The held turn is given again, with the mark, in the same thread, and nothing else is. */
async function goesOn(job: string, outboxes: readonly OutboxReader[]): Promise<void> {
  for (const [node, outbox] of outboxes.entries()) {
    await untilStart(outbox);
    await untilTaken(outbox, 'i-2');
    fleet.tell(`${job}_0${node}`, { type: 'control', payload: { method: 'turn/interrupt' } });
    fleet.tell(`${job}_0${node}`, user('say after', 'i-3'));
    await outbox.event('assistant', ({ content }) => content === 'after');
    expect(given(outbox)).toEqual([
      ['i-1', false],
      ['i-2', false],
      ['i-2', true],
      ['i-3', false],
    ]);
    expect(threads(outbox).size).toBe(1);
  }
}

it(
  'a job of higher rank takes the nodes: workers leave checkpoints, and go on when they have them again',
  async () => {
    const { job, outboxes } = await atWork(2);
    const urgent = (await cluster.run('sbatch', ['--parsable', '-p', 'urgent', '-N3', '--wrap', 'sleep 1'])).trim();
    for (const outbox of outboxes) await outbox.until('the end', (one) => one.type === 'complete');
    await cluster.untilState(urgent, 'COMPLETED');
    expect((await launcher.run('status', job)).out).toMatch(new RegExp(`${job} +PENDING`));
    await cluster.startNow(job);
    await goesOn(job, outboxes);
  },
  TEST_MS,
);

it(
  'somebody cancels the job: workers leave checkpoints, nothing is left, and the end says who it was',
  async () => {
    const { job, outboxes } = await atWork(2);
    await cluster.run('scancel', [job]);
    for (const outbox of outboxes) {
      const end = await outbox.until('the end', (one) => one.type === 'complete');
      expect(end).toMatchObject({ reason: 'terminated' });
    }
    await cluster.untilNoProcess(job);
    await cluster.untilState(job, 'CANCELLED');
    for (const node of ['00', '01']) {
      const notes = readFileSync(join(fleet.base, 'runs', job, `checkpoint_${node}/notes.json`), 'utf8');
      expect(JSON.parse(notes)).toMatchObject({ reason: 'terminated', unfinished: ['hold'] });
    }
    expect((await launcher.run('status', job)).out).toContain('somebody cancelled it');
  },
  TEST_MS,
);

it(
  'a node is set down: the job begins again elsewhere, and its agents go on',
  async () => {
    const { job, outboxes } = await atWork(2);
    await cluster.run('scontrol', ['update', 'nodename=n1', 'state=down', 'reason=test']);
    for (const outbox of outboxes) await outbox.until('the end', (one) => one.type === 'complete');
    await cluster.startNow(job);
    await goesOn(job, outboxes);
    expect((await launcher.run('status', job)).out).toContain('n[2-3]');
  },
  TEST_MS,
);

it(
  'the controller is killed and comes back: turns go on meanwhile, and the job is still known',
  async () => {
    const { job, outboxes } = await atWork(1);
    const [outbox] = outboxes;
    if (outbox === undefined) throw new Error('unreachable');
    const begunMs = Date.now();
    // What it has not saved, it would not know again; it saves where something has changed since the last time.
    await cluster.run('scontrol', ['update', `jobid=${job}`, 'admincomment=saved']);
    await cluster.until(['true'], () => statSync(join(cluster.dir, 'state/job_state')).mtimeMs > begunMs);
    const controller = Number(readFileSync(join(cluster.dir, 'run/slurmctld.pid'), 'utf8'));
    process.kill(controller, 'SIGKILL');
    const gone = await launcher.run('status', '--json');
    expect([gone.code, gone.err]).toEqual([3, expect.stringContaining('no_slurm')]);
    fleet.tell(`${job}_00`, { type: 'control', payload: { method: 'turn/interrupt' } });
    fleet.tell(`${job}_00`, user('say meanwhile', 'i-3'));
    await outbox.event('assistant', ({ content }) => content === 'meanwhile');
    await cluster.run('slurmctld', ['-f', cluster.env['SLURM_CONF'] ?? '']);
    await cluster.until(['scontrol', 'show', 'job', '-o', job], (said) => said.includes('JobState=RUNNING '));
    expect((await launcher.run('stop', job)).code).toBe(0);
    await outbox.until('the end', (one) => one.type === 'complete');
    await cluster.untilNoProcess(job);
  },
  TEST_MS,
);

it(
  'an agent that always dies ends its worker, and the job’s end is explained',
  async () => {
    const job = await launcher.launch('--detach', '--prompt', 'die');
    const outbox = fleet.outbox(`${job}_00`);
    await outbox.until('the end', (one) => one.type === 'complete' && one.reason === 'gave_up');
    await cluster.untilState(job, 'FAILED');
    const said = (await launcher.run('status', job)).out;
    expect(said).toMatch(/FAILED .*a worker ended with an error.*exit code 1:0/);
  },
  TEST_MS,
);
