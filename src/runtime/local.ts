import { existsSync, renameSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import type { ProcId } from '#core/brand.ts';
import type { ExecOptions, ExecResult, Proc, ProcSpec, Runtime } from '#ports.ts';
import { answers, readClaim } from './claim.ts';
import { Executor } from './exec.ts';
import { HolderLink } from './holder-link.ts';
import { JSON_LINE_MAX_BYTES } from './json-lines.ts';
import { legalProcId, prepareDirectory, procDirectory } from './layout.ts';
import { LocalProc } from './local-proc.ts';
import { readExit } from './outbox.ts';
import { codeOf, messageOf, RuntimeRefusal } from './refusal.ts';
import { residentOf } from './resident.ts';
import type { Answer } from './wire.ts';

/** How long a connection without a process is kept: the next task of a busy swarm then finds a warm holder, an idle node ends up without one. */
const REST_AFTER_MS = 30_000;

/** Holders that die one after the other without an answer, before their processes are given up: a broken installation must not spin. */
const LOSSES_MAX = 5;

/** Holders that may die under a start before it is given up. Without a directory nothing was started, so it is safe to try again. */
const START_TRIES_MAX = 3;

/** Holders that may end just when they are told to: after the first, another one can only come from another runtime of the directory. */
const STOP_TRIES_MAX = 3;

/** Room in a message to the holder for what surrounds the spec. */
const MESSAGE_MARGIN_BYTES = 1024;

/** A small young generation, for the holder keeps nothing; and room for many inbox lines of the largest size at once. */
const HOLDER_COMMAND: readonly [string, ...string[]] = [
  process.execPath,
  '--max-semi-space-size=1',
  '--max-old-space-size=512',
  fileURLToPath(new URL('./holder-main.ts', import.meta.url)),
];

export type LocalRuntimeOptions = {
  /** Where the holder and its processes live; made when it is first needed. One directory has one holder, however many runtimes use it. */
  directory: string;
  /** The holder's program, where it is not this node's and the sources beside this file. The directory is added as the last argument. */
  holderCommand?: readonly [string, ...string[]];
  /** Hears what went wrong with the holder, in words for people. */
  log?: (line: string) => void;
};

/**
 * Processes of this machine, under a holder that outlives this node. The holder is started by the first need and ends by itself when idle.
 *
 * When the holder itself dies (SIGKILL), its children stand without input and output. The next holder, which this runtime starts at once if it
 * follows any of them, ends all that carries their marks and writes `{"error":"holder_lost"}` as their exit: none runs on unseen, none is started
 * again. A process that has shed its mark (`env -i`) and its session is not found.
 */
export class LocalRuntime implements Runtime {
  readonly #o: LocalRuntimeOptions;
  readonly #following = new Set<LocalProc>();
  /** Those of them that no holder may know yet: a new one is not asked about them, but told to start them. */
  readonly #starting = new Set<LocalProc>();
  readonly #executor = new Executor();
  #prepared: { directory: string; link: HolderLink } | undefined;
  #restTimer: NodeJS.Timeout | undefined;
  #losses = 0;
  #closed = false;

  constructor(o: LocalRuntimeOptions) {
    this.#o = o;
  }

  async start(spec: ProcSpec): Promise<Proc> {
    checkSpec(spec);
    const proc = this.#follow(spec.id);
    try {
      await this.#start(proc, spec);
    } catch (error) {
      await proc.detach();
      throw error;
    }
    return proc;
  }

  async attach(id: ProcId): Promise<Proc | undefined> {
    if (legalProcId(id) === undefined) return undefined;
    const { directory } = this.#open();
    if (!existsSync(procDirectory(directory, id))) return undefined;
    const proc = this.#follow(id);
    const exit = readExit(procDirectory(directory, id));
    if (exit !== undefined) {
      proc.ended(exit);
      return proc;
    }
    try {
      await this.#settle(proc);
    } catch (error) {
      await proc.detach();
      throw error;
    }
    return proc;
  }

  /** Resident memory in bytes of the running processes whose ids are picked, and of all they started. Looked at now; 0 where none runs. */
  residentBytes(isPicked: (id: string) => boolean): number {
    return residentOf(this.#open().directory, isPicked);
  }

  exec(argv: readonly [string, ...string[]], o: ExecOptions): Promise<ExecResult> {
    return this.#executor.run(this.#open().directory, argv, o);
  }

  async forget(id: ProcId): Promise<void> {
    const { directory } = this.#open();
    const path = procDirectory(directory, id);
    if (legalProcId(id) === undefined || !existsSync(path) || readExit(path) === undefined) return;
    // Out of the way in one step: a directory that is only half there would look like a process whose holder died.
    const gone = join(directory, 'forgotten', `${id.slice(0, 100)}.${randomBytes(6).toString('hex')}`);
    renameSync(path, gone);
    await rm(gone, { recursive: true, force: true });
  }

  /** Ids of the processes that run. Starts no holder to find out that there are none. */
  async list(): Promise<string[]> {
    const { directory, link } = this.#open();
    if (!(await answers(readClaim(directory)?.socket))) return [];
    return (await link.ask({ t: 'list' })).ids ?? [];
  }

  /**
   * Ends every process of this directory by the ladder, and its holder. Resolves when all are gone; at once when there is no holder. Also after
   * `close`, and then nothing of this runtime can start another one.
   */
  async stop(graceMs: number): Promise<void> {
    const directory = prepareDirectory(this.#o.directory);
    for (let tries = 1; await answers(readClaim(directory)?.socket); tries += 1) {
      // A connection of its own: that of the runtime would take the end of the holder for its death, and start a successor.
      const ignore = (): void => {};
      const link = new HolderLink({ directory, command: undefined, grown: ignore, ended: ignore, lost: ignore });
      try {
        return await link.stop(graceMs);
      } catch (error) {
        if (codeOf(error) !== 'holder_lost' || tries >= STOP_TRIES_MAX) throw error;
      } finally {
        link.close();
      }
    }
  }

  /** Idempotent. Ends the commands of `exec`; follows nothing any more. The processes of `start` go on. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#restTimer);
    this.#prepared?.link.close();
    await Promise.all([...this.#following].map((proc) => proc.detach()));
    await this.#executor.close();
  }

  #open(): { directory: string; link: HolderLink } {
    if (this.#closed) throw new RuntimeRefusal('runtime_closed', 'The runtime was closed.');
    if (this.#prepared !== undefined) return this.#prepared;
    const directory = prepareDirectory(this.#o.directory);
    const link = new HolderLink({
      directory,
      command: this.#o.holderCommand ?? HOLDER_COMMAND,
      grown: (ids) => this.#each(ids, (proc) => proc.ring()),
      ended: (id, exit) => this.#each([id], (proc) => proc.ended(exit)),
      lost: () => this.#lost(),
    });
    this.#prepared = { directory, link };
    return this.#prepared;
  }

  async #start(proc: LocalProc, spec: ProcSpec): Promise<void> {
    this.#starting.add(proc);
    const answer = await this.#askToStart(spec).finally(() => this.#starting.delete(proc));
    if (answer === undefined) await this.#settle(proc);
    else if (answer.exit !== undefined) proc.ended(answer.exit);
  }

  /** Undefined when the holder died, perhaps after it began: then there is a directory, and the next holder settles what became of it. */
  async #askToStart(spec: ProcSpec): Promise<Answer | undefined> {
    const { directory, link } = this.#open();
    for (let tries = 1; ; tries += 1) {
      try {
        return await link.ask({ t: 'start', spec });
      } catch (error) {
        if (codeOf(error) !== 'holder_lost') throw error;
        if (existsSync(procDirectory(directory, spec.id))) return undefined;
        if (tries >= START_TRIES_MAX) throw error;
      }
    }
  }

  #each(ids: readonly string[] | undefined, act: (proc: LocalProc) => void): void {
    for (const proc of this.#following) if (ids === undefined || ids.includes(proc.id)) act(proc);
  }

  #follow(id: ProcId): LocalProc {
    const { directory, link } = this.#open();
    clearTimeout(this.#restTimer);
    const proc = new LocalProc({
      id,
      directory: procDirectory(directory, id),
      ring: () => link.ring(id),
      kill: async (graceMs) => {
        await link.ask({ t: 'kill', id, graceMs });
      },
      left: (one) => this.#leave(one),
    });
    this.#following.add(proc);
    return proc;
  }

  #leave(proc: LocalProc): void {
    this.#following.delete(proc);
    if (this.#following.size > 0 || this.#closed) return;
    clearTimeout(this.#restTimer);
    this.#restTimer = setTimeout(() => this.#prepared?.link.rest(), REST_AFTER_MS).unref();
  }

  /** The holder died: its successor says what became of each. */
  #lost(): void {
    if (this.#following.size === 0) return;
    this.#losses += 1;
    this.#o.log?.('The holder died. Its processes are ended and reported as lost.');
    for (const proc of this.#following) {
      if (this.#starting.has(proc)) continue;
      if (this.#losses > LOSSES_MAX) this.#giveUp(proc, `${this.#losses} holders died one after the other`);
      else this.#settle(proc).catch((error: unknown) => this.#giveUp(proc, messageOf(error)));
    }
  }

  /** Without any holder nobody can tell what became of a process, and nobody will: for the node it is lost. */
  #giveUp(proc: LocalProc, why: string): void {
    if (this.#closed) return;
    this.#o.log?.(`Process ${proc.id} is given up: ${why}; see holder.log in ${this.#o.directory}.`);
    proc.ended({ code: null, signal: null, error: 'holder_lost' });
  }

  /** Asks the holder how it stands with a process; rings, for what was written in between. */
  async #settle(proc: LocalProc): Promise<void> {
    try {
      const answer = await this.#open().link.ask({ t: 'ask', id: proc.id });
      this.#losses = 0;
      if (answer.exit !== undefined) proc.ended(answer.exit);
      else proc.ring();
    } catch (error) {
      // It died again; `#lost` was called again, and settles this process with the others.
      if (codeOf(error) !== 'holder_lost') throw error;
    }
  }
}

/** Refuses what no holder could start, before anything is stored. */
function checkSpec(spec: ProcSpec): void {
  const refuse = (message: string): never => {
    throw new RuntimeRefusal('bad_spec', message);
  };
  if (legalProcId(spec.id) === undefined)
    refuse(`The id of a process is up to 200 of A-Z a-z 0-9 . _ -, not ${JSON.stringify(spec.id)}.`);
  if (!isAbsolute(spec.cwd)) refuse(`The working directory must be an absolute path, not ${JSON.stringify(spec.cwd)}.`);
  const texts = [...spec.argv, spec.cwd, ...Object.keys(spec.env), ...Object.values(spec.env)];
  if (texts.some((text) => text.includes('\0'))) refuse('Arguments and environment may not contain NUL.');
  const bytes = Buffer.byteLength(JSON.stringify(spec)) + MESSAGE_MARGIN_BYTES;
  if (bytes > JSON_LINE_MAX_BYTES)
    refuse(`Arguments and environment take ${bytes} bytes; at most ${JSON_LINE_MAX_BYTES} fit.`);
}
