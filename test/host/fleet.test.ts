import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Fleet } from '../slurm/worker-rig.ts';
import { TestSwarm, type Json, type Member } from './swarm.ts';

let swarm: TestSwarm;
let fleet: Fleet;
beforeEach(() => {
  swarm = new TestSwarm();
  fleet = Fleet.withFake();
});
afterEach(async () => {
  await swarm.close();
  await fleet.remove();
});

/** A node whose cluster is this directory. */
function router(): Promise<Member> {
  const file = join(swarm.dir, 'fleet.json');
  const cluster = {
    workspace_root: dirname(fleet.base),
    cluster_subdir: fleet.base.slice(dirname(fleet.base).length + 1),
  };
  writeFileSync(file, JSON.stringify({ ssh: { login_alias: null }, cluster }));
  return swarm.add({ slurm: file });
}

/** A project on that node. */
async function project(node: Member): Promise<string> {
  const origin = swarm.repository('origin');
  await node.post('/api/swarm/projects', { name: 'demo', origin, base: 'main' });
  return origin;
}

const agents = (node: Member): Promise<Json[]> => node.list('/api/swarm/agents');
const create = async (node: Member, description: string, more: object = {}): Promise<string> =>
  String((await node.post('/api/swarm/tasks', { title: 'Work', description, project: 'demo', ...more }))['id']);
const runs = (node: Member, id: string): Promise<true> =>
  node.until(async () => ((await node.task(id))['status'] === 'in_progress' ? true : undefined));
const show = (origin: string, what: string): string =>
  execFileSync('git', ['show', what], { cwd: origin, encoding: 'utf8', timeout: 60_000 });

test('workers are agents of the node: they take tasks of the mesh and deliver commits, and are gone with their allocation', async () => {
  const node = await router();
  const other = await swarm.add();
  await swarm.linked();
  const origin = await project(node);
  const worker = fleet.start();
  await node.until(async () => ((await agents(node)).length === 1 ? true : undefined));
  expect((await agents(node))[0]).toMatchObject({ name: 'slurm-7-00', tool: 'codex', capabilities: ['slurm'] });
  const id = await create(
    other,
    'run echo hi > hello.txt; git add -A; git commit -qm hi; echo $SKEP_ATTEMPT of $SKEP_AGENT',
  );
  const ended = await node.ended(id);
  expect(ended).toMatchObject({ status: 'completed', attempt: 1, error: null });
  expect(ended['result']).toContain('1 of slurm-7-00');
  expect((await other.get(`/api/swarm/tasks/${id}/diff`))['text']).toContain('+hi');
  expect(await other.post(`/api/swarm/tasks/${id}/merge`, {})).toMatchObject({ state: 'merged', into: 'main' });
  expect(show(origin, 'main:hello.txt')).toBe('hi\n');
  const ops = await node.list(`/api/swarm/tasks/${id}/timeline`);
  expect(
    ops.some(({ type, summary }) => type === 'usage.recorded' && String(summary).startsWith('fake: 8 tokens')),
  ).toBe(true);
  fleet.tell('7_00', { type: 'shutdown' });
  expect(await worker.ended()).toBe(0);
  await node.until(async () => ((await agents(node)).length === 0 ? true : undefined));
});

test('what such an agent asks is answered in the one inbox, also by a node that was restarted meanwhile', async () => {
  const node = await router();
  await project(node);
  fleet.start();
  const id = await create(node, 'ask');
  const open = await node.until(async () => (await node.list('/api/approvals'))[0]);
  expect(open).toMatchObject({ state: 'open', detail: 'rm -rf build' });
  await node.restart();
  await node.post(`/api/approvals/${String(open['id'])}`, { decision: 'allow' });
  const ended = await node.ended(id);
  expect(ended).toMatchObject({ status: 'completed', attempt: 1 });
  expect(ended['result']).toContain('answered: accept');
});

test('an attempt that its walltime cuts off ends as released with its commits, and the next allocation goes on with them, once', async () => {
  const node = await router();
  const origin = await project(node);
  const worker = fleet.start();
  const script =
    'run if [ -e half.txt ]; then echo rest > rest.txt; git add -A; git commit -qm rest; exit 0; fi; echo half > half.txt; git add -A; git commit -qm half; echo loose > loose.txt; echo the second file is missing; exit 3';
  const id = await create(node, script);
  await runs(node, id);
  await fleet.appears(`runs/7/work/${id}.1/tree/loose.txt`);
  worker.signal('SIGUSR2');
  expect(await worker.ended()).toBe(0);
  const cut = await node.until(async () => {
    const ops = await node.list(`/api/swarm/tasks/${id}/timeline`);
    return ops.find(({ type }) => type === 'task.ended');
  });
  expect(JSON.stringify(cut)).toContain('walltime');
  await node.until(async () => ((await agents(node)).length === 0 ? true : undefined));
  fleet.start({}, fleet.base, '8');
  const ended = await node.ended(id);
  expect(ended).toMatchObject({ status: 'completed', attempt: 2 });
  // What the first one said last, and where its commits are, stands before the task.
  const asked = readFileSync(fleet.inbox('8_00'), 'utf8');
  expect(asked).toContain('> the second file is missing');
  const begun = execFileSync('git', ['rev-parse', `skep/${id}/2~1`], {
    cwd: origin,
    encoding: 'utf8',
    timeout: 60_000,
  });
  expect(asked).toContain(`Your folder begins at its last commit, ${begun.slice(0, 12)} `);
  for (const file of ['half.txt', 'loose.txt', 'rest.txt']) expect(show(origin, `skep/${id}/2:${file}`)).not.toBe('');
  const subjects = execFileSync('git', ['log', '--format=%s', `main..skep/${id}/2`], {
    cwd: origin,
    encoding: 'utf8',
    timeout: 60_000,
  });
  expect(subjects.trim().split('\n')).toEqual(['rest', 'Checkpoint: allocation_walltime', 'half']);
});

test('an agent whose allocation is about to end takes nothing, and says why', async () => {
  const node = await router();
  await project(node);
  fleet.start({ SLURM_JOB_END_TIME: String(Math.floor(Date.now() / 1_000) + 60) });
  await node.until(async () => ((await agents(node)).length === 1 ? true : undefined));
  const id = await create(node, 'say hello');
  const held = await node.until(async () => (await agents(node)).find((one) => one['held_by'] === 'walltime'));
  expect(held['status']).toBe('idle');
  expect((await node.task(id))['status']).toBe('pending');
});

test('an agent takes what it can end before its allocation does, and leaves what may last longer', async () => {
  const node = await router();
  await project(node);
  fleet.start({ SLURM_JOB_END_TIME: String(Math.floor(Date.now() / 1_000) + 1_000) });
  await node.until(async () => ((await agents(node)).length === 1 ? true : undefined));
  const long = await create(node, 'say long', { time_limit_s: 3_600 });
  await node.until(async () => (await agents(node)).find((one) => one['held_by'] === 'walltime'));
  const short = await create(node, 'say short', { time_limit_s: 60 });
  expect(await node.ended(short)).toMatchObject({ status: 'completed' });
  expect((await node.task(long))['status']).toBe('pending');
});
