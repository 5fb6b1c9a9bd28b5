/**
 * One agent on one node of an allocation, for as long as the allocation lives: it reads what it is told from its inbox, and writes down what the agent
 * does in its outbox. A worker that comes after one of the same name goes on where that one was.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { AgentDriver } from '#agent-ports.ts';
import { parsedOpId, parsedProcId } from '#core/brand.ts';
import { OwnRuntime } from '#runtime/own.ts';
import { MailboxFollower, type FollowedLine, type MailboxPosition } from '#runtime/shared-mailbox/follower.ts';
import { inboxRecord } from '../record.ts';
import { Pace } from '../pace.ts';
import { dress, type Staged } from '../staged.ts';
import { answerOf } from './answer.ts';
import { checkpoint } from './checkpoint.ts';
import { Conversation } from './conversation.ts';
import { Heartbeat } from './heartbeat.ts';
import { checkpointOf, heartbeatOf, inherit, outboxOf, runsOf, type Heritage, type Place } from './heritage.ts';
import { mirrored } from './mirror.ts';
import { WorkerOutbox, type Left } from './outbox.ts';
import { WorkerProcesses } from './processes.ts';
import type { RecordNames } from './record-names.ts';
import { ToolSocket } from './tool-socket.ts';

/** An agent gets so long to end, at the end of its worker: Slurm's own limit counts, too. */
const AGENT_GRACE_MS = 3_000;
/** A turn is bounded by the allocation, not by its worker. */
const TURN_MAX_MS = 7 * 24 * 3_600_000;

/**
 * `shutdown`: it was told to. `walltime`, `terminated`: by a signal, after a checkpoint. `gave_up`: the agent ended too often. `superseded`: another
 * worker of this name has begun, while nobody could tell whether this one lived; it touches nothing any more.
 */
export type WorkerEnd = 'shutdown' | 'walltime' | 'terminated' | 'gave_up' | 'superseded';

/** `base`: `<workspace_root>/<cluster_subdir>`; `node`: its number in the allocation, from 0. */
export type WorkerOptions = Place & {
  hostname: string;
  /** Which launch this is, and what it left. */
  launch: string | undefined;
  staged: Staged;
  driver: AgentDriver;
  /** The agent's whole environment. */
  env: Readonly<Record<string, string>>;
  /** Where its processes are kept; on this very machine, and of this worker alone. */
  runtimeDirectory: string;
  instructions: string;
  nowMs: () => number;
  /** When the walltime is over, in seconds since 1970; null where nobody knows. */
  endsAt: number | null;
};

export class Worker {
  readonly #o: WorkerOptions;
  readonly #pace: Pace;
  readonly #inbox: MailboxFollower;
  readonly #outbox: WorkerOutbox;
  readonly #left: Left;
  readonly #runtime: OwnRuntime;
  readonly #cwd: string;
  #conversation: Conversation | undefined;
  #end: WorkerEnd | undefined;
  readonly #names: RecordNames;
  readonly #heartbeat: Heartbeat;
  #tools: ToolSocket | undefined;
  #processes: WorkerProcesses | undefined;
  /** Behind it, nothing was given to an agent before. */
  #givenTo: MailboxPosition | undefined;

  /** Reads what an earlier worker left. Throws what the file system throws. */
  static async open(o: WorkerOptions): Promise<Worker> {
    const heritage = await inherit(o, o.staged, o.launch);
    const runtime = await OwnRuntime.open({ directory: o.runtimeDirectory, nowMs: o.nowMs });
    return new Worker(o, { ...heritage, runtime });
  }

  private constructor(o: WorkerOptions, { inbox, cwd, left, names, runtime }: Heritage & { runtime: OwnRuntime }) {
    this.#o = o;
    this.#left = left;
    this.#names = names;
    this.#runtime = runtime;
    this.#pace = new Pace(o.nowMs);
    const from = left.acknowledged;
    this.#inbox = new MailboxFollower(inbox, { from, pollMs: () => this.#pace.pollMs });
    const { job, node, nowMs } = o;
    const restart = left.starts;
    this.#heartbeat = new Heartbeat({
      path: heartbeatOf(o),
      beat: { job_id: job, node_id: node, worker_type: o.driver.tool, restart },
      nowMs,
      late: () => this.stop('superseded'),
      beaten: () => this.#outbox.settle(),
    });
    this.#outbox = new WorkerOutbox(outboxOf(o), { job, node, restart }, () => this.#heartbeat.isLate);
    this.#givenTo = samePlace(left.taken, from) ? undefined : left.taken;
    this.#cwd = cwd;
  }

  /** Works until its end, whatever that is. Call it once. */
  async run(): Promise<WorkerEnd> {
    const { hostname, driver, nowMs, staged } = this.#o;
    for (const path of [this.#cwd, runsOf(this.#o)]) mkdirSync(path, { recursive: true, mode: 0o700 });
    if (staged.persona !== undefined) dress(this.#cwd, staged.persona);
    const tools = await this.#openTools();
    this.#tools = tools;
    // Before its first word: from here on, an earlier one of that name that still lives is late, and moves no file any more.
    this.#heartbeat.start();
    const told = { hostname, timestamp: seconds(nowMs()), tool: driver.tool, cwd: this.#cwd };
    this.#outbox.write({ type: 'start', ...told, ends_at: this.#o.endsAt, tools: tools.reach });
    const processes = this.#openProcesses();
    this.#processes = processes;
    try {
      const conversation = await this.#open();
      this.#conversation = conversation;
      await conversation.begin();
      for await (const line of this.#inbox.lines()) await this.#take(line, conversation);
      return await this.#close(conversation);
    } finally {
      this.#heartbeat.close();
      this.#tools?.close();
      this.#outbox.close();
      await this.#runtime.close(AGENT_GRACE_MS);
    }
  }

  /** Ends it from outside; `run` resolves. The first call counts. */
  stop(why: 'walltime' | 'terminated' | 'gave_up' | 'superseded'): void {
    this.#end ??= why;
    this.#conversation?.hurry();
    this.#processes?.hurry();
    this.#inbox.close();
  }

  #openTools(): Promise<ToolSocket> {
    const path = join(this.#o.runtimeDirectory, 'tools.sock');
    const prefix = String(this.#left.starts);
    return ToolSocket.open({ path, prefix, ask: (asked) => this.#outbox.write({ type: 'tool_call', ...asked }) });
  }

  #openProcesses(): WorkerProcesses {
    const { env, job, node, nowMs } = this.#o;
    return new WorkerProcesses({
      runtime: this.#runtime,
      env,
      outbox: this.#outbox,
      pace: this.#pace,
      job,
      node,
      nowMs,
      left: this.#left,
    });
  }

  #open(): Promise<Conversation> {
    const { driver, env, instructions, staged } = this.#o;
    const isCodex = driver.tool === 'codex';
    const runtime = mirrored(this.#runtime, {
      line: (text) => {
        const payload = isCodex ? objectIn(text) : undefined;
        if (payload !== undefined) this.#outbox.write({ type: 'codex_rpc', payload });
      },
      error: (line) => this.#outbox.write({ type: 'codex_stderr', line }),
    });
    const spec = {
      agent: NOBODY,
      procId: parsedProcId(`w${this.#left.starts + 1}`),
      cwd: this.#cwd,
      env,
      turnLimitMs: TURN_MAX_MS,
      resume: this.#left.thread ?? null,
      instructions,
      servers: staged.tools === true && this.#tools !== undefined ? [this.#tools.server] : [],
      writable: [],
    };
    const gaveUp = (): void => this.stop('gave_up');
    return Conversation.open({ driver, runtime, spec, outbox: this.#outbox, pace: this.#pace, gaveUp });
  }

  async #take(line: FollowedLine, conversation: Conversation): Promise<void> {
    const { position } = line;
    const isAgain = this.#givenTo !== undefined;
    if (samePlace(position, this.#givenTo)) this.#givenTo = undefined;
    if (line.kind === 'fault') {
      if (line.why === 'truncated' || line.why === 'replaced') this.#givenTo = undefined;
      this.#wrong(`the inbox at ${position.offset}: ${line.why}`);
      return;
    }
    this.#pace.heard();
    const record = inboxRecord.safeParse(line.value).data;
    if (record === undefined) {
      this.#wrong(`the inbox at ${position.offset}: no record that a worker knows`);
      return conversation.done(position);
    }
    // What is told now is told to the one that has its name.
    if (this.#heartbeat.isLate) return this.stop('superseded');
    if (!this.#names.isNew(record.append_id)) return conversation.done(position);
    if (record.type === 'user') {
      const { content, injection_id: injection, steer: steers = false } = record;
      const redelivered = isAgain || record.redelivered === true;
      return conversation.tell({ content, injection, position, redelivered, steers });
    }
    if (record.type === 'shutdown') {
      this.#end ??= 'shutdown';
      this.#inbox.close();
      const dropped = conversation.left.length;
      if (dropped > 0) this.#wrong(`${dropped} messages were not done with at the shutdown`);
      return this.#outbox.write({ type: 'acknowledged', inbox: position });
    }
    if (record.type === 'control') await this.#control(record.payload, conversation);
    else if (record.type !== 'tool_result') await this.#processes?.take(record);
    else if (this.#tools?.answer(record) !== true)
      this.#wrong(`an answer to call ${record.call}, which nobody waits for`);
    conversation.done(position);
  }

  async #control(payload: Record<string, unknown>, conversation: Conversation): Promise<void> {
    const answer = answerOf(payload);
    if (answer !== undefined) {
      // Answered before, by somebody else or before a restart: what was asked is void.
      if (!(await conversation.answer(answer))) this.#wrong('an answer to what nobody asks any more');
    } else if (payload['method'] === 'turn/interrupt') await conversation.interrupt();
    else this.#wrong(`a control record that a worker does not know: ${JSON.stringify(payload).slice(0, 200)}`);
  }

  async #close(conversation: Conversation): Promise<WorkerEnd> {
    const { job, node, env, nowMs } = this.#o;
    const end = this.#end ?? 'terminated';
    const unfinished = conversation.left.map(({ content }) => content);
    await Promise.all([conversation.close(AGENT_GRACE_MS), this.#processes?.end(`allocation_${end}`)]);
    if (end === 'walltime' || end === 'terminated') {
      const directory = checkpointOf(this.#o);
      const thread = conversation.thread ?? this.#left.thread ?? null;
      const notes = { job, node, atMs: nowMs(), reason: end, thread, unfinished };
      const work = await checkpoint({ runtime: this.#runtime, cwd: this.#cwd, env, directory, notes });
      this.#outbox.write({ type: 'worker_event', event: 'checkpoint', payload: { directory, work } });
    }
    this.#outbox.write({ type: 'complete', timestamp: seconds(nowMs()), reason: end });
    return end;
  }

  #wrong(error: string): void {
    this.#outbox.write({ type: 'worker_error', error });
  }
}

/** Its own agent is none of a swarm: those of a swarm are processes of their attempts. */
const NOBODY = parsedOpId(`${'0'.repeat(32)}-1`);

const seconds = (ms: number): number => ms / 1000;

const samePlace = (a: MailboxPosition | undefined, b: MailboxPosition | undefined): boolean =>
  a?.inode === b?.inode && a?.offset === b?.offset;

function objectIn(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined;
  } catch {
    // No line of a protocol: a program that talks to people.
    return undefined;
  }
}
