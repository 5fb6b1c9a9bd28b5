/** Claude Code by its structured protocol: `claude -p` with stream-json on both sides, one process for many turns. */
import { randomUUID } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AgentDriver, AgentSession, SessionSpec, ToolServer } from '#agent-ports.ts';
import type { Proc, Runtime } from '#ports.ts';
import { newestProcess, processId, PROCESSES_MAX } from '../line/processes.ts';
import { LineSession, type LineLimits } from '../line/session.ts';
import { DriverRefusal } from '../refusal.ts';
import { ClaudeDialect } from './dialect.ts';

/** The transcript of one process, partial messages included; what is beyond is dropped from the middle. */
const OUTBOX_MAX_BYTES = 64 * 1024 * 1024;

/** `default`: whoever drives it is asked, whatever the person's own mode is; without the vendor's service, mode `auto` would stop at a dialog. */
const PROTOCOL =
  '-p --verbose --input-format stream-json --output-format stream-json --include-partial-messages --replay-user-messages ' +
  '--permission-prompt-tool stdio --permission-mode default';

export type ClaudeDriverOptions = {
  /** Where it is told of tool servers, one file a session, removed when the session closes. Made with mode 0700. */
  directory: string;
  /** Wall clock: a turn's limit goes on while this node is down. */
  nowMs: () => number;
  limits?: LineLimits;
};

export class ClaudeDriver implements AgentDriver {
  readonly tool = 'claude';
  readonly #o: ClaudeDriverOptions;

  constructor(o: ClaudeDriverOptions) {
    this.#o = o;
  }

  /** `claude` is started by the first prompt. */
  async open(spec: SessionSpec, runtime: Runtime): Promise<AgentSession> {
    return this.#session(spec, runtime, 0);
  }

  async attach(spec: SessionSpec, runtime: Runtime): Promise<AgentSession | undefined> {
    const newest = await newestProcess(spec.procId, runtime);
    if (newest === undefined) return undefined;
    const session = this.#session(spec, runtime, newest.number);
    await session.follow(newest.proc);
    return session;
  }

  #session(spec: SessionSpec, runtime: Runtime, processes: number): LineSession {
    let started = processes;
    return new LineSession({
      tool: this.tool,
      turnLimitMs: spec.turnLimitMs,
      nowMs: this.#o.nowMs,
      limits: this.#o.limits,
      resume: spec.resume,
      dialect: () => new ClaudeDialect({ cwd: spec.cwd }),
      start: async (conversation) => {
        if (started >= PROCESSES_MAX) {
          throw new DriverRefusal('not_started', `claude ended ${started} times in this session; it is given up.`);
        }
        const proc = await this.#start(spec, { runtime, number: started + 1, conversation });
        started += 1;
        return proc;
      },
      closed: () => rmSync(this.#serversPath(spec), { force: true }),
    });
  }

  #start(spec: SessionSpec, o: { runtime: Runtime; number: number; conversation: string | null }): Promise<Proc> {
    const { servers, instructions, cwd, env } = spec;
    const conversation = o.conversation === null ? ['--session-id', randomUUID()] : ['--resume', o.conversation];
    return o.runtime.start({
      id: processId(spec.procId, o.number),
      argv: [
        'claude',
        ...PROTOCOL.split(' '),
        ...conversation,
        ...(instructions === '' ? [] : ['--append-system-prompt', instructions]),
        ...(servers.length === 0 ? [] : this.#offer(spec)),
      ],
      cwd,
      env,
      outboxMaxBytes: OUTBOX_MAX_BYTES,
    });
  }

  /** Beside the person's own servers. A call of what skep itself offers needs no permission; their environment may hold a token: it is in no argument. */
  #offer(spec: SessionSpec): string[] {
    mkdirSync(this.#o.directory, { recursive: true, mode: 0o700 });
    const path = this.#serversPath(spec);
    const mcpServers = Object.fromEntries(spec.servers.map((server) => [server.name, serverOf(server)]));
    writeFileSync(path, JSON.stringify({ mcpServers }), { mode: 0o600 });
    return ['--mcp-config', path, '--allowedTools', spec.servers.map(({ name }) => `mcp__${name}`).join(',')];
  }

  #serversPath(spec: SessionSpec): string {
    return join(this.#o.directory, `${spec.procId}.mcp.json`);
  }
}

const serverOf = ({ command: [command, ...args], env }: ToolServer): object => ({ type: 'stdio', command, args, env });
