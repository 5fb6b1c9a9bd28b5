/** Sessions with the real CLIs, against the scripted model. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type {
  AgentDriver,
  AgentEvent,
  AgentSession,
  PermissionRequest,
  SessionSpec,
  ToolServer,
} from '#agent-ports.ts';
import type { ModelServer, Served } from '#model-server/server.ts';
import { startModelServer } from '#model-server/server.ts';
import type { Runtime } from '#ports.ts';
import type { LocalRuntime } from '#runtime/local.ts';
import { AgentHome, agentBin } from '../agent-clis.ts';
import { Events, PLAIN, type DriverHome } from '../contract/driver.ts';
import { freshId } from '../contract/runtime.ts';
import { makeLocalHome, type LocalHome } from '../runtime/local-home.ts';

const KEY = 'stub-key';

export type Opened = { session: AgentSession; events: Events; spec: SessionSpec; runtime: LocalRuntime };
type State = Extract<AgentEvent, { kind: 'state' }>;

/** One CLI with its own home and project, its model, and the runtime that it lives in. */
export class ProtocolRig {
  readonly home: AgentHome;
  readonly served: Served[];
  readonly driver: AgentDriver;
  readonly #server: ModelServer;
  readonly #runtimes: LocalHome;
  readonly #open: LocalRuntime[] = [];

  static async start(make: (o: { directory: string }) => AgentDriver): Promise<ProtocolRig> {
    agentBin();
    const served: Served[] = [];
    const server = await startModelServer({ port: 0, key: KEY, onServed: (one) => served.push(one) });
    return new ProtocolRig({ server, served, make });
  }

  private constructor(o: { server: ModelServer; served: Served[]; make: (o: { directory: string }) => AgentDriver }) {
    this.#server = o.server;
    this.served = o.served;
    this.home = new AgentHome({ url: o.server.url, key: KEY });
    this.#runtimes = makeLocalHome();
    this.driver = o.make({ directory: mkdtempSync(join(this.home.dir, 'skep-')) });
  }

  /** A session in the project; its first prompt starts the CLI. */
  async open(o: Partial<SessionSpec> = {}, driver = this.driver): Promise<Opened> {
    const runtime = this.runtime();
    const spec: SessionSpec = { ...PLAIN, procId: freshId(), cwd: this.home.project, env: this.home.env, ...o };
    const session = await driver.open(spec, runtime);
    return { session, events: new Events(session), spec, runtime };
  }

  /** The node stops and comes back. */
  async restart({ spec, runtime }: Pick<Opened, 'spec' | 'runtime'>): Promise<Opened> {
    await runtime.close();
    const again = this.runtime();
    const session = await this.driver.attach(spec, again);
    if (session === undefined) throw new Error('the session is not found');
    return { session, events: new Events(session), spec, runtime: again };
  }

  runtime(): LocalRuntime {
    const runtime = this.#runtimes.open();
    this.#open.push(runtime);
    return runtime;
  }

  async close(): Promise<void> {
    for (const runtime of this.#open) await runtime.close();
    await this.#runtimes.remove();
    this.home.remove();
    await this.#server.close();
  }
}

export async function permission(events: Events): Promise<PermissionRequest> {
  const event = await events.until('a permission', (one) => one.kind === 'permission');
  if (event.kind !== 'permission') throw new Error('unreachable');
  return event.request;
}

export async function state(events: Events, name: State['state']): Promise<State> {
  const event = await events.until(`the state ${name}`, (one) => one.kind === 'state' && one.state === name);
  if (event.kind !== 'state') throw new Error('unreachable');
  return event;
}

/** What was said, as a person reads it. */
export const said = (events: Events): string =>
  events.seen.flatMap((one) => (one.kind === 'delta' && one.stream === 'stdout' ? [one.text] : [])).join('');

export const script = (...steps: readonly object[]): string => `<<stub ${JSON.stringify(steps)}>>`;

/** Kills the CLI itself, not the shell commands that it runs: it carries the mark of its process. */
export const killed = (procId: string): void => signalled(procId, 'SIGKILL');

export function signalled(procId: string, signal: NodeJS.Signals): void {
  for (const pid of readdirSync('/proc').filter((name) => /^[0-9]+$/.test(name))) {
    try {
      const isMarked = readFileSync(`/proc/${pid}/environ`, 'latin1').includes(`SKEP_PROC=${procId}\0`);
      const isCli = /stream-json|app-server/.test(readFileSync(`/proc/${pid}/cmdline`, 'latin1'));
      if (isMarked && isCli) process.kill(Number(pid), signal);
    } catch {
      // It has ended since the listing.
    }
  }
}

/** A tool server with one tool, `word`. */
export const WORDS: ToolServer = {
  name: 'words',
  command: [process.execPath, fileURLToPath(new URL('word-server.ts', import.meta.url))],
  env: { WORD: 'bee' },
};

/** A driver whose sessions are allowed whatever they ask, as soon as somebody reads it. */
export class Allowing implements AgentDriver {
  readonly tool: string;
  readonly #driver: AgentDriver;

  constructor(driver: AgentDriver) {
    this.tool = driver.tool;
    this.#driver = driver;
  }

  async open(spec: SessionSpec, runtime: Runtime): Promise<AgentSession> {
    return allowed(await this.#driver.open(spec, runtime));
  }

  async attach(spec: SessionSpec, runtime: Runtime): Promise<AgentSession | undefined> {
    const session = await this.#driver.attach(spec, runtime);
    return session === undefined ? undefined : allowed(session);
  }
}

function allowed(session: AgentSession): AgentSession {
  async function* events(): AsyncGenerator<AgentEvent> {
    for await (const event of session.events) {
      if (event.kind === 'permission') await session.answer(event.request.request, { behavior: 'allow', message: '' });
      yield event;
    }
  }
  return {
    events: events(),
    prompt: (text) => session.prompt(text),
    steer: (text) => session.steer(text),
    interrupt: () => session.interrupt(),
    answer: (request, answer) => session.answer(request, answer),
    close: (graceMs) => session.close(graceMs),
  };
}

/** What the contract of drivers makes the scripted model do, for any of the real tools; `waiting` goes on once `gate` is there. */
export function scriptedScenes(gate: string): DriverHome['scenes'] {
  const mark = randomBytes(4).toString('hex');
  const until = (command: string): object => ({
    preText: 'ready\n',
    chunks: 1,
    bash: `${command}; do sleep 0.02; done`,
  });
  return {
    completed: { prompt: `${mark} ${script({ text: 'all is done' })}`, text: 'all is done' },
    failed: { prompt: `${mark} ${script({ status: 400 })}` },
    endless: { prompt: `${mark} ${script(until('while :'))}` },
    waiting: {
      prompt: `${mark} ${script(until(`while [ ! -e ${gate} ]`), { text: 'released' })}`,
      text: 'released',
      release: () => writeFileSync(gate, ''),
    },
  };
}
