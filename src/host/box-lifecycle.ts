/** What operators do with boxes of this node's agents: spawn, kill, rebuild, destroy, log in. */
import { existsSync, readdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { OpId, Principal } from '#core/brand.ts';
import type { BoxChange, Boxing, BoxStanding, BoxWanted } from '#core/boxing.ts';
import { canonicalJson } from '#core/canonical.ts';
import type { Draft } from '#core/op.ts';
import type { Refusal } from '#core/refusal.ts';
import { refusal } from '#core/refusal.ts';
import type { BodyOf } from '#core/schema/body.ts';
import { SHELL } from '#core/task/fit.ts';
import type { DeclaredBox } from '#core/view/agent.ts';
import { isLive, isPaused } from '#core/view/agent.ts';
import type { BoxProbe } from '#box-ports.ts';
import type { Arrival, OpStore } from '#ports.ts';
import type { Attempts } from './attempts.ts';
import type { BoxDesk, BoxedAgent } from './box-desk.ts';
import type { Drivers } from './drivers.ts';
import { BOX_NAME, wrongName } from './box-name.ts';
import { isRefusal } from './remote.ts';
import type { TurnKeeper } from './turns/turn-keeper.ts';

/** Spoken to at a port of this machine's loopback, which no box reaches. */
const UNBOXABLE: ReadonlySet<string> = new Set(['opencode']);

type Declared = Omit<DeclaredBox, 'stamp'>;

const NOTHING: Omit<Declared, 'runtime'> = {
  image: null,
  mounts: [],
  limits: { memoryBytes: null, cpus: null, processes: null },
  secretNames: [],
  egress: [],
};

export type BoxLifecycleOptions = {
  desk: BoxDesk;
  store: Pick<OpStore, 'get'>;
  drivers: Drivers;
  attempts: Pick<Attempts, 'ofAgent'>;
  turns: Pick<TurnKeeper, 'end' | 'isAtWork'>;
  append: (drafts: readonly Draft[]) => Promise<readonly Arrival[] | Refusal>;
};

export class BoxLifecycle implements Boxing {
  readonly #o: BoxLifecycleOptions;
  /** By name: what is being done to a box. */
  readonly #changing = new Map<string, Promise<unknown>>();

  constructor(o: BoxLifecycleOptions) {
    this.#o = o;
  }

  async list(): Promise<BoxStanding[]> {
    const agents = this.#o.desk.agents();
    const names = new Set(agents.map((agent) => agent.registered.name));
    const left = this.#tombstones().filter((name) => !names.has(name));
    return [...agents.map((agent) => this.#standing(agent)), ...left.map((name) => this.#tombstone(name))];
  }

  kinds(): ReturnType<Boxing['kinds']> {
    return this.#o.desk.kinds();
  }

  spawn(wanted: BoxWanted, by: Principal): Promise<BoxStanding | Refusal> {
    return this.#inTurn(wanted.name, () => this.#spawn(wanted, by));
  }

  kill(name: string, by: Principal): Promise<BoxStanding | Refusal> {
    return this.#inTurn(name, () => this.#kill(name, by));
  }

  rebuild(name: string, change: BoxChange, by: Principal): Promise<BoxStanding | Refusal> {
    return this.#inTurn(name, () => this.#rebuild(name, change, by));
  }

  destroy(name: string, o: { purge: boolean; by: Principal }): ReturnType<Boxing['destroy']> {
    return this.#inTurn(name, () => this.#destroy(name, o));
  }

  /** One change of a box after another: two at once would each find it as it was before the other. */
  #inTurn<T>(name: string, run: () => Promise<T>): Promise<T> {
    const mine = (this.#changing.get(name) ?? Promise.resolve()).then(run, run);
    const leave = (): void => {
      if (this.#changing.get(name) === mine) this.#changing.delete(name);
    };
    this.#changing.set(name, mine);
    mine.then(leave, leave);
    return mine;
  }

  async #spawn(
    { name, tool, capabilities, turns, ...change }: BoxWanted,
    by: Principal,
  ): Promise<BoxStanding | Refusal> {
    if (this.#find(name) !== undefined)
      return refusal('conflict', `there is a box ${name} already`, { expected: 'another name, or rebuild', got: name });
    const unfit = this.#unfitTool(tool);
    if (unfit !== undefined) return unfit;
    const best = change.runtime === undefined ? await this.#o.desk.best() : { kind: change.runtime };
    if (!('kind' in best)) return unavailable(best);
    const declared = declaredWith({ ...NOTHING, runtime: best.kind }, change);
    const refused = wrongName(name, declared.runtime) ?? (await this.#lacking(name, declared));
    if (refused !== undefined) return refused;
    const body: BodyOf<'agent.registered'> = {
      type: 'agent.registered',
      name,
      tool,
      capabilities: [...new Set(tool === SHELL ? [...capabilities, SHELL] : capabilities)],
      projectPath: null,
      tmuxSessionId: null,
      maxConcurrentTasks: 1,
      // Between this op and the next it has no box, and must not begin anything.
      paused: true,
      ...(turns === undefined ? {} : { turns }),
    };
    const arrivals = await this.#o.append([{ entity: undefined, by, body }]);
    if (isRefusal(arrivals)) return arrivals;
    const agent = arrivals[0]?.op.header.entity;
    if (agent === undefined) throw new Error('an agent was registered without an op');
    const more = await this.#o.append([
      { entity: agent, by, body: { type: 'box.declared', agent, ...declared } },
      { entity: agent, by, body: { type: 'agent.paused', paused: false } },
    ]);
    return isRefusal(more) ? more : this.#settled(name);
  }

  async #kill(name: string, by: Principal): Promise<BoxStanding | Refusal> {
    const agent = this.#find(name);
    if (agent === undefined) return noBox(name);
    const refused = await this.#pause(agent, true, by);
    if (refused !== undefined) return refused;
    await this.#end(agent.id);
    return this.#standing(this.#find(name) ?? agent);
  }

  async #rebuild(name: string, change: BoxChange, by: Principal): Promise<BoxStanding | Refusal> {
    const agent = this.#find(name);
    if (agent === undefined) return noBox(name);
    const { stamp: _stamp, ...held } = agent.box;
    const declared = declaredWith(held, change);
    const refused = wrongName(name, declared.runtime) ?? (await this.#lacking(name, declared));
    if (refused !== undefined) return refused;
    if (canonicalJson(declared) !== canonicalJson(held)) {
      const body = { type: 'box.declared', agent: agent.id, ...declared } as const;
      const arrivals = await this.#o.append([{ entity: agent.id, by, body }]);
      if (isRefusal(arrivals)) return arrivals;
    }
    const now = this.#find(name) ?? agent;
    this.#o.desk.forgive(now.id);
    await this.#o.desk.sweep(declared.runtime);
    const isAtWork = this.#o.attempts.ofAgent(agent.id) !== undefined || this.#o.turns.isAtWork(agent.id);
    if (isAtWork && !this.#o.desk.isCurrent(now)) await this.#end(agent.id);
    return (await this.#pause(now, false, by)) ?? this.#settled(name);
  }

  async #destroy(
    name: string,
    { purge, by }: { purge: boolean; by: Principal },
  ): Promise<{ name: string; purged: boolean } | Refusal> {
    const agent = this.#find(name);
    const { desk } = this.#o;
    if (agent === undefined && !(purge && this.#tombstones().includes(name))) return noBox(name);
    if (agent !== undefined) {
      const arrivals = await this.#o.append([{ entity: agent.id, by, body: { type: 'agent.deregistered' } }]);
      if (isRefusal(arrivals)) return arrivals;
      await this.#end(agent.id);
      await desk.leave(agent.id, name);
      const spec = desk.specOf(name, agent.box);
      await desk.of(agent.box.runtime).drop(spec);
      await rm(spec.socketDir, { recursive: true, force: true });
    }
    if (purge) await rm(desk.folderOf(name), { recursive: true, force: true });
    return { name, purged: purge };
  }

  async login(name: string): ReturnType<Boxing['login']> {
    const agent = this.#find(name);
    if (agent === undefined) return noBox(name);
    const found = await this.#o.desk.ready(agent);
    if (!found.works) return unavailable(found);
    const { desk } = this.#o;
    return desk.of(agent.box.runtime).login(desk.specOf(name, agent.box), ['/bin/bash', '-l']);
  }

  async serve(): Promise<{ socket: string }> {
    return { socket: await this.#o.desk.serve() };
  }

  /** Whatever it is at: a task, or a turn for its messages. */
  async #end(agent: OpId): Promise<void> {
    await this.#o.attempts.ofAgent(agent)?.interrupt('interrupted');
    await this.#o.turns.end(agent);
  }

  #find(name: string): BoxedAgent | undefined {
    return this.#o.desk.agents().find((agent) => agent.registered.name === name);
  }

  async #pause(agent: BoxedAgent, paused: boolean, by: Principal): Promise<Refusal | undefined> {
    if (isPaused(agent) === paused) return undefined;
    const arrivals = await this.#o.append([{ entity: agent.id, by, body: { type: 'agent.paused', paused } }]);
    return isRefusal(arrivals) ? arrivals : undefined;
  }

  async #settled(name: string): Promise<BoxStanding> {
    const agent = this.#find(name);
    if (!isLive(agent)) throw new Error(`the agent ${name}, which was just declared, is not there`);
    await this.#o.desk.ready(agent);
    return this.#standing(agent);
  }

  #unfitTool(tool: string): Refusal | undefined {
    if (this.#o.drivers.get(tool) === undefined)
      return refusal('driver_unavailable', `no protocol of ${tool} is known here`, {
        expected: `${this.#o.drivers
          .tools()
          .filter((one) => !UNBOXABLE.has(one))
          .join(', ')}, acp COMMAND`,
        got: tool,
      });
    if (!UNBOXABLE.has(tool)) return undefined;
    return refusal('not_supported', `${tool} is spoken to at a port, and a box has no network`, {
      expected: `a tool that speaks on its standard input and output: acp ${tool} acp`,
      got: tool,
    });
  }

  /** What would keep it from running, before anything is declared. */
  async #lacking(name: string, declared: Declared): Promise<Refusal | undefined> {
    const { desk } = this.#o;
    const spec = desk.specOf(name, declared);
    const found = await desk.of(declared.runtime).check({ ...spec, socketDir: '/' });
    return found.works ? undefined : unavailable(found);
  }

  #tombstones(): string[] {
    const all = join(this.#o.desk.folderOf('x'), '..');
    return existsSync(all) ? readdirSync(all).filter((name) => BOX_NAME.test(name)) : [];
  }

  #standing(agent: BoxedAgent): BoxStanding {
    const { desk } = this.#o;
    const { name, tool } = agent.registered;
    const { stamp: _stamp, ...declared } = agent.box;
    const trouble = desk.trouble(agent.id);
    const spec = desk.specOf(name, agent.box);
    return {
      name,
      agent: agent.id,
      tool,
      state: isPaused(agent) ? 'stopped' : trouble === undefined ? 'running' : 'broken',
      why: trouble?.reason ?? null,
      wayOut: trouble?.wayOut ?? null,
      ...declared,
      egress: declared.egress ?? [],
      unheld: desk.of(declared.runtime).unheld(spec),
      home: join(spec.directory, 'home'),
    };
  }

  #tombstone(name: string): BoxStanding {
    const home = join(this.#o.desk.folderOf(name), 'home');
    const none = {
      egress: [],
      agent: null,
      tool: null,
      why: null,
      wayOut: null,
      runtime: null,
      limits: null,
      unheld: [],
    };
    return { ...NOTHING, ...none, name, state: 'destroyed', home };
  }
}

const declaredWith = (held: Declared, change: BoxChange): Declared => ({
  runtime: change.runtime ?? held.runtime,
  image: change.image === undefined ? held.image : change.image,
  mounts: change.mounts ?? held.mounts,
  limits: change.limits ?? held.limits,
  secretNames: change.secretNames ?? held.secretNames,
  egress: change.egress ?? held.egress ?? [],
});

const noBox = (name: string): Refusal =>
  refusal('not_found', `this node has no box ${name}`, { expected: 'a name that `skep hive list` shows', got: name });

const unavailable = ({ reason, wayOut }: Extract<BoxProbe, { works: false }>): Refusal =>
  refusal('driver_unavailable', reason, { expected: wayOut });
