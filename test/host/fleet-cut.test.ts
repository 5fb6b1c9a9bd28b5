/** A worker of an allocation that nobody hears any more, while it works on: another attempt is made, and what it writes comes too late. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { LaggingShare } from '../slurm/lagging-share.ts';
import { Fleet } from '../slurm/worker-rig.ts';
import { TestSwarm } from './swarm.ts';

/** Four beats of a worker, so that one on a busy machine is not lost. */
const LOST_SECONDS = 20;
const TEST_MS = 240_000;

let swarm: TestSwarm;
let fleet: Fleet;
let share: LaggingShare;
beforeEach(() => {
  swarm = new TestSwarm();
  fleet = Fleet.withFake();
  share = new LaggingShare(fleet.base, '7_00');
});
afterEach(async () => {
  await swarm.close();
  await fleet.remove();
  share.remove();
});

test(
  'its attempt is lost and the next one completes the task, once; what it writes afterwards is kept, and delivers nothing',
  async () => {
    const file = join(swarm.dir, 'fleet.json');
    const cluster = { workspace_root: dirname(fleet.base), cluster_subdir: basename(fleet.base) };
    const settings = { ssh: { login_alias: null }, cluster, router: { heartbeat_timeout_seconds: LOST_SECONDS } };
    writeFileSync(file, JSON.stringify(settings));
    const node = await swarm.add({ slurm: file });
    const origin = swarm.repository('origin');
    await node.post('/api/swarm/projects', { name: 'demo', origin, base: 'main' });
    const agents = async (): Promise<unknown[]> => (await node.list('/api/swarm/agents')).map(({ name }) => name);
    const create = async (description: string): Promise<string> =>
      String((await node.post('/api/swarm/tasks', { title: 'Work', description, project: 'demo' }))['id']);
    const ends = async (id: string): Promise<string[]> =>
      (await node.list(`/api/swarm/tasks/${id}/timeline`)).flatMap((op) =>
        op['type'] === 'task.ended' ? [JSON.stringify(op)] : [],
      );

    fleet.start({}, share.base);
    await node.until(async () => ((await agents()).length === 1 ? true : undefined));
    const go = join(fleet.base, 'go');
    const commit = (name: string): string => `echo ${name} > ${name}.txt; git add -A; git commit -qm ${name}`;
    const first = `${commit('one')}; touch ${fleet.base}/begun; until [ -e ${go} ]; do sleep 0.1; done; ${commit('more')}; echo too late`;
    const id = await create(`run if [ $SKEP_ATTEMPT = 1 ]; then ${first}; else ${commit('two')}; echo in time; fi`);
    await fleet.appears('begun');
    share.cut();
    await node.until(async () => ((await ends(id)).length === 1 ? true : undefined));
    expect((await ends(id))[0]).toContain('lost');
    fleet.start({}, fleet.base, '8');
    const ended = await node.ended(id);
    expect(ended).toMatchObject({ status: 'completed', attempt: 2, work: { commits: 1 } });

    // It works on and writes on, as nobody has told it anything.
    writeFileSync(go, '');
    await expect.poll(() => share.written('7_00')).toContain('too late');
    const known = readFileSync(join(fleet.base, 'mailbox/outbox/7_00.jsonl'), 'utf8');
    expect(known).not.toContain('too late');
    fleet.tell('8_00', { type: 'shutdown' });
    await node.until(async () => ((await agents()).includes('slurm-8-00') ? undefined : true));
    share.heal();

    // It is there again, and takes the next task after all that it wrote before was heard.
    const next = await create('run echo again');
    expect(await node.ended(next)).toMatchObject({ status: 'completed', attempt: 1 });
    const kept = readFileSync(join(fleet.base, 'mailbox/outbox/7_00.jsonl'), 'utf8');
    expect(kept).toContain('too late');
    expect(swarm.log.filter((line) => line.includes(`writes on of ${id}.1`))).toHaveLength(1);
    expect(await node.task(id)).toEqual(ended);
    expect(await ends(id)).toHaveLength(2);
    const git = (...args: string[]): string =>
      execFileSync('git', args, { cwd: origin, encoding: 'utf8', timeout: 60_000 });
    expect(git('log', '--all', '--format=%s')).not.toMatch(/one|more/);
    expect(await node.post(`/api/swarm/tasks/${id}/merge`, {})).toMatchObject({ state: 'merged', into: 'main' });
    expect(git('ls-tree', '--name-only', 'main').trim().split('\n')).toEqual(['README.md', 'two.txt']);
  },
  TEST_MS,
);
