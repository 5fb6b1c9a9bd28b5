/** The boxes of this node's agents: what is declared, as what runs. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { AgentExplained } from '#core/agent-terminal.ts';
import type { NodeId, OpId } from '#core/brand.ts';
import type { BoxKindStanding } from '#core/boxing.ts';
import { compareStamps } from '#core/op.ts';
import type { BoxKind } from '#core/schema/box-body.ts';
import type { DeclaredBox, LiveAgent } from '#core/view/agent.ts';
import { isLive } from '#core/view/agent.ts';
import type { Boxes, BoxProbe, BoxSpec } from '#box-ports.ts';
import { IN_BOX } from '#box-ports.ts';
import { DriverRefusal } from '#driver/refusal.ts';
import type { Arrival, OpStore, Runtime } from '#ports.ts';
import { isReader } from './attempt-spec.ts';
import { besideRelay, TOOLS_SOCKET } from './box-view.ts';
import type { CrashWatch } from './crash-watch.ts';
import { agentSocketDir, makeSocketDir, socketPath } from '../socket-path.ts';

/** Agents of one node. */
const AGENTS_MAX = 1_000;

export type BoxedAgent = LiveAgent & { box: DeclaredBox };

type Opened = { close(): Promise<void> };

/** Opens sockets at a path, whose folder is there. */
export type BoxSockets = {
  /** Of one agent's tools. */
  tools: (path: string) => Promise<Opened>;
  /** By which one agent reaches models. */
  relay: (path: string, agent: OpId) => Promise<Opened>;
  /** Of the host, in the words of hyperhive. */
  hive: (path: string) => Promise<Opened>;
};

/** There while the host's socket is to be open. */
const SERVES = 'hive-serve';
const HIVE = Symbol('the socket of the host');

export type BoxDeskOptions = {
  self: NodeId;
  store: Pick<OpStore, 'get' | 'list'>;
  stateDir: string;
  /** Where secrets lie, one file each: `<data-dir>/secrets`. */
  secretDir: string;
  kinds: readonly Boxes[];
  /** What starts outside of any box. */
  runtime: Runtime;
  /** Which programs end by themselves too often. */
  crashes: Pick<CrashWatch, 'whyGivenUp' | 'forgive'>;
  /** What keeps an agent from work changed. */
  changed: (agent: OpId) => void;
  log: (line: string) => void;
};

export class BoxDesk {
  readonly #o: BoxDeskOptions;
  /** Why an agent takes no work. */
  readonly #trouble = new Map<OpId, Extract<BoxProbe, { works: false }>>();
  /** Which declaration the newest process of an agent runs under. */
  readonly #runsUnder = new Map<OpId, DeclaredBox>();
  /** By the agent's name, and that of the host. */
  readonly #open = new Map<string | symbol, Promise<Opened>>();
  #sockets: BoxSockets | undefined;
  #closed = false;

  constructor(o: BoxDeskOptions) {
    this.#o = o;
  }

  /** All that are live, on this node. */
  agents(): BoxedAgent[] {
    const where = { live: 1, node: this.#o.self };
    return this.#o.store.list('agent', { where, limit: AGENTS_MAX }).filter(isBoxedAgent);
  }

  /** Brings back what was there when this node stopped: folders, sockets, and what is known of their health. */
  async start(sockets: BoxSockets): Promise<void> {
    this.#sockets = sockets;
    if (existsSync(join(this.#o.stateDir, SERVES))) await this.serve();
    for (const kind of new Set(this.agents().map((agent) => agent.box.runtime))) await this.sweep(kind);
    for (const agent of this.agents()) await this.ready(agent);
  }

  /** Before anything is claimed: what was given up at the last stop is so still, also what is in no box. */
  holdGivenUp(): void {
    const where = { live: 1, node: this.#o.self };
    for (const { id } of this.#o.store.list('agent', { where, limit: AGENTS_MAX }))
      if (this.#o.crashes.whyGivenUp(id) !== undefined) this.#o.changed(id);
  }

  /** Makes what the box needs on this machine and looks at it. Idempotent; the agent takes work only where all is there. */
  async ready(agent: BoxedAgent): Promise<BoxProbe> {
    const spec = this.specOf(agent.registered.name, agent.box);
    mkdirSync(spec.socketDir, { recursive: true, mode: 0o700 });
    const found = await this.of(agent.box.runtime).check(spec);
    this.#say(agent, found);
    if (found.works)
      await this.#listen(agent.registered.name, (sockets) => openBoth(sockets, spec.socketDir, agent.id));
    return found;
  }

  /** What killed starters left of this node's boxes goes: the system would keep it for good. */
  async sweep(kind: BoxKind): Promise<void> {
    const swept = await this.of(kind).sweep(this.#o.self);
    if (swept > 0) this.#o.log(`took away ${swept} boxes (${kind}) that were begun and that nobody held`);
  }

  /** The first kind that works here, in the order in which they were given. */
  async best(): Promise<{ kind: BoxKind } | Extract<BoxProbe, { works: false }>> {
    const told: string[] = [];
    for (const boxes of this.#o.kinds) {
      const found = await boxes.probe();
      if (found.works) return { kind: boxes.kind };
      told.push(`${boxes.kind}: ${found.reason} (${found.wayOut})`);
    }
    return { works: false, reason: 'no kind of box works on this node', wayOut: told.join('; ') };
  }

  async kinds(): Promise<BoxKindStanding[]> {
    const found: BoxKindStanding[] = [];
    for (const boxes of this.#o.kinds) {
      const probe = await boxes.probe();
      const nothing = { version: null, why: null, wayOut: null };
      if (probe.works) found.push({ ...nothing, kind: boxes.kind, works: true, version: probe.version });
      else found.push({ ...nothing, kind: boxes.kind, works: false, why: probe.reason, wayOut: probe.wayOut });
    }
    return found;
  }

  of(kind: BoxKind): Boxes {
    const found = this.#o.kinds.find((boxes) => boxes.kind === kind);
    if (found === undefined) throw new Error(`this node was given no boxes of the kind ${kind}`);
    return found;
  }

  /** Where the folder of the box of that name lies; it may or may not be there. */
  folderOf(name: string): string {
    return join(this.#o.stateDir, 'boxes', name);
  }

  specOf(name: string, declared: Pick<DeclaredBox, 'image' | 'mounts' | 'limits' | 'secretNames'>): BoxSpec {
    const { image, mounts, limits, secretNames } = declared;
    return {
      name: `h-${name}`,
      node: this.#o.self,
      directory: this.folderOf(name),
      image,
      socketDir: agentSocketDir(this.#o.stateDir, name),
      mounts,
      limits,
      secrets: secretNames.map((secret) => ({ name: secret, file: join(this.#o.secretDir, secret) })),
    };
  }

  /** Where the processes of this agent run: in its box, where it has one. Whatever keeps one from starting keeps the agent from further work, too. */
  runtimeOf(agent: LiveAgent): Runtime {
    const { runtime } = this.#o;
    if (!isBoxedAgent(agent)) return runtime;
    const boxes = this.of(agent.box.runtime);
    const spec = this.specOf(agent.registered.name, agent.box);
    const inside = async (): Promise<Runtime> => {
      const found = await this.ready(agent);
      if (!found.works) throw new DriverRefusal('not_started', `${found.reason}: ${found.wayOut}`);
      this.#runsUnder.set(agent.id, agent.box);
      return boxes.runtime(spec, runtime);
    };
    // A script asks no model unless it says so: it has `$SKEP_RELAY` for that. Where it may go out, it is to be able to.
    const through = isReader(agent) || (agent.box.egress ?? []).length > 0 ? besideRelay : same;
    return {
      start: async (one) => (await inside()).start({ ...one, argv: through(one.argv) }),
      exec: async (argv, o) => (await inside()).exec(argv, o),
      attach: (id) => runtime.attach(id),
      forget: (id) => runtime.forget(id),
      close: () => runtime.close(),
    };
  }

  /** False where what it started last runs under an older word, or nobody knows. */
  isCurrent({ id, box }: BoxedAgent): boolean {
    const under = this.#runsUnder.get(id);
    return under !== undefined && compareStamps(under.stamp, box.stamp) === 0;
  }

  /** Why an agent takes no work: what its box lacks, or that its program was given up. */
  trouble(agent: OpId): Extract<BoxProbe, { works: false }> | undefined {
    return this.#trouble.get(agent) ?? this.#givenUp(agent);
  }

  /** Somebody says that its program is mended: it begins anew. */
  forgive(agent: OpId): void {
    this.#o.crashes.forgive(agent);
  }

  /** `skep agent resume` is such a word, also of an agent that is in no box. */
  arrived(arrivals: readonly Arrival[]): void {
    for (const { op } of arrivals) {
      const { type } = op.body;
      if (type === 'agent.deregistered' || (type === 'agent.paused' && !op.body.paused)) this.forgive(op.header.entity);
    }
  }

  #givenUp(agent: OpId): Extract<BoxProbe, { works: false }> | undefined {
    const reason = this.#o.crashes.whyGivenUp(agent);
    if (reason === undefined) return undefined;
    const row = this.#o.store.get('agent', agent);
    const name = row?.registered?.name ?? agent;
    const how = row?.box === undefined ? `skep agent pause ${name}, then resume` : `skep hive rebuild ${name}`;
    return { works: false, reason, wayOut: `mend it, then ${how}` };
  }

  /** Why it takes no work, where its box is the reason. */
  explain(agent: OpId, tool: string): AgentExplained | undefined {
    const trouble = this.trouble(agent);
    if (trouble === undefined) return undefined;
    const evidence = [{ zone: 'way out', text: trouble.wayOut }];
    return {
      tool,
      state: 'error',
      source: 'protocol',
      exact: true,
      rule: this.#trouble.has(agent) ? `its box: ${trouble.reason}` : trouble.reason,
      evidence,
    };
  }

  /** The agent is withdrawn: nothing is listened to any more in its name. */
  async leave(agent: OpId, name: string): Promise<void> {
    this.#trouble.delete(agent);
    this.#runsUnder.delete(agent);
    await (await this.#open.get(name))?.close();
    this.#open.delete(name);
  }

  async close(): Promise<void> {
    this.#closed = true;
    const open = await Promise.allSettled(this.#open.values());
    for (const one of open) if (one.status === 'fulfilled') await one.value.close();
    this.#open.clear();
  }

  /** Opens the host's socket, now and at each start from now on. */
  async serve(): Promise<string> {
    const { stateDir } = this.#o;
    writeFileSync(join(stateDir, SERVES), '');
    const path = socketPath(stateDir, 'host');
    makeSocketDir(path);
    await this.#listen(HIVE, (sockets) => sockets.hive(path));
    return path;
  }

  /** One listener a name: whoever asks while it opens waits with the others. */
  async #listen(name: string | symbol, open: (sockets: BoxSockets) => Promise<Opened>): Promise<void> {
    if (this.#sockets === undefined || this.#closed) return;
    const held = this.#open.get(name) ?? open(this.#sockets);
    this.#open.set(name, held);
    try {
      await held;
    } catch (error) {
      this.#open.delete(name);
      throw error;
    }
  }

  #say(agent: BoxedAgent, found: BoxProbe): void {
    const before = this.#trouble.get(agent.id)?.reason;
    if (found.works) this.#trouble.delete(agent.id);
    else this.#trouble.set(agent.id, found);
    if (before === (found.works ? undefined : found.reason)) return;
    const now = found.works ? 'its box is there again' : `its box cannot be made: ${found.reason} (${found.wayOut})`;
    this.#o.log(`${agent.registered.name}: ${now}`);
    this.#o.changed(agent.id);
  }
}

const same = (argv: readonly [string, ...string[]]): readonly [string, ...string[]] => argv;

async function openBoth(sockets: BoxSockets, folder: string, agent: OpId): Promise<Opened> {
  const tools = await sockets.tools(join(folder, basename(TOOLS_SOCKET)));
  const relay = await sockets.relay(join(folder, basename(IN_BOX.relaySocket)), agent);
  return { close: async () => void (await Promise.all([tools.close(), relay.close()])) };
}

export const isBoxedAgent = (row: Parameters<typeof isLive>[0]): row is BoxedAgent =>
  isLive(row) && row.box !== undefined;
