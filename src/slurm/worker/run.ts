/** The worker's process: what `srun` starts on each node of an allocation. */
import { mkdirSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { delimiter, join } from 'node:path';
import { execa } from 'execa';
import type { AgentDriver } from '#agent-ports.ts';
import { AcpDriver } from '#driver/acp/driver.ts';
import { ClaudeDriver } from '#driver/claude/driver.ts';
import { CodexDriver } from '#driver/codex/driver.ts';
import { secondsOf } from '../launch/preflight.ts';
import { readStaged } from '../staged.ts';
import { Worker, type WorkerEnd } from './worker.ts';

/** What `--signal` of the allocation sends before the walltime is over. Node itself takes USR1 for its debugger. */
const WALLTIME_SIGNAL = 'SIGUSR2';

/** What is left of a job's walltime. */
const LEFT = ['squeue', '-h', '-o', '%L', '-j'] as const;
/** A controller that is away is not waited for. */
const ASK_MAX_MS = 10_000;

export type RunWorkerOptions = {
  base: string;
  job: string;
  node: number;
  hostname: string;
  /** `codex`, `claude`, or `acp COMMAND`. */
  tool: string;
  instructions: string;
  /** Of which launch it is: what was staged for it there is read; see `staged.ts`. */
  launch: string | undefined;
  env: Readonly<Record<string, string | undefined>>;
  version: string;
  /** SIGTERM and the like; see `World.onInterrupt`. */
  onInterrupt: (listener: () => void) => () => void;
};

/** Throws for a tool that a worker cannot drive. */
export async function runWorker(o: RunWorkerOptions): Promise<WorkerEnd> {
  const { base, job, node, hostname, instructions, launch } = o;
  const staged = launch === undefined ? {} : readStaged(base, launch);
  const place = join(tmpdir(), `skep-${userInfo().uid}-${job}-${node}`);
  const driver = driverOf(o.tool, { version: o.version, directory: join(place, 'agent') });
  mkdirSync(place, { recursive: true, mode: 0o700 });
  const env = environmentOf(base, o.env);
  const runtimeDirectory = join(place, 'runtime');
  const worker = await Worker.open({
    base,
    job,
    node,
    hostname,
    launch,
    staged,
    driver,
    env,
    runtimeDirectory,
    instructions,
    nowMs: Date.now,
    endsAt: await endOf(job, o.env),
  });
  const off = o.onInterrupt(() => worker.stop('terminated'));
  const walltime = (): void => worker.stop('walltime');
  process.on(WALLTIME_SIGNAL, walltime);
  try {
    return await worker.run();
  } finally {
    off();
    process.off(WALLTIME_SIGNAL, walltime);
  }
}

/** Of the walltime, in seconds since 1970. Newer versions of Slurm say it; else its controller is asked. */
async function endOf(job: string, env: RunWorkerOptions['env']): Promise<number | null> {
  const told = Number(env['SLURM_JOB_END_TIME'] ?? Number.NaN);
  if (Number.isFinite(told) && told > 0) return told;
  if (env['SLURM_JOB_ID'] === undefined) return null;
  const asked = await execa(LEFT[0], [...LEFT.slice(1), job], {
    env: { ...env },
    extendEnv: false,
    timeout: ASK_MAX_MS,
    reject: false,
  });
  const left = asked.exitCode === 0 ? secondsOf(asked.stdout.trim()) : undefined;
  return left === undefined ? null : Math.floor(Date.now() / 1000) + left;
}

function driverOf(tool: string, o: { version: string; directory: string }): AgentDriver {
  const nowMs = Date.now;
  if (tool === 'codex') return new CodexDriver({ version: o.version, nowMs });
  if (tool === 'claude') return new ClaudeDriver({ directory: o.directory, nowMs });
  const [word, program, ...args] = tool.trim().split(/\s+/);
  if (word === 'acp' && program !== undefined) {
    return new AcpDriver({ tool, command: [program, ...args], version: o.version, nowMs });
  }
  throw new Error(`a worker drives codex, claude, or acp COMMAND, not ${tool}`);
}

/** Programs of the shared directory come first: what a site has installed is not what was tested. */
function environmentOf(base: string, env: RunWorkerOptions['env']): Record<string, string> {
  const tools = [join(base, 'tools/npm-global/bin'), join(base, 'tools/node/bin')];
  const kept = Object.entries(env).flatMap(([name, value]) =>
    value === undefined || name.startsWith('SKEP_') ? [] : [[name, value] as const],
  );
  return { ...Object.fromEntries(kept), PATH: [...tools, env['PATH'] ?? '/usr/bin:/bin'].join(delimiter) };
}
