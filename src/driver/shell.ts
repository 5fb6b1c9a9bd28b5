/** The simplest agent: a shell. A prompt is a script, a turn is one process, and its exit code decides. */
import { mkdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import type { ProcId } from '#core/brand.ts';
import { parsedProcId } from '#core/brand.ts';
import type { AgentDriver, AgentSession, SessionSpec } from '#agent-ports.ts';
import type { Proc, Runtime } from '#ports.ts';
import { DriverRefusal } from './refusal.ts';
import { ShellSession } from './shell-session.ts';

/** The transcript of one turn. What a script prints beyond it is dropped from the middle. */
const OUTBOX_MAX_BYTES = 8 * 1024 * 1024;

/** What a script that is interrupted, or took too long, gets to tidy up. */
const GRACE_MS = 5_000;

/** Turns of one session; a claim has one, a talk has dozens. It bounds the search for the newest one after a restart. */
const TURNS_MAX = 10_000;

/** Runs `$1` with an empty standard input: a script that reads must end, not wait for somebody to type. */
const RUN_SHELL =
  'if command -v bash >/dev/null 2>&1; then exec bash "$1" </dev/null; else exec sh "$1" </dev/null; fi';
const RUN_ITSELF = 'exec "$1" </dev/null';

export type ShellDriverOptions = {
  /** Where scripts are written, one file a turn, removed when the session closes. Made with mode 0700. Must be visible where the agent runs. */
  scriptDirectory: string;
  /** Wall clock: a turn's limit goes on while this node is down. */
  nowMs: () => number;
  outboxMaxBytes?: number;
  /** Between SIGTERM and SIGKILL, for `interrupt` and the turn limit. */
  graceMs?: number;
};

/**
 * The driver of the tool `shell`. A session's first turn is the process `spec.procId`, later ones `<procId>-t2`, `<procId>-t3`, …; the turn's name
 * is its process's id.
 *
 * The text runs with bash, or with sh where there is none; a text that begins with `#!` is executed as it is. Exit code 0 is `completed`, all else
 * `failed`. Output comes as deltas, a line with its `\n` each, as the script printed it: whoever shows it must expect terminal escapes.
 */
export class ShellDriver implements AgentDriver {
  readonly tool = 'shell';
  readonly #o: ShellDriverOptions;

  constructor(o: ShellDriverOptions) {
    this.#o = o;
  }

  async open(spec: SessionSpec, runtime: Runtime): Promise<AgentSession> {
    return this.#session(spec, runtime, 0);
  }

  /** Goes on with the newest turn: its events come from its beginning, so also a turn that ended while this node was down ends here, once. */
  async attach(spec: SessionSpec, runtime: Runtime): Promise<AgentSession | undefined> {
    let newest: Proc | undefined;
    let turn = 1;
    for (; turn <= TURNS_MAX; turn += 1) {
      const proc = await runtime.attach(turnId(spec.procId, turn));
      if (proc === undefined) break;
      await newest?.detach();
      newest = proc;
    }
    if (newest === undefined) return undefined;
    const session = this.#session(spec, runtime, turn - 1);
    session.follow(newest, this.#leftMs(spec, newest.id));
    return session;
  }

  #session(spec: SessionSpec, runtime: Runtime, turns: number): ShellSession {
    let next = turns;
    return new ShellSession({
      graceMs: this.#o.graceMs ?? GRACE_MS,
      turnLimitMs: spec.turnLimitMs,
      start: async (text) => {
        if (next >= TURNS_MAX) throw new DriverRefusal('not_supported', `A session has at most ${TURNS_MAX} turns.`);
        const id = turnId(spec.procId, next + 1);
        const path = this.#writeScript(id, text);
        const proc = await runtime.start({
          id,
          argv: ['/bin/sh', '-c', text.startsWith('#!') ? RUN_ITSELF : RUN_SHELL, 'sh', path],
          cwd: spec.cwd,
          env: spec.env,
          sees: [...(spec.sees ?? []), { path, writable: false }],
          outboxMaxBytes: this.#o.outboxMaxBytes ?? OUTBOX_MAX_BYTES,
        });
        next += 1;
        return proc;
      },
      closed: () => {
        for (let turn = 1; turn <= next; turn += 1)
          rmSync(this.#scriptPath(turnId(spec.procId, turn)), { force: true });
      },
    });
  }

  #scriptPath(id: ProcId): string {
    return join(this.#o.scriptDirectory, `${id}.sh`);
  }

  /**
   * Synchronous, because a script that is executed must not be open for writing in any process, and a process forked during the writing would hold
   * it open. By a new file and a rename, because a shell reads its script as it goes.
   */
  #writeScript(id: ProcId, text: string): string {
    mkdirSync(this.#o.scriptDirectory, { recursive: true, mode: 0o700 });
    const path = this.#scriptPath(id);
    const draft = `${path}.${randomBytes(4).toString('hex')}`;
    writeFileSync(draft, text, { mode: 0o700, flag: 'wx' });
    renameSync(draft, path);
    return path;
  }

  /** What is left of the turn's limit: the script was written right before its start. */
  #leftMs(spec: SessionSpec, id: ProcId): number {
    const writtenMs = statSync(this.#scriptPath(id), { throwIfNoEntry: false })?.mtimeMs ?? this.#o.nowMs();
    return Math.min(Math.max(spec.turnLimitMs - (this.#o.nowMs() - writtenMs), 0), spec.turnLimitMs);
  }
}

function turnId(session: ProcId, turn: number): ProcId {
  return turn === 1 ? session : parsedProcId(`${session}-t${turn}`);
}
