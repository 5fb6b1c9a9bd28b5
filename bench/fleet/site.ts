/** What the router's bench runs on: a real Slurm, two real login nodes (one for each way of reading), and what a person has of them. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { SshLab } from '../../test/cli/ssh-lab.ts';
import { SlurmCluster } from '../../test/slurm/cluster/cluster.ts';
import { Client, PROGRAM, RouterProcess } from '../../test/slurm/router/rig.ts';
import { Fleet } from '../../test/slurm/worker-rig.ts';
import type { Stage } from '../stage.ts';
import { cpuMs } from './cpu.ts';

/** Sixteen that write, one of the conversation, one that is launched. */
const NODES = 18;
const WAIT_MAX_MS = 60_000;
const LOOK_MS = 2;

/** What was told by somebody who reads the outboxes, whichever way. */
export interface Reader {
  /** Words for the agent; resolves when the first delta of its answer is here. */
  answered: (mailbox: string, word: string) => Promise<void>;
  /** Processor time so far, of both ends. */
  cpuMs: () => number;
  close: () => Promise<void>;
}

export class Site {
  readonly cluster: SlurmCluster;
  /** The login node of the router, and that of whoever polls. */
  readonly #labs: readonly [SshLab, SshLab];
  readonly #fleets: Fleet[] = [];

  static async open(stage: Stage): Promise<Site> {
    const cluster = await SlurmCluster.up({ nodes: NODES });
    // Of a bench that is interrupted, too: daemons are nobody's children.
    stage.atEnd(() => {
      for (const pid of cluster.processes()) {
        try {
          process.kill(pid, 'SIGKILL');
        } catch {
          // It ended by itself.
        }
      }
    });
    const { PATH = '', SLURM_CONF = '', TMPDIR = '' } = cluster.env;
    const env = { PATH, SLURM_CONF, TMPDIR };
    return new Site(cluster, [await SshLab.open({ env }), await SshLab.open({ env })]);
  }

  private constructor(cluster: SlurmCluster, labs: readonly [SshLab, SshLab]) {
    this.cluster = cluster;
    this.#labs = labs;
  }

  /** A shared directory with the stand-in for Codex. */
  fleet(): Fleet {
    const fleet = Fleet.withFake();
    this.#fleets.push(fleet);
    return fleet;
  }

  config({ base }: Fleet, by: 'ssh' | 'here'): string {
    const file = join(base, `${by}.json`);
    const ssh = by === 'ssh' ? { login_alias: 'there', config_file: this.#labs[0].config } : { login_alias: null };
    const cluster = { workspace_root: dirname(base), cluster_subdir: basename(base), skep: PROGRAM };
    writeFileSync(
      file,
      JSON.stringify({ ssh, slurm: { default_partition: 'main', default_time: '00:20:00' }, cluster }),
    );
    return file;
  }

  /** The command that a connection to the far end is. */
  farEnd({ base }: Fleet): [string, ...string[]] {
    const options = ['-T', '-F', this.#labs[0].config, '-o', 'ControlPath=none', 'there', '--'];
    return ['ssh', ...options, PROGRAM, 'slurm', 'far-end', '--base', base];
  }

  /** `skep …` of a person; what it printed. */
  async skep(...argv: string[]): Promise<string> {
    return this.cluster.run(PROGRAM, argv);
  }

  /** The router as people run it: by its own command, over its one connection, driven by its door. */
  async router(fleet: Fleet): Promise<Reader & { told: () => string[] }> {
    const state = join(fleet.base, 'router');
    const router = new RouterProcess(this.config(fleet, 'ssh'), state, { ...this.cluster.env });
    const client = new Client(await router.port());
    client.say({ type: 'auth', token: await tokenIn(state) });
    await router.says('connected');
    const [lab] = this.#labs;
    return {
      told: () => router.events.deltas(),
      answered: async (mailbox, word) => {
        const [job = '', node] = mailbox.split('_');
        const payload = { swarm_id: `slurm-${job}`, nodes: Number(node), content: `say ${word}` };
        const delta = router.events.event('assistant_delta', ({ content }) => content === word);
        const answer = client.ask('inject', payload, 'inject_delivered');
        if ((await answer).event !== 'inject_delivered') throw new Error(JSON.stringify(await answer));
        await delta;
      },
      cpuMs: () => cpuMs({ roots: [router.child.pid ?? 0, lab.pid ?? 0], marks: [] }),
      close: async () => {
        await client.close();
        await router.kill();
      },
    };
  }

  /** Whoever reads by `ssh cat`, as a process of its own, too. */
  async poller({ base }: Fleet): Promise<Reader & { poll: (isOn: boolean) => void }> {
    const [, lab] = this.#labs;
    const control = join(base, 'cm');
    const program = join(import.meta.dirname, 'poller.ts');
    const argument = JSON.stringify({ config: lab.config, control, base });
    const child = spawn(process.execPath, [program, argument], { stdio: ['pipe', 'pipe', 'inherit'] });
    const ended = once(child, 'exit');
    const said = new Set<string>();
    const lines = createInterface({ input: child.stdout }).on('line', (line) => said.add(line));
    const tell = (value: object): void => void child.stdin.write(`${JSON.stringify(value)}\n`);
    const hears = async (word: string): Promise<void> => {
      while (!said.has(word)) await once(lines, 'line', { signal: AbortSignal.timeout(WAIT_MAX_MS) });
    };
    await hears('ready');
    return {
      poll: (isOn) => tell({ poll: isOn }),
      answered: (mailbox, word) => {
        tell({ mailbox, say: word });
        return hears(word);
      },
      cpuMs: () => cpuMs({ roots: [child.pid ?? 0, lab.pid ?? 0], marks: [control] }),
      close: async () => {
        child.stdin.end();
        await ended;
      },
    };
  }

  /** From the call until a worker of a new job has written its first word; that job is ended then. */
  async firstWordMs(fleet: Fleet, begin: () => ChildProcess): Promise<number> {
    const box = join(fleet.base, 'mailbox/outbox');
    const before = new Set(namesIn(box));
    const since = performance.now();
    const child = begin();
    const ended = once(child, 'exit');
    let name: string | undefined;
    while (name === undefined) {
      if (performance.now() - since > WAIT_MAX_MS) throw new Error('no worker began');
      await sleep(LOOK_MS);
      name = namesIn(box).find((one) => !before.has(one));
    }
    const tookMs = performance.now() - since;
    const job = name.slice(0, name.lastIndexOf('_'));
    await this.cluster.run('scancel', [job]);
    await ended;
    await this.cluster.untilNoProcess(job);
    return tookMs;
  }

  start(program: string, args: readonly string[]): ChildProcess {
    return spawn(program, args, { env: { ...this.cluster.env }, cwd: this.cluster.dir, stdio: 'ignore' });
  }

  async close(): Promise<void> {
    await this.cluster.down();
    for (const fleet of this.#fleets) await fleet.remove();
    for (const lab of this.#labs) await lab.close();
  }
}

function namesIn(box: string): string[] {
  try {
    return readdirSync(box);
  } catch {
    // No worker has written there yet.
    return [];
  }
}

async function tokenIn(state: string): Promise<string> {
  const { readFile } = await import('node:fs/promises');
  return (await readFile(join(state, 'token'), 'utf8')).trim();
}
