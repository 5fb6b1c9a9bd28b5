/** The workers of a cluster as a node of the swarm sees them: who is there, how long yet, and a runtime on the node of each. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { ToolServer } from '#agent-ports.ts';
import type { LaunchConfig } from '../launch/config.ts';
import { baseOf } from '../launch/script.ts';
import { placeOf, readLine } from '../router/event.ts';
import { Router } from '../router/router.ts';
import { JsonFile } from '../router/state.ts';
import type { FarLine } from '../router/wire.ts';
import type { OutboxRecord } from '../record.ts';
import { WorkerRuntime } from './worker-runtime.ts';

/** Heartbeats are looked at so often, which is what presence is told at; oftener where a worker is lost sooner. */
const LOOK_MS = 15_000;
const BEAT_MAX_BYTES = 64 * 1024;

const WHY = { lost: 'it has not beaten for long', over: 'its allocation is over' } as const;

const toolCall = z.looseObject({
  call: z.string(),
  method: z.string(),
  path: z.string(),
  body: z.unknown(),
  token: z.string().optional(),
});
export type ToolCall = z.output<typeof toolCall>;

type ToolAnswer = { status: number; body: unknown };
/** Of a call that an earlier life of this node was at: made again, what it wrote down would be there twice. */
const MAY_BE_DONE: ToolAnswer = {
  status: 503,
  body: {
    error: {
      message: 'the node was ended in the midst of this: it may be done, or not. Look before you call it again',
    },
    redelivered: true,
  },
};

const workerSchema = z.object({
  tool: z.string(),
  restart: z.number().int().nonnegative(),
  endsAtMs: z.number().nullable(),
  tools: z.object({ command: z.tuple([z.string()], z.string()), socket: z.string() }).nullable(),
  /** `lost`: it has not beaten for long; it may come again. `over`: it has ended. */
  standing: z.enum(['up', 'lost', 'over']),
  /** Calls that were not answered when this was written. */
  calls: z.array(toolCall).default([]),
});
export type FleetWorker = z.output<typeof workerSchema>;
const stateSchema = z.record(z.string(), workerSchema);

export type FleetOptions = {
  config: LaunchConfig;
  env: Readonly<Record<string, string | undefined>>;
  directory: string;
  nowMs: () => number;
  log: (line: string) => void;
  /** A worker came, went, or the connection to all of them did. */
  changed: () => void;
  /** Answers a tool of an agent there. */
  called: (call: ToolCall) => Promise<ToolAnswer>;
};

export class Fleet {
  readonly router: Router;
  readonly base: string;
  readonly #o: FleetOptions;
  /** Without a beat for so long a worker counts as lost; not while the connection is away. */
  readonly #lostMs: number;
  readonly #file: JsonFile<typeof stateSchema>;
  readonly #runtimes = new Map<string, WorkerRuntime>();
  readonly #beats = new Map<string, { text: string; atMs: number }>();
  #timer: NodeJS.Timeout | undefined;
  #isConnected = false;

  /** Nothing is connected before `start`. Throws what the file system throws. */
  constructor(o: FleetOptions) {
    this.#o = o;
    this.#lostMs = o.config.router.heartbeat_timeout_seconds * 1_000;
    this.base = baseOf(o.config);
    mkdirSync(o.directory, { recursive: true, mode: 0o700 });
    this.#file = new JsonFile(join(o.directory, 'workers.json'), stateSchema);
    this.router = new Router({
      config: o.config,
      env: o.env,
      stateFile: join(o.directory, 'router.json'),
      nowMs: o.nowMs,
      changed: (why) => this.#connection(why),
    });
    this.router.onLines((lines) => this.#heard(lines));
  }

  /** Rejects with what the file system says. */
  async start(): Promise<void> {
    for (const mailbox of Object.keys(this.#file.state)) await this.runtimeOf(mailbox).resume();
    for (const [mailbox, { calls }] of Object.entries(this.#file.state)) {
      for (const call of calls) this.#answer(mailbox, call, MAY_BE_DONE);
    }
    this.router.start();
    this.#timer = setInterval(() => void this.#look(), Math.min(LOOK_MS, this.#lostMs / 4));
  }

  /** Idempotent, bounded. The processes of the workers go on. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    for (const runtime of this.#runtimes.values()) await runtime.close();
    await this.router.close();
  }

  get isConnected(): boolean {
    return this.#isConnected;
  }

  /** By mailbox; also those that are over. */
  get workers(): ReadonlyMap<string, FleetWorker> {
    return new Map(Object.entries(this.#file.state));
  }

  runtimeOf(mailbox: string): WorkerRuntime {
    const held = this.#runtimes.get(mailbox);
    if (held !== undefined) return held;
    const { directory, env, log } = this.#o;
    const made = new WorkerRuntime({
      mailbox,
      near: this.router.near,
      directory: join(directory, mailbox),
      ownEnv: env,
      log,
    });
    const worker = this.#file.state[mailbox];
    if (worker !== undefined && worker.standing !== 'up') made.lost(WHY[worker.standing]);
    this.#runtimes.set(mailbox, made);
    return made;
  }

  /** The same tool servers, as an agent on that node reaches them. */
  serversAt(mailbox: string, servers: readonly ToolServer[]): readonly ToolServer[] {
    const tools = this.#file.state[mailbox]?.tools ?? undefined;
    if (tools === undefined) return [];
    return servers.map((one) => ({
      ...one,
      command: tools.command,
      env: { ...one.env, SKEP_MCP_SOCKET: tools.socket },
    }));
  }

  #connection(why: string | undefined): void {
    this.#isConnected = why === undefined;
    if (why !== undefined) this.#o.log(`the fleet is not connected: ${why}`);
    this.#beats.clear();
    this.#o.changed();
  }

  #heard(lines: readonly FarLine[]): void {
    for (const line of lines) {
      const record = readLine(line);
      if (record !== undefined) this.#take(line.mailbox, record);
    }
  }

  #take(mailbox: string, record: OutboxRecord): void {
    const known = this.#file.state[mailbox];
    const restart = record.restart ?? 0;
    // Of a worker that did not hear that another one has its place.
    if (known !== undefined && restart < known.restart) return;
    if (record.type === 'start') {
      const { ends_at: endsAt, tools, tool } = record;
      const worker: FleetWorker = {
        tool: typeof tool === 'string' ? tool : 'codex',
        restart,
        endsAtMs: typeof endsAt === 'number' ? endsAt * 1_000 : null,
        tools: tools ?? null,
        standing: 'up',
        calls: [],
      };
      return this.#set(mailbox, worker);
    }
    if (known === undefined) return;
    if (record.type === 'complete') return this.#set(mailbox, { ...known, standing: 'over' });
    if (record.type === 'tool_call') {
      const call = toolCall.parse(record);
      this.#file.state[mailbox] = { ...known, calls: [...known.calls, call] };
      this.#file.save();
      return this.#answer(mailbox, call);
    }
    this.runtimeOf(mailbox).take(record);
  }

  #set(mailbox: string, worker: FleetWorker): void {
    this.#file.state[mailbox] = worker;
    this.#file.save();
    if (worker.standing === 'up') this.runtimeOf(mailbox).back();
    else this.runtimeOf(mailbox).lost(WHY[worker.standing]);
    this.#o.changed();
  }

  #answer(mailbox: string, call: ToolCall, known?: ToolAnswer): void {
    const answered = async (): Promise<void> => {
      const { status, body } = known ?? (await this.#o.called(call));
      const record = { type: 'tool_result', call: call.call, status, body };
      await this.router.near.append(mailbox, record, { key: `tool-${call.call}` });
      const worker = this.#file.state[mailbox];
      if (worker === undefined) return;
      this.#file.state[mailbox] = { ...worker, calls: worker.calls.filter((one) => one.call !== call.call) };
      this.#file.save();
    };
    answered().catch((error: unknown) => this.#o.log(`a tool's call is not answered: ${String(error)}`));
  }

  /** Whoever beats no more is lost; whoever beats again is there again. */
  async #look(): Promise<void> {
    for (const [mailbox, worker] of Object.entries(this.#file.state)) {
      if (worker.standing === 'over' || !this.#isConnected) continue;
      const { job, node } = placeOf(mailbox);
      const path = `runs/${job}/heartbeat_${String(node).padStart(2, '0')}.json`;
      const text = await this.router.near.read(path, BEAT_MAX_BYTES).then(String, () => '');
      const nowMs = this.#o.nowMs();
      const held = this.#beats.get(mailbox);
      if (held === undefined || held.text !== text) {
        this.#beats.set(mailbox, { text, atMs: nowMs });
        if (held !== undefined && worker.standing === 'lost') this.#set(mailbox, { ...worker, standing: 'up' });
      } else if (nowMs - held.atMs > this.#lostMs && worker.standing === 'up' && this.#isConnected) {
        this.#o.log(`worker ${mailbox} has not beaten for ${this.#lostMs / 1_000} s: it counts as lost`);
        this.#set(mailbox, { ...worker, standing: 'lost' });
      }
    }
    this.#o.changed();
  }
}
