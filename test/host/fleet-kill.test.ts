/** A node with agents on three compute nodes is killed again and again while they write: all of it is known in the end, and nothing twice. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import { stateDirOf } from '#socket-path.ts';
import { Fleet } from '../slurm/worker-rig.ts';
import { NodeProcess } from './process.ts';
import { freePort } from './swarm.ts';

const TEST_MS = 240_000;
/** In quarters; each but the first begins when its gate is opened. */
const NUMBERS = 2_000;
const GATES = [1, 2, 3];
const JOBS = ['7', '8', '9'];

const rows = z.array(z.looseObject({ id: z.string() }));
const ops = z.array(z.looseObject({ type: z.string() }));

let directory: string;
let fleet: Fleet;
let node: NodeProcess;
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'sk-fk-'));
  fleet = Fleet.withFake();
  const slurm = join(directory, 'fleet.json');
  const cluster = { workspace_root: dirname(fleet.base), cluster_subdir: basename(fleet.base) };
  writeFileSync(slurm, JSON.stringify({ ssh: { login_alias: null }, cluster }));
  const ports = { httpPort: await freePort(), p2pPort: await freePort() };
  node = new NodeProcess({ name: 'n', dataDir: join(directory, 'data'), ...ports, seeds: '', shellAgents: 0, slurm });
});
afterEach(async () => {
  await node.stop();
  await fleet.remove();
  rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
});

/** Each output of that process as it is kept here, without its end. */
function kept(job: string, task: string): { n: number; lines: string }[] {
  const { dataDir, p2pPort } = node.options;
  const path = join(stateDirOf(dataDir, p2pPort), 'fleet', `${job}_00`, 'procs', `${task}.1`, 'outbox.jsonl');
  const record = z.looseObject({ t: z.string(), n: z.number().optional(), lines: z.string().optional() });
  return contentOf(path)
    .split('\n')
    .slice(0, -1)
    .flatMap((line) => {
      const { n, lines } = record.parse(JSON.parse(line));
      return n === undefined || lines === undefined ? [] : [{ n, lines }];
    });
}
const numbersIn = (records: readonly { lines: string }[]): number[] =>
  records.flatMap(({ lines }) => [...lines.matchAll(/"delta":"n(\d+)\./g)].map((found) => Number(found[1])));

function contentOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // Not begun yet.
    return '';
  }
}

const poll = { timeout: 60_000, interval: 20 };
const open = async (): Promise<string[]> => rows.parse(await node.get('/api/approvals?state=open')).map(({ id }) => id);

test(
  'each line of three agents is kept once and in order, each question asked once and answered once, each attempt ended once',
  async () => {
    for (const job of JOBS) fleet.start({}, fleet.base, job);
    await node.start();
    await expect.poll(async () => rows.parse(await node.get('/api/swarm/agents')).length, poll).toBe(JOBS.length);
    const tasks: string[] = [];
    for (const _ of JOBS) {
      const { status, body } = await node.request('POST', '/api/swarm/tasks', {
        title: 'Count',
        description: `count ${NUMBERS} ${directory}`,
      });
      expect(status).toBe(201);
      tasks.push(z.looseObject({ id: z.string() }).parse(body).id);
    }
    const whereOf = (task: string): string | undefined => JOBS.find((job) => kept(job, task).length > 0);
    const counts = (): number[] =>
      tasks.map((task) => {
        const job = whereOf(task);
        return job === undefined ? 0 : numbersIn(kept(job, task)).length;
      });
    for (const gate of GATES) {
      await expect.poll(counts, poll).toEqual(tasks.map(() => (gate * NUMBERS) / 4));
      writeFileSync(join(directory, String(gate)), '');
      // Killed while they begin to write on; they write the rest for nobody.
      await node.kill();
      await node.start();
    }
    await expect.poll(open, poll).toHaveLength(JOBS.length);
    for (const task of tasks) {
      const records = kept(whereOf(task) ?? '', task);
      expect(records.map(({ n }) => n)).toEqual(Array.from({ length: records.length }, (_, at) => at + 1));
      expect(numbersIn(records)).toEqual(Array.from({ length: NUMBERS }, (_, at) => at));
    }

    // Killed between the answer, which is on disk, and its way to the compute node.
    const asked = await open();
    for (const id of asked) await node.request('POST', `/api/approvals/${id}`, { decision: 'allow' });
    await node.kill();
    await node.start();
    for (const task of tasks) {
      const done = z.looseObject({ status: z.string(), attempt: z.number(), result: z.string().nullable() });
      const now = async (): Promise<z.output<typeof done>> => done.parse(await node.get(`/api/swarm/tasks/${task}`));
      await expect.poll(async () => (await now()).status, poll).toBe('completed');
      const ended = await now();
      expect(ended.attempt).toBe(1);
      expect(ended.result).toContain('answered: accept');
      const types = ops.parse(await node.get(`/api/swarm/tasks/${task}/timeline`)).map(({ type }) => type);
      // Used for its turn, and for the one that reminds it to say how its task stands.
      const each = ['task.started', 'task.ended', 'usage.recorded'];
      expect(each.map((type) => types.filter((one) => one === type).length)).toEqual([1, 1, 2]);
    }
    const approvals = rows.parse(await node.get('/api/approvals'));
    expect(approvals.map(({ id }) => id).toSorted()).toEqual(asked.toSorted());
    expect(node.troubles).toEqual([]);
  },
  TEST_MS,
);
