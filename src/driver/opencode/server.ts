/** One `opencode serve` for all sessions of a node: it takes 300 MB to begin with, and keeps folders apart by itself. */
import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { z } from 'zod';
import { parsedProcId } from '#core/brand.ts';
import type { Proc, Runtime } from '#ports.ts';
import { RecordFiles } from '../record-files.ts';
import { DriverRefusal } from '../refusal.ts';
import { OpenCodeApi } from './api.ts';
import { ServerProcess } from './process.ts';

/** It tells its address within four seconds; 22 were seen with twenty others on two cores. A limit that is too short fails every task of a slow machine. */
const START_MAX_MS = 120_000;
const STOP_GRACE_MS = 5_000;
const OUTBOX_MAX_BYTES = 4 * 1024 * 1024;

/** `isLeaving`: it was told to end, which takes it two seconds, in which it refuses connections. */
const recordSchema = z.object({ proc: z.string(), password: z.string(), isLeaving: z.boolean().default(false) });
/** One server a node. */
const RECORD = 'server';
type ServerRecord = z.output<typeof recordSchema>;

export type Running = { api: OpenCodeApi; process: ServerProcess };

export class OpenCodeServer {
  readonly #directory: string;
  readonly #record: RecordFiles<ServerRecord>;
  #held: Promise<Running> | undefined;
  #users = 0;
  #process: ServerProcess | undefined;
  #leaving: NodeJS.Timeout | undefined;
  /** Resolves when the one before, that was told to end, has ended. */
  #stopping: Promise<unknown> = Promise.resolve();
  readonly #lingerMs: number;

  /** `directory`: where it is remembered for a restarted node, with its password; made with mode 0700. */
  constructor(o: { directory: string; lingerMs: number }) {
    this.#directory = o.directory;
    this.#lingerMs = o.lingerMs;
    this.#record = new RecordFiles(o.directory, recordSchema);
  }

  /** The server that is there, found by a node that restarted too; undefined: there is none. Given back by {@link release}. */
  async find(runtime: Runtime): Promise<Running | undefined> {
    const held = this.#current() ?? this.#attach(runtime).then((found) => found ?? Promise.reject(new Error('none')));
    this.#use(held);
    return held.catch(() => {
      this.#lost(held);
      return undefined;
    });
  }

  /**
   * The server, found or started; each one is given back by {@link release}, and the last ends it. Sessions share its environment: what of `env` is
   * one attempt's own does not reach it. Rejects with `not_started`.
   */
  async acquire(runtime: Runtime, env: Readonly<Record<string, string>>): Promise<Running> {
    const held = this.#current() ?? this.#findOrStart(runtime, env);
    this.#use(held);
    try {
      return await held;
    } catch (error) {
      this.#lost(held);
      const why = error instanceof Error ? error.message : String(error);
      throw new DriverRefusal('not_started', `opencode cannot be started: ${why}`);
    }
  }

  /** A server that is gone, or that this node stopped following, is none, even where that was not told yet. */
  #current(): Promise<Running> | undefined {
    if (this.#held !== undefined && this.#process?.isOver === true) this.#lost(this.#held);
    return this.#held;
  }

  #use(held: Promise<Running>): void {
    clearTimeout(this.#leaving);
    this.#held = held;
    this.#users += 1;
  }

  /** One user less. A server that has ended, or that this node no longer follows, is forgotten already. */
  async release(running: Running): Promise<void> {
    const held = this.#held;
    if (held === undefined || (await held.catch(() => undefined)) !== running) return;
    this.#users -= 1;
    if (this.#users > 0) return;
    if (this.#lingerMs === 0) return this.#stop(held, running);
    this.#leaving = setTimeout(() => void this.#stop(held, running).catch(() => {}), this.#lingerMs).unref();
  }

  /** Who asks for a server meanwhile gets the next one, after this one has ended: it is not there for anybody any more. */
  #stop(held: Promise<Running>, running: Running): Promise<void> {
    this.#lost(held);
    const stopped = this.#end(running.process.proc);
    this.#stopping = stopped.catch(() => {});
    return stopped;
  }

  /** Where this node stops before the server has ended, the next one finds it marked, and ends it. */
  async #end(proc: Proc): Promise<void> {
    const record = this.#record.read(RECORD);
    try {
      if (record?.proc === proc.id) this.#record.write(RECORD, { ...record, isLeaving: true });
    } finally {
      const exit = await proc.kill(STOP_GRACE_MS).catch(() => undefined);
      if (exit !== undefined) this.#record.drop(RECORD);
    }
  }

  async #findOrStart(runtime: Runtime, env: Readonly<Record<string, string>>): Promise<Running> {
    return (await this.#attach(runtime)) ?? this.#start(runtime, env);
  }

  async #attach(runtime: Runtime): Promise<Running | undefined> {
    await this.#stopping;
    const record = this.#record.read(RECORD);
    const found = record === undefined ? undefined : await runtime.attach(parsedProcId(record.proc));
    if (record === undefined || found === undefined) return undefined;
    if (record.isLeaving) {
      await this.#end(found);
      await runtime.forget(found.id);
      return undefined;
    }
    const running = await this.#ready(new ServerProcess(found), record).catch(() => undefined);
    if (running === undefined) await runtime.forget(found.id);
    return running;
  }

  async #start(runtime: Runtime, env: Readonly<Record<string, string>>): Promise<Running> {
    mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
    const record = {
      proc: `opencode-${randomBytes(6).toString('hex')}`,
      password: randomBytes(24).toString('base64url'),
      isLeaving: false,
    };
    const proc = await runtime.start({
      id: parsedProcId(record.proc),
      argv: ['opencode', 'serve', '--hostname', '127.0.0.1', '--port', '0'],
      cwd: this.#directory,
      env: { ...shared(env), OPENCODE_SERVER_PASSWORD: record.password },
      outboxMaxBytes: OUTBOX_MAX_BYTES,
    });
    // Before anybody uses it: a node that dies now finds it again.
    this.#record.write(RECORD, record);
    try {
      return await this.#ready(new ServerProcess(proc), record);
    } catch (error) {
      await proc.kill(STOP_GRACE_MS).catch(() => undefined);
      throw error;
    }
  }

  /** When it has told its address and answers there. */
  async #ready(process: ServerProcess, { password }: ServerRecord): Promise<Running> {
    const api = new OpenCodeApi({ url: await within(process.url, START_MAX_MS), password });
    await api.health();
    this.#process = process;
    const running = { api, process };
    void process.ended.then(async () => {
      const held = this.#held;
      if (held !== undefined && (await held.catch(() => undefined)) === running) this.#lost(held);
    });
    return running;
  }

  #lost(held: Promise<Running>): void {
    if (this.#held !== held) return;
    clearTimeout(this.#leaving);
    this.#held = undefined;
    this.#process = undefined;
    this.#users = 0;
  }
}

/** What is one attempt's own: a server outlives it, and serves others. */
const shared = (env: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('SKEP_')));

async function within<T>(promise: Promise<T>, limitMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`it told no address within ${limitMs / 1000} s`)), limitMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
