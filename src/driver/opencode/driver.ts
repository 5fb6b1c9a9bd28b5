/** OpenCode by `opencode serve`: HTTP and server-sent events, one server for all of a node's sessions, and one for each agent with a home of its own. */
import { join } from 'node:path';
import type { AgentDriver, AgentSession, SessionSpec } from '#agent-ports.ts';
import type { Runtime } from '#ports.ts';
import { RecordFiles } from '../record-files.ts';
import { OpenCodeServer } from './server.ts';
import { sessionRecordSchema, type SessionRecord } from './session-record.ts';
import { OpenCodeSession } from './session.ts';

/** What changes something, or leaves the folder. Reading what is in it is not asked for. */
const ASKS = ['bash', 'edit', 'webfetch', 'websearch', 'external_directory', 'doom_loop'];

export type OpenCodeDriverOptions = {
  /** Where server and turns are remembered; made with mode 0700. */
  directory: string;
  /** Wall clock: a turn's limit goes on while this node is down. */
  nowMs: () => number;
  asks?: readonly string[];
  /** A server that nobody uses is kept for so long; 0 unless said: it takes its seconds to start, and its memory while it waits. */
  lingerMs?: number;
};

export class OpenCodeDriver implements AgentDriver {
  readonly tool = 'opencode';
  /** Of a folder that is gone its server does not know the project, and moves no copy out of it. */
  readonly copiesInPlace = true;
  readonly #o: OpenCodeDriverOptions;
  /** By the home of their agents; the empty one is their user's. */
  readonly #servers = new Map<string, OpenCodeServer>();
  readonly #records: RecordFiles<SessionRecord>;

  constructor(o: OpenCodeDriverOptions) {
    this.#o = o;
    this.#records = new RecordFiles(join(o.directory, 'turns'), sessionRecordSchema);
  }

  /** The server is asked with the first prompt. */
  async open(spec: SessionSpec, runtime: Runtime): Promise<AgentSession> {
    return this.#session(spec, runtime);
  }

  async attach(spec: SessionSpec, runtime: Runtime): Promise<AgentSession | undefined> {
    const record = this.#records.read(spec.procId);
    if (record === undefined) return undefined;
    const session = this.#session(spec, runtime);
    await session.follow(record, await this.#server(spec).find(runtime));
    return session;
  }

  #server({ home = '' }: SessionSpec): OpenCodeServer {
    const held = this.#servers.get(home);
    if (held !== undefined) return held;
    const directory = home === '' ? this.#o.directory : join(home, 'server');
    const made = new OpenCodeServer({ directory, lingerMs: this.#o.lingerMs ?? 0 });
    this.#servers.set(home, made);
    return made;
  }

  #session(spec: SessionSpec, runtime: Runtime): OpenCodeSession {
    const server = this.#server(spec);
    return new OpenCodeSession({
      spec,
      asks: this.#o.asks ?? ASKS,
      records: this.#records,
      acquire: () => server.acquire(runtime, spec.env),
      release: (running) => server.release(running),
      nowMs: this.#o.nowMs,
    });
  }
}
