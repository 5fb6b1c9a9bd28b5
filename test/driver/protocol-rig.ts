/** Sessions with the real CLIs, against the scripted model. */
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import type { AgentDriver, AgentEvent, AgentSession, PermissionRequest, SessionSpec } from '#agent-ports.ts';
import type { ModelServer, Served } from '#model-server/server.ts';
import { startModelServer } from '#model-server/server.ts';
import type { LocalRuntime } from '#runtime/local.ts';
import { AgentHome, agentBin } from '../agent-clis.ts';
import { Events, PLAIN } from '../contract/driver.ts';
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
  async open(o: Partial<SessionSpec> = {}): Promise<Opened> {
    const runtime = this.runtime();
    const spec: SessionSpec = { ...PLAIN, procId: freshId(), cwd: this.home.project, env: this.home.env, ...o };
    const session = await this.driver.open(spec, runtime);
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
