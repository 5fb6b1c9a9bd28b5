// Needs: slurmctld, slurmd, slurm-client and munge; root, and a memory cgroup of version 1, for a kernel that ends a job
/** Each end of an allocation, done to a real Slurm: `status` and `launch` tell its cause and what to do next. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { SlurmCluster } from './cluster/cluster.ts';
import { Launcher } from './cluster/launcher.ts';
import { Fleet } from './worker-rig.ts';

const TEST_MS = 240_000;
/** Takes 600 MB and holds them. */
const EATS = `const a=[];for(let i=0;i<60;i++)a.push(Buffer.alloc(1e7,1));setTimeout(()=>{},6e5)`;

let cluster: SlurmCluster;
let fleet: Fleet;
let launcher: Launcher;
beforeAll(async () => {
  // A job of the partition cheap is not requeued when its nodes are taken.
  const more = 'PartitionName=cheap Nodes=n[1-7] State=UP MaxTime=1-0 PriorityTier=1 PreemptMode=CANCEL';
  cluster = await SlurmCluster.up({ nodes: 7, boundsMemory: true, more });
  fleet = Fleet.withFake();
  launcher = new Launcher({ cluster, base: fleet.base });
}, TEST_MS);
afterAll(async () => {
  await cluster.down();
  await fleet.remove();
}, TEST_MS);

/** Of a job whose agent has had a turn. */
async function atWork(...argv: string[]): Promise<{ job: string; node: string }> {
  const job = await launcher.launch('--detach', '--prompt', 'say ready', ...argv);
  await fleet.outbox(`${job}_00`).until('the first turn', (one) => one.type === 'acknowledged');
  const shown = await cluster.run('scontrol', ['show', 'job', '-o', job]);
  return { job, node: / NodeList=(\S+)/.exec(shown)?.[1] ?? '' };
}

/** What is told of a job, once Slurm says that it is over. */
async function told(job: string, state: string): Promise<{ why: string; next: string }> {
  await cluster.untilState(job, state);
  const said = await launcher.run('status', job, '--json');
  const [one]: { state: string; why: string; next: string }[] = JSON.parse(said.out);
  if (one === undefined) throw new Error(said.err);
  expect(one.state).toBe(state);
  const shown = (await launcher.run('status', job)).out;
  expect(shown).toContain(`Job ${job}, next: ${one.next}\n`);
  return { why: one.why, next: one.next };
}

const goesOn = (job: string): string => `skep slurm launch --continue ${job} --nodes 1 goes on with its agents`;

it.concurrent(
  'CANCELLED, by whoever has the right to',
  async () => {
    const { job } = await atWork();
    await cluster.run('scancel', [job]);
    await fleet.outbox(`${job}_00`).until('the end', (one) => one.type === 'complete');
    await cluster.untilNoProcess(job);
    expect(await told(job, 'CANCELLED')).toEqual({
      why: expect.stringMatching(/^somebody cancelled it; 1 of 1 workers left a checkpoint/),
      next: goesOn(job),
    });
  },
  TEST_MS,
);

it.concurrent(
  'FAILED, by an agent that dies at each try',
  async () => {
    const job = await launcher.launch('--detach', '--prompt', 'die');
    expect(await told(job, 'FAILED')).toEqual({
      why: 'a worker ended with an error: its agent died again and again; exit code 1:0',
      next: `skep slurm logs ${job} shows the last words of its agents, skep_${job}.err those of the batch script`,
    });
  },
  TEST_MS,
);

it.concurrent(
  'PREEMPTED, where a job of higher rank takes the nodes and nothing is requeued',
  async () => {
    const { job, node } = await atWork('--partition', 'cheap');
    await cluster.run('sbatch', ['-p', 'urgent', '-N1', '-w', node, '--wrap', 'sleep 1']);
    expect(await told(job, 'PREEMPTED')).toEqual({
      why: expect.stringMatching(/^a job of higher rank took its nodes; [01] of 1 workers left a checkpoint/),
      next: `${goesOn(job)}; another --partition or --qos may be safe from that`,
    });
  },
  TEST_MS,
);

it.concurrent(
  'NODE_FAIL, where its node is lost and Slurm may not begin it again',
  async () => {
    const { job, node } = await atWork();
    await cluster.run('scontrol', ['update', `jobid=${job}`, 'Requeue=0']);
    await cluster.run('scontrol', ['update', `nodename=${node}`, 'state=down', 'reason=test']);
    expect(await told(job, 'NODE_FAIL')).toEqual({
      why: expect.stringContaining(`a node of it failed (it had ${node}); `),
      next: `${goesOn(job)}; Slurm leaves a node out until it is up again`,
    });
  },
  TEST_MS,
);

it.concurrent(
  'TIMEOUT, where a worker does not hear of its walltime before it is over',
  async () => {
    const { job } = await atWork();
    const workers = cluster.processes(
      ({ argv, environment }) =>
        environment.includes(`SLURM_JOB_ID=${job}`) && argv.some((word) => word.endsWith('skep.mjs')),
    );
    expect(workers.length).toBeGreaterThan(0);
    for (const pid of workers) process.kill(pid, 'SIGSTOP');
    await cluster.run('scontrol', ['update', `jobid=${job}`, 'EndTime=now']);
    expect(await told(job, 'TIMEOUT')).toEqual({
      why: expect.stringMatching(/^its walltime was over; [01] of 1 workers left a checkpoint/),
      next: `${goesOn(job)}; --time asks for a longer one`,
    });
  },
  TEST_MS,
);

it.concurrent(
  'OUT_OF_MEMORY: by the kernel, of a batch script, of what an agent runs, and of a worker that has too little to begin',
  async () => {
    const wanted = { why: expect.stringContaining('it used more memory than it was given') };
    // As sites without a step in it end: Slurm's own word for it.
    const script = `exec '${process.execPath}' -e '${EATS}'`;
    const argv = ['--parsable', '--job-name=skep-slurm', '-N1', '--mem=100M', '--wrap', script];
    const batch = (await cluster.run('sbatch', argv)).trim();
    expect(await told(batch, 'OUT_OF_MEMORY')).toMatchObject({
      ...wanted,
      next: 'launch it again; --mem asks for more on each node',
    });
    // Slurm says FAILED, as srun did: the cause stands in what they wrote.
    const { job } = await atWork('--mem', '400M');
    fleet.tell(`${job}_00`, {
      type: 'user',
      content: `run '${process.execPath}' -e '${EATS}'`,
      injection_id: 'i-eats',
    });
    const outbox = fleet.outbox(`${job}_00`);
    await outbox.until('the turn', (one) => one.type === 'taken' && one.injection_id === 'i-eats');
    await outbox.until('its end', (one) => one.type === 'acknowledged');
    fleet.tell(`${job}_00`, { type: 'shutdown' });
    await outbox.until('the end', (one) => one.type === 'complete');
    expect(await told(job, 'FAILED')).toMatchObject({
      ...wanted,
      next: `${goesOn(job)}; --mem asks for more on each node`,
    });
    const small = await launcher.run('launch', '--mem', '20M');
    expect(small.code).toBe(3);
    expect(small.err).toMatch(/job \d+ is \w+: it used more memory than it was given/);
    expect(small.err).toContain('next: launch it again; --mem asks for more on each node');
  },
  TEST_MS,
);
