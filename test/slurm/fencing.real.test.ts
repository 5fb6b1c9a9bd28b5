// Needs: slurmctld, slurmd, slurm-client and munge
/** A node of a real Slurm is lost while what it started lives on: the job begins elsewhere, and who is left behind does no harm. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { SlurmCluster } from './cluster/cluster.ts';
import { Launcher } from './cluster/launcher.ts';
import { Fleet, type OutboxReader } from './worker-rig.ts';

/** Slurm notices within half a minute, and gives those who are left on other nodes ten seconds. */
const TEST_MS = 300_000;
let cluster: SlurmCluster;
let fleet: Fleet;
beforeAll(async () => {
  cluster = await SlurmCluster.up({ nodes: 3 });
  fleet = Fleet.withFake();
}, TEST_MS);
afterAll(async () => {
  await cluster.down();
  await fleet.remove();
}, TEST_MS);

const parentOf = (pid: number): number =>
  Number(/^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);

/** The daemon of a node, and those of its own who watch over what runs there: SIGKILL. What runs there is told nothing. */
function killDaemonsOf(name: string): void {
  const daemons = cluster.processes(({ argv }) => argv[0]?.endsWith('slurmd') === true && argv.includes(name));
  const started = cluster.processes(({ environment }) => environment.includes(`SLURMD_NODENAME=${name}`));
  const steps = cluster.processes(({ argv }) => argv[0]?.startsWith('slurmstepd') === true);
  const watching = steps.filter((pid) => started.some((one) => parentOf(one) === pid));
  expect([daemons.length, watching.length]).toEqual([1, 2]);
  for (const pid of [...daemons, ...watching]) process.kill(pid, 'SIGKILL');
}

const taken = (outbox: OutboxReader): unknown[] =>
  outbox.seen.flatMap((one) =>
    one.type === 'taken' ? [[one.injection_id, one.restart, one.redelivered === true]] : [],
  );

it(
  'the job begins elsewhere; the worker that is left behind ends as superseded, and its srun does not end the new ones',
  async () => {
    const launcher = new Launcher({ cluster, base: fleet.base });
    const job = await launcher.launch('--nodes', '2', '--detach');
    const names = [`${job}_00`, `${job}_01`];
    const [first, second] = names.map((name) => fleet.outbox(name));
    if (first === undefined || second === undefined) throw new Error('unreachable');
    for (const name of names) {
      fleet.tell(name, { type: 'user', content: 'say done', injection_id: 'i-1' });
      fleet.tell(name, { type: 'user', content: 'hold', injection_id: 'i-2' });
    }
    for (const one of [first, second])
      await one.until('i-2', (record) => record.type === 'taken' && record.injection_id === 'i-2');

    killDaemonsOf('n1');
    await cluster.startNow(job);
    for (const one of [first, second]) {
      await one.until('the next worker', (record) => record.type === 'start' && record.restart === 1);
    }
    // What an `srun` that is left behind does in the end: it ends its step, by its number.
    await cluster.run('scancel', [`${job}.0`]).catch(() => {});
    const left = await first.until('the end of who is left', (record) => record.type === 'complete');
    expect(left).toMatchObject({ reason: 'superseded', restart: 0 });

    for (const [at, outbox] of [first, second].entries()) {
      fleet.tell(names[at] ?? '', { type: 'control', payload: { method: 'turn/interrupt' } });
      fleet.tell(names[at] ?? '', { type: 'user', content: 'say after', injection_id: 'i-3' });
      const said = await outbox.event('assistant', ({ content }) => content === 'after');
      expect(said.restart).toBe(1);
      expect(taken(outbox)).toEqual([
        ['i-1', 0, false],
        ['i-2', 0, false],
        ['i-2', 1, true],
        ['i-3', 1, false],
      ]);
    }
    expect((await launcher.run('stop', job)).code).toBe(0);
    for (const outbox of [first, second]) {
      const end = await outbox.until('the end', (record) => record.type === 'complete' && record.restart === 1);
      expect(end).toMatchObject({ reason: 'terminated' });
    }
    await cluster.untilNoProcess(job);
  },
  TEST_MS,
);
