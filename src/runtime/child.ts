/** One child process with its pipes, from its start to the end of everything it started. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { statSync } from 'node:fs';
import type { Socket } from 'node:net';
import type { Exit } from '#ports.ts';
import { endRemains, signal } from './ladder.ts';
import { closeChildEnds, openPipes, type Pipes } from './pipes.ts';
import { markEnvironment, type Mark, type ProcTable } from './proc-table.ts';
import { messageOf } from './refusal.ts';
import { within } from './within.ts';

/** What background processes of an ended script get between SIGTERM and SIGKILL. Their script is over; nobody waits for their work. */
const REMAINS_GRACE_MS = 2_000;

/** How long the pipes may still be read after the end. Only a process that we could not find (it shed mark and session) holds them open longer. */
const DRAIN_MS = 500;

/** After SIGKILL the kernel ends a process at once, unless it waits for a device. Then we report that, instead of waiting with it. */
const UNKILLABLE_MS = 10_000;

export type ChildSpec = {
  argv: readonly [string, ...string[]];
  cwd: string;
  env: Readonly<Record<string, string>>;
  mark: Mark;
  /** Where the pipes are made; nothing of them stays there. */
  pipeDirectory: string;
  /** An open file as standard input instead of a pipe; it is closed here. */
  stdin?: number;
};

type Ended = { code: number | null; signal: string | null; error: string | null };

export class Child {
  readonly pid: number;
  readonly #pipes: Pipes;
  readonly #spec: ChildSpec;
  readonly #table: ProcTable;
  readonly #ended: Promise<Ended>;
  #end: (ended: Ended) => void = () => {};
  #alive = true;
  #killTimer: NodeJS.Timeout | undefined;
  #killAtMs: number | undefined;

  /** Resolves when the program runs. Throws, in words for people, when it cannot: then there is no process, and nothing is left open. */
  static async start(spec: ChildSpec, table: ProcTable): Promise<Child> {
    const pipes = await openPipes(spec.pipeDirectory, spec.stdin);
    try {
      const { stdin, stdout, stderr } = pipes.child;
      const child = spawn(spec.argv[0], spec.argv.slice(1), {
        cwd: spec.cwd,
        env: { ...spec.env, ...markEnvironment(spec.mark) },
        // A session, and so a process group, of its own: signals reach all of it, and none that are meant for us reach it.
        detached: true,
        stdio: [stdin, stdout, stderr],
      });
      const started = once(child, 'spawn');
      const self = new Child(spec, { child, pipes, table });
      await started;
      return self;
    } catch (error) {
      destroyAll(pipes);
      throw new Error(whyNot(spec, error), { cause: error });
    } finally {
      closeChildEnds(pipes.child);
    }
  }

  private constructor(spec: ChildSpec, o: { child: ChildProcess; pipes: Pipes; table: ProcTable }) {
    this.pid = o.child.pid ?? 0;
    this.#pipes = o.pipes;
    this.#spec = spec;
    this.#table = o.table;
    this.#ended = new Promise((resolve) => {
      this.#end = resolve;
    });
    // 'exit' and not 'close': that one waits for whoever still holds the pipes.
    o.child.on('exit', (code, signalName) => {
      this.#alive = false;
      clearTimeout(this.#killTimer);
      this.#end({ code, signal: signalName, error: null });
    });
    // A child that closes its input early is no error of ours.
    o.pipes.stdin?.on('error', () => o.pipes.stdin?.destroy());
  }

  /** The pipe to its standard input; undefined where the spec gave a file. */
  get stdin(): Socket | undefined {
    return this.#pipes.stdin;
  }

  /**
   * Reads what it prints until it has ended and nothing of it is left. Call it once. Resolves with how the child itself ended, after what it left
   * behind has been ended too: in its session, or anywhere with its mark.
   */
  async run(output: (stream: 'out' | 'err', chunk: Buffer) => void): Promise<Exit> {
    const read = Promise.all([
      drained(this.#pipes.stdout, (chunk) => output('out', chunk)),
      drained(this.#pipes.stderr, (chunk) => output('err', chunk)),
    ]);
    const ended = await this.#ended;
    const remains = { mark: this.#spec.mark, session: this.pid };
    const { left } = await endRemains(remains, { table: this.#table, graceMs: REMAINS_GRACE_MS });
    await within(read, DRAIN_MS);
    destroyAll(this.#pipes);
    return left === 0 || ended.error !== null
      ? ended
      : { ...ended, error: `${left} of its processes could not be ended` };
  }

  /** SIGTERM to its process group, and SIGKILL after `graceMs`. Returns at once; `run` resolves. A later call can only shorten the grace. */
  kill(graceMs: number): void {
    if (!this.#alive) return;
    const atMs = performance.now() + graceMs;
    if (this.#killAtMs === undefined) signal(-this.pid, 'SIGTERM');
    else if (atMs >= this.#killAtMs) return;
    this.#killAtMs = atMs;
    clearTimeout(this.#killTimer);
    this.#killTimer = setTimeout(() => this.#killHard(), graceMs);
  }

  #killHard(): void {
    signal(-this.pid, 'SIGKILL');
    this.#killTimer = setTimeout(() => {
      this.#end({ code: null, signal: null, error: `unkillable: process ${this.pid} does not end after SIGKILL` });
    }, UNKILLABLE_MS);
  }
}

function destroyAll(pipes: Pipes): void {
  pipes.stdin?.destroy();
  pipes.stdout.destroy();
  pipes.stderr.destroy();
}

/** Resolves at the end of the pipe, whether that is an end or an error. */
function drained(pipe: Socket, take: (chunk: Buffer) => void): Promise<void> {
  return new Promise((resolve) => {
    pipe.on('data', take);
    pipe.on('close', () => resolve());
    // An error closes the pipe too; what was read counts, and 'close' follows.
    pipe.on('error', () => {});
  });
}

/** ENOENT is said of the program also when only its working directory is missing. */
function whyNot(spec: ChildSpec, error: unknown): string {
  try {
    return statSync(spec.cwd).isDirectory()
      ? messageOf(error)
      : `the working directory is not a directory: ${spec.cwd}`;
  } catch (wrong) {
    return `the working directory cannot be used: ${messageOf(wrong)}`;
  }
}
