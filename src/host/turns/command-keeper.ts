/**
 * Commands that agents which are woken by messages started to go on beyond a turn. They run where the agent's turns run, in its box where it has one, under the
 * holder: a restart of the node finds them again.
 */
import { randomUUID } from 'node:crypto';
import type { NodeId, OpId } from '#core/brand.ts';
import type { Refusal } from '#core/refusal.ts';
import { refusal } from '#core/refusal.ts';
import type { AgentCommand } from '#core/schema/agent-command.ts';
import type { LiveAgent } from '#core/view/agent.ts';
import { isLive } from '#core/view/agent.ts';
import type { TurnCommands } from '#agent-ports.ts';
import type { Proc, ProcSpec, Runtime } from '#ports.ts';
import { messageOf } from '#runtime/refusal.ts';
import type { KeptCommand } from '#store/turn-book.ts';
import type { AgentHome } from '../agent-homes.ts';
import type { Approvals } from '../approvals.ts';
import { masked } from '#core/approval/mask.ts';
import { shownOf, titleOf } from './command-words.ts';
import type { RunningCommandDesk } from './running-command.ts';
import { AGAIN_MS, pause, procOf, RunningCommand } from './running-command.ts';
import { turnFolder, turnPlace } from './turn-spec.ts';

/** Commands of one agent at once: a build and its tests, and no crowd that nobody looks at. */
const RUNNING_MAX = 4;
/** Of those that a list shows. */
const LISTED_MAX = 20;
/** What one printed, on disk while it runs; beyond it the middle is dropped. */
const OUTBOX_MAX_BYTES = 1024 * 1024;
/** For one that nobody is to follow. */
const GRACE_MS = 5_000;

/** Runs `$1`, with an empty standard input: a command that reads must end, not wait for somebody to type. */
const RUN =
  'if command -v bash >/dev/null 2>&1; then exec bash -c "$1" </dev/null; else exec sh -c "$1" </dev/null; fi';

export type CommandDesk = RunningCommandDesk & {
  approvals: Pick<Approvals, 'ask'>;
  stateDir: string;
  runtimeOf: (agent: LiveAgent) => Runtime;
  homeOf: (agent: LiveAgent) => AgentHome | undefined;
};

type Wanted = Parameters<TurnCommands['start']>[0];

export class CommandKeeper {
  readonly #self: NodeId;
  readonly #desk: CommandDesk;
  readonly #closing = new AbortController();
  /** Until their agents were told of their end. */
  readonly #running = new Map<RunningCommand, Promise<void>>();

  constructor(self: NodeId, desk: CommandDesk) {
    this.#self = self;
    this.#desk = desk;
  }

  /** Goes on with what ran when this node stopped, and tells what was not told. */
  start(): void {
    for (const { agent, kept } of this.#desk.book.openCommands()) {
      const one = this.#one(agent, kept);
      this.#running.set(one, this.#resume(one));
    }
  }

  of(agent: OpId): TurnCommands {
    return {
      start: (wanted) => this.#start(agent, wanted),
      list: () => this.#desk.book.commands(agent, LISTED_MAX).map(({ row }) => row),
      stop: (n) => this.#stop(agent, n),
    };
  }

  /** The newest first. */
  running(agent: OpId): AgentCommand[] {
    return this.#of(agent)
      .map(({ row }) => row)
      .toReversed();
  }

  /** All that run of an agent whose box, or which itself, ends. Resolves when they have ended. */
  async end(agent: OpId): Promise<void> {
    await Promise.all(this.#of(agent).map((one) => one.stop('stopped')));
  }

  /** The node stops: they go on under the holder. Idempotent. */
  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.all(this.#running.values());
  }

  async #start(agent: OpId, { command, title = titleOf(command), limitS }: Wanted): Promise<AgentCommand | Refusal> {
    const unfit = this.#unfit(agent) ?? (await this.#asked(agent, { command, title })) ?? this.#unfit(agent);
    const live = this.#desk.store.get('agent', agent);
    if (unfit !== undefined || !isLive(live)) return unfit ?? GONE;
    const { book, nowMs, stateDir, homeOf, runtimeOf, log } = this.#desk;
    const n = book.lastCommand(agent) + 1;
    const started_at = new Date(nowMs()).toISOString();
    const row: AgentCommand = {
      n,
      title: masked(title),
      command: shownOf(command),
      state: 'running',
      code: null,
      signal: null,
      started_at,
      ms: null,
      time_limit_s: limitS,
    };
    const kept: KeptCommand = { row, stop: null, last: '', isTold: false };
    // On disk before its process: a node that is killed in between tells that it is lost.
    book.writeCommand(agent, kept);
    const one = this.#one(agent, kept);
    const begun = Promise.withResolvers<void>();
    this.#running.set(one, begun.promise);
    const id = procOf(agent, n);
    const argv: ProcSpec['argv'] = ['/bin/sh', '-c', RUN, 'sh', command];
    const place = turnPlace({ agent: live, stateDir, home: homeOf(live) });
    try {
      const proc = await runtimeOf(live).start({ id, argv, ...place, outboxMaxBytes: OUTBOX_MAX_BYTES });
      void this.#follow(one, one.run(proc, false)).then(begun.resolve);
      return row;
    } catch (error) {
      this.#running.delete(one);
      begun.resolve();
      if (this.#closing.signal.aborted) {
        one.leave();
        return STOPPING;
      }
      one.failed();
      log(`command ${n} of ${live.registered.name} did not start: ${messageOf(error)}`);
      await this.#endUnfollowed(agent, n);
      return refusal('driver_unavailable', `it could not be started: ${messageOf(error)}`);
    }
  }

  /** A holder that answered too late may have started it. */
  async #endUnfollowed(agent: OpId, n: number): Promise<void> {
    const { runtime } = this.#desk;
    const ended = runtime.attach(procOf(agent, n)).then((proc) => proc?.kill(GRACE_MS));
    await ended.catch(() => {});
  }

  async #stop(agent: OpId, n: number): Promise<AgentCommand | Refusal> {
    const one = this.#of(agent).find(({ row }) => row.n === n);
    if (one === undefined) {
      const numbers = this.running(agent).map((row) => row.n);
      const expected = numbers.length === 0 ? 'nothing: none of yours runs' : numbers.join(' | ');
      return refusal('not_found', 'no command of yours with this number runs', { expected, got: `${n}` });
    }
    await one.stop('stopped');
    return one.row;
  }

  /** What its tool would be asked of any command: rules, then people. */
  async #asked(agent: OpId, { command, title }: Pick<AgentCommand, 'command' | 'title'>): Promise<Refusal | undefined> {
    const live = this.#desk.store.get('agent', agent);
    if (!isLive(live)) return GONE;
    const cwd = turnFolder(live, this.#desk.stateDir);
    const answer = await this.#desk.approvals.ask({
      plan: { task: agent, attempt: 1, agent: live },
      cwd,
      request: {
        request: `command.${randomUUID()}`,
        kind: 'command',
        tool: 'command_start',
        title: `${title} (goes on beyond its turn)`,
        detail: command,
        cwd,
        paths: [],
      },
      closed: this.#closing.signal,
      tell: () => {},
    });
    if (answer?.behavior === 'allow') return undefined;
    if (answer === undefined) return refusal('conflict', 'nobody allowed it before your turn was over');
    return refusal('forbidden', `it is not allowed: ${answer.message}`, {
      expected: 'a command that a rule or a person allows',
    });
  }

  #unfit(agent: OpId): Refusal | undefined {
    if (this.#closing.signal.aborted) return STOPPING;
    const count = this.#of(agent).length;
    if (count < RUNNING_MAX) return undefined;
    const expected = `at most ${RUNNING_MAX} at once: stop one, or wait until its end wakes you`;
    return refusal('too_many', `${count} commands of yours run`, { expected });
  }

  #of(agent: OpId): RunningCommand[] {
    return [...this.#running.keys()].filter((one) => one.agent === agent && one.row.state === 'running');
  }

  #one(agent: OpId, kept: KeptCommand): RunningCommand {
    return new RunningCommand({ self: this.#self, agent, kept, desk: this.#desk, detached: this.#closing.signal });
  }

  async #resume(one: RunningCommand): Promise<void> {
    const { store, whenOpen, log } = this.#desk;
    await whenOpen();
    const found = await this.#found(one);
    if (found === undefined) return one.leave();
    const run = this.#follow(one, one.run(found.proc, true));
    // Its agent was withdrawn when this node was killed.
    if (!isLive(store.get('agent', one.agent)))
      await one.stop('stopped').catch((error: unknown) => log(messageOf(error)));
    await run;
  }

  /** Asked for until the holder answers; undefined: this node stops. */
  async #found({ agent, row }: RunningCommand): Promise<{ proc: Proc | undefined } | undefined> {
    const { runtime, log } = this.#desk;
    const { signal } = this.#closing;
    while (!signal.aborted) {
      try {
        return { proc: await runtime.attach(procOf(agent, row.n)) };
      } catch (error) {
        log(`command ${row.n} of ${agent}: ${messageOf(error)}`);
        await pause(AGAIN_MS, signal);
      }
    }
    return undefined;
  }

  async #follow(one: RunningCommand, run: Promise<void>): Promise<void> {
    await run;
    this.#running.delete(one);
  }
}

const GONE = refusal('conflict', 'this agent was withdrawn');
const STOPPING = refusal('stopping', 'this node stops: nothing was started');
