// Needs: slurmctld, slurmd, slurm-client and munge; sshd and ssh (openssh-server, openssh-client); npm, 1.2 GB of disk for the agent CLIs
/** Tasks of the mesh on a real Slurm: the real Codex, the router's node outside of it, and one real ssh connection between them. */
import { execFileSync } from 'node:child_process';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ModelServer } from '#model-server/server.ts';
import { startModelServer } from '#model-server/server.ts';
import { AgentHome, agentBin } from '../agent-clis.ts';
import { SshLab } from '../cli/ssh-lab.ts';
import { script } from '../driver/protocol-rig.ts';
import { TestSwarm, type Json, type Member } from '../host/swarm.ts';
import { SlurmCluster } from './cluster/cluster.ts';
import { Launcher } from './cluster/launcher.ts';
import { Fleet } from './worker-rig.ts';

const KEY = 'stub-key';
/** The walltime's signal comes 90 s before the end, and up to a minute before that; a claim wants three minutes. */
const TIME = '00:05:00';
/** Looks of a second each: the allocation's five minutes, twice. */
const LOOKS_MAX = 600;

let server: ModelServer;
let home: AgentHome;
let cluster: SlurmCluster;
let lab: SshLab;
let fleet: Fleet;
let swarm: TestSwarm;
beforeAll(async () => {
  agentBin();
  server = await startModelServer({ port: 0, key: KEY, onServed: () => {} });
  home = new AgentHome({ url: server.url, key: KEY });
  cluster = await SlurmCluster.up({ nodes: 1 });
  lab = await SshLab.open({ env: { ...cluster.env, ...home.env } });
  fleet = new Fleet();
  swarm = new TestSwarm();
}, 300_000);
afterAll(async () => {
  await swarm.close();
  await lab.close();
  await cluster.down();
  await fleet.remove();
  home.remove();
  await server.close();
}, 300_000);

async function found<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
  for (let looks = 0; looks < LOOKS_MAX; looks += 1) {
    const one = await look();
    if (one !== undefined) return one;
    await setTimeout(1_000);
  }
  throw new Error(`waited in vain for ${what}`);
}

/** What asks for that. */
const asked = (node: Member, part: string): Promise<Json> =>
  found(`an agent that asks for ${part}`, async () =>
    (await node.list('/api/approvals?state=open')).find((one) => String(one['detail']).includes(part)),
  );
async function allow(node: Member, part: string): Promise<void> {
  const { id } = await asked(node, part);
  await node.post(`/api/approvals/${String(id)}`, { decision: 'allow' });
}

const ends = async (node: Member, id: string): Promise<Json[]> =>
  (await node.list(`/api/swarm/tasks/${id}/timeline`)).filter(({ type }) => type === 'task.ended');

const HALF =
  'if [ -e half.txt ]; then echo rest > rest.txt; else echo half > half.txt; fi; git add -A; git commit -qm step';
const COMPLETE = { tool: 'task_complete', namespace: 'mcp__skep', input: { summary: 'both halves are there' } };

it(
  'a task is completed with commits over a connection that is cut; walltime strikes one, and the next allocation finishes it once',
  { timeout: 1_500_000 },
  async () => {
    const ssh = { login_alias: 'there', config_file: lab.config };
    const launcher = new Launcher({ cluster, base: fleet.base, env: home.env, change: { ssh } });
    const node = await swarm.add({ slurm: launcher.config });
    const origin = swarm.repository('origin');
    await node.post('/api/swarm/projects', { name: 'demo', origin, base: 'main' });
    const create = async (description: string): Promise<string> =>
      String((await node.post('/api/swarm/tasks', { title: 'Work', description, project: 'demo' }))['id']);
    const job = await launcher.launch('--nodes', '1', '--time', TIME);

    const first = await create(`Commit. ${script({ bash: HALF }, COMPLETE, { text: 'Bye.' })}`);
    await asked(node, 'half.txt');
    const connections = cluster.processes(({ argv }) => argv[0] === 'ssh' && argv.some((word) => word === 'far-end'));
    expect(connections).toHaveLength(1);
    for (const pid of connections) process.kill(pid, 'SIGKILL');
    await allow(node, 'half.txt');
    const done = await node.ended(first);
    expect(done).toMatchObject({
      status: 'completed',
      attempt: 1,
      result: 'both halves are there',
      work: { commits: 1 },
    });

    const second = await create(
      `Commit. ${script({ bash: HALF }, { bash: 'touch asked' }, COMPLETE, { text: 'Bye.' })}`,
    );
    await allow(node, 'half.txt');
    await asked(node, 'touch asked');
    const [cut] = await found('the walltime', async () =>
      (await ends(node, second)).length > 0 ? ends(node, second) : undefined,
    );
    expect(JSON.stringify(cut)).toContain('walltime');
    await cluster.untilNoProcess(job);
    expect((await node.task(second))['status']).toBe('pending');
    expect(await node.list('/api/approvals?state=open')).toEqual([]);

    await launcher.launch('--nodes', '1', '--time', '00:20:00');
    await allow(node, 'half.txt');
    await allow(node, 'touch asked');
    const ended = await node.ended(second);
    expect(ended).toMatchObject({ status: 'completed', attempt: 2, result: 'both halves are there' });
    expect(await ends(node, second)).toHaveLength(2);
    const log = execFileSync('git', ['log', '--format=%s', `main..skep/${second}/2`], {
      cwd: origin,
      encoding: 'utf8',
      timeout: 60_000,
    });
    expect(log.split('\n').filter((subject) => subject === 'step')).toHaveLength(2);
    const files = execFileSync('git', ['ls-tree', '--name-only', `skep/${second}/2`], {
      cwd: origin,
      encoding: 'utf8',
      timeout: 60_000,
    });
    expect(files).toContain('half.txt');
    expect(files).toContain('rest.txt');
  },
);
