/** What each driver of a tool that speaks lines does the same way: a session over processes of that tool. */
import type { AgentSession, SessionSpec } from '#agent-ports.ts';
import type { Runtime } from '#ports.ts';
import { DriverRefusal } from '../refusal.ts';
import type { Dialect } from './dialect.ts';
import { newestProcess, processId, PROCESSES_MAX } from './processes.ts';
import { LineSession } from './session.ts';
import { startFailure, TESTED_VERSIONS, toldVersion } from './tool-end.ts';
import type { LineLimits } from './tool-process.ts';

/** The transcript of one process, streamed pieces included; what is beyond is dropped from the middle. */
const OUTBOX_MAX_BYTES = 64 * 1024 * 1024;

export type LineTool = {
  tool: string;
  nowMs: () => number;
  limits?: LineLimits;
  /** The protocol with a process that begins a conversation (null) or goes on with that one. */
  dialect: (conversation: string | null) => Dialect;
  command: (conversation: string | null) => readonly [string, ...string[]];
  /** Files that were written for it. */
  files?: readonly string[];
  /** Called once, when the session was closed. */
  closed: () => void;
};

/** The slowest that was seen took four seconds to start. */
const VERSION_MAX_MS = 15_000;

type Place = { spec: SessionSpec; runtime: Runtime };

/** The conversation is the one that the session is to copy, and has not copied yet. */
export const isToBeCopied = ({ fork, resume }: SessionSpec, conversation: string | null): boolean =>
  fork === true && conversation !== null && conversation === resume;

/** Nothing is started before the first prompt. */
export const openLineSession = (tool: LineTool, place: Place): AgentSession =>
  session(tool, { ...place, processes: 0 });

/** Undefined where the runtime has no trace of the session. */
export async function attachLineSession(tool: LineTool, place: Place): Promise<AgentSession | undefined> {
  const newest = await newestProcess(place.spec.procId, place.runtime);
  if (newest === undefined) return undefined;
  const attached = session(tool, { ...place, processes: newest.number });
  await attached.follow(newest.proc);
  return attached;
}

function session(tool: LineTool, { spec, runtime, processes }: Place & { processes: number }): LineSession {
  let started = processes;
  return new LineSession({
    ...tool,
    closed: () => {
      tool.closed();
      // Whoever opened the session forgets its first process, and knows of no other. One that has not ended yet is left alone.
      for (let number = 2; number <= started; number += 1) {
        runtime.forget(processId(spec.procId, number)).catch(() => {});
      }
    },
    turnLimitMs: spec.turnLimitMs,
    resume: spec.resume,
    failedStart: async (exit, said) => {
      const [program] = tool.command(null);
      const tested = TESTED_VERSIONS[program];
      const version = tested === undefined ? undefined : await versionOf(program, { spec, runtime });
      return startFailure({ tool: tool.tool, exit, said, version, tested });
    },
    start: async (conversation) => {
      if (started >= PROCESSES_MAX) {
        throw new DriverRefusal('not_started', `${tool.tool} ended ${started} times in this session; it is given up.`);
      }
      const { cwd, env, procId } = spec;
      const id = processId(procId, started + 1);
      const argv = tool.command(conversation);
      const files = (tool.files ?? []).map((path) => ({ path, writable: false }));
      const sees = [...(spec.sees ?? []), ...files];
      const proc = await runtime.start({ id, argv, cwd, env, sees, outboxMaxBytes: OUTBOX_MAX_BYTES });
      started += 1;
      return proc;
    },
  });
}

/** Undefined where it does not say. */
async function versionOf(program: string, { spec: { cwd, env, sees }, runtime }: Place): Promise<string | undefined> {
  const o = { cwd, env, timeoutMs: VERSION_MAX_MS, ...(sees === undefined ? {} : { sees }) };
  return runtime.exec([program, '--version'], o).then(toldVersion, () => undefined);
}
