/** One simulated machine: the real core on a store whose disk survives crashes, and agents whose work goes on under a holder while the node is down. */
import type { NodeId, OpId } from '#core/brand.ts';
import { nodePrincipal, userPrincipal } from '#core/brand.ts';
import { NodeCore } from '#core/node.ts';
import type { Draft } from '#core/op.ts';
import type { EndValue } from '#core/schema/body.ts';
import { frameSchemas } from '#core/schema/frame.ts';
import type { Action } from '#core/turn.ts';
import type { Arrival } from '#ports.ts';
import { MemoryStore } from '#store/memory.ts';
import { TurnLoop } from '#turn-loop.ts';
import { simCrypto, simNodeId, simPublicKey } from './crypto.ts';
import type { History } from './history.ts';
import type { AttemptId, HolderKnobs, WorkEnd } from './holder.ts';
import { SimHolder } from './holder.ts';
import type { Network, Station } from './network.ts';
import type { Random } from './random.ts';
import type { VirtualTime } from './time.ts';

export type MachineKnobs = HolderKnobs & {
  diskMinMs: number;
  diskMaxMs: number;
  /** Silence after which a voter may call an attempt lost. */
  leaseMs: number;
  /** How often the machine, with its holder, goes down with the node. */
  holderDiesProbability: number;
};

export class SimNode implements Station {
  readonly id: NodeId;
  readonly index: number;
  private readonly time: VirtualTime;
  private readonly random: Random;
  private readonly network: Network;
  private readonly history: History;
  private readonly knobs: MachineKnobs;
  private store: MemoryStore;
  private core: NodeCore | undefined;
  private loop: TurnLoop | undefined;
  /** Counts the node's lives: what an earlier one scheduled must not touch a later one. */
  private life = 0;
  /** What came while the node is paused; undefined while it is not. */
  private waiting: (() => void)[] | undefined;
  /** Survives the node, not the machine. */
  private readonly holder: SimHolder;

  constructor(o: {
    index: number;
    time: VirtualTime;
    random: Random;
    network: Network;
    history: History;
    knobs: MachineKnobs;
  }) {
    this.index = o.index;
    this.id = simNodeId(o.index);
    this.time = o.time;
    this.random = o.random;
    this.network = o.network;
    this.history = o.history;
    this.knobs = o.knobs;
    this.holder = new SimHolder({ time: o.time, random: o.random.fork(), knobs: o.knobs });
    this.store = new MemoryStore({ crypto: simCrypto(o.index), commitWhen: this.disk() });
  }

  up(): boolean {
    return this.core !== undefined;
  }

  committed(): MemoryStore {
    return this.store;
  }

  start(): void {
    if (this.core !== undefined) return;
    this.life += 1;
    this.wakeAtMs = Number.POSITIVE_INFINITY;
    const { life } = this;
    const crypto = simCrypto(this.index);
    const random = this.random.fork();
    const core = new NodeCore({
      self: this.id,
      store: this.store,
      heads: this.store.heads(),
      lamport: this.store.lamport(),
      crypto,
      settings: { votersMax: 5, leaseMs: this.knobs.leaseMs, hasPath: () => true, hasProject: () => true },
      random: () => random.unit(),
    });
    this.core = core;
    this.loop = new TurnLoop({
      core,
      store: this.store,
      clock: () => this.clock(),
      soon: (run) => this.later(life, 0, run),
      send: ({ to, frame }) => this.network.send(this.id, to, frame),
      act: (action) => this.act(action, life),
      arrived: (arrivals) => this.history.committed(this.id, arrivals),
      failed: (error) => this.history.broken(`node ${this.index}: ${String(error)}`),
      rested: () => this.wake(),
    });
    core.boot(this.clock());
    if (this.store.heads().size === 0) this.registerSelf();
    this.wake();
    this.network.nodeUp(this.id);
  }

  /** As SIGSTOP: nothing is done until {@link unpause}; what arrives meanwhile waits. */
  pause(): void {
    if (this.core !== undefined) this.waiting ??= [];
  }

  unpause(): void {
    const waiting = this.waiting ?? [];
    this.waiting = undefined;
    for (const run of waiting) run();
  }

  /** As SIGKILL: what was not on disk is gone. With `machine`, the holder and its work go too. */
  crash(machine: boolean): void {
    if (this.core === undefined) return;
    this.waiting = undefined;
    this.loop?.stop();
    this.core = undefined;
    this.loop = undefined;
    this.life += 1;
    this.store = this.store.crashed({ crypto: simCrypto(this.index), commitWhen: this.disk() });
    if (machine) this.holder.clear();
    this.network.nodeDown(this.id);
  }

  /** Appends as a door does; resolves when acknowledged, undefined when the node went down before. */
  async append(drafts: readonly Draft[]): Promise<readonly Arrival[] | undefined> {
    const { core, loop } = this;
    if (core === undefined || loop === undefined) return undefined;
    const ops = core.append(drafts, this.clock());
    if (ops === 'tooLarge') return undefined;
    const seqs = new Set(ops.map((op) => op.header.seq));
    try {
      const arrivals = await loop.settled();
      const own = arrivals.filter(({ op }) => op.header.node === this.id && seqs.has(op.header.seq));
      this.history.acknowledged(own.map(({ op }) => op));
      return own;
    } catch {
      // The node went down before it could acknowledge: the caller was told nothing.
      return undefined;
    }
  }

  registerAgent(name: string): Promise<readonly Arrival[] | undefined> {
    const body = {
      type: 'agent.registered' as const,
      name,
      tool: 'shell',
      capabilities: ['shell'],
      projectPath: null,
      tmuxSessionId: null,
      maxConcurrentTasks: 1,
    };
    return this.append([{ entity: undefined, by: userPrincipal('sim'), body }]);
  }

  cancel(task: OpId): void {
    this.core?.cancelTask({ task, by: userPrincipal('sim'), done: () => {} }, this.clock());
    this.kick();
  }

  votersForNewTask(): NodeId[] {
    return this.core?.votersForNewTask() ?? [this.id];
  }

  // ------------------------------------------------------------ station

  linkUp(peer: NodeId): void {
    this.whenRunning(() => {
      this.core?.linkUp({ node: peer, roundTripMs: 2 }, this.clock());
      this.kick();
    });
  }

  linkDown(peer: NodeId): void {
    this.whenRunning(() => {
      this.core?.linkDown(peer, this.clock());
      this.kick();
    });
  }

  drained(peer: NodeId): void {
    this.whenRunning(() => {
      this.core?.drained(peer, this.clock());
      this.kick();
    });
  }

  frame(from: NodeId, text: string): void {
    const json: { type?: unknown } = JSON.parse(text);
    const schema = typeof json.type === 'number' ? frameSchemas.get(json.type) : undefined;
    if (schema === undefined) throw new Error(`a frame of unknown type: ${text.slice(0, 80)}`);
    this.whenRunning(() => {
      this.core?.frame(from, schema.parse(json), this.clock());
      this.kick();
    });
  }

  // ------------------------------------------------------------ inside

  private clock(): { nowMs: number; wallMs: number } {
    return { nowMs: this.time.nowMs, wallMs: Math.floor(this.time.nowMs) };
  }

  private disk() {
    return (run: () => void): void => {
      this.later(this.life, this.random.between(this.knobs.diskMinMs, this.knobs.diskMaxMs), run);
    };
  }

  /** Runs later in this life of the node; never in another. */
  private later(life: number, delayMs: number, run: () => void): void {
    this.time.after(delayMs, () => {
      this.whenRunning(() => {
        if (this.life === life) run();
      });
    });
  }

  private whenRunning(run: () => void): void {
    if (this.waiting === undefined) run();
    else this.waiting.push(run);
  }

  private kick(): void {
    this.loop?.kick();
    this.wake();
  }

  private wakeAtMs = Number.POSITIVE_INFINITY;

  private wake(): void {
    const nextMs = this.core?.nextWakeMs();
    if (nextMs === undefined || (nextMs >= this.wakeAtMs && this.wakeAtMs > this.time.nowMs)) return;
    this.wakeAtMs = nextMs;
    const { life } = this;
    this.later(life, nextMs - this.time.nowMs, () => {
      this.wakeAtMs = Number.POSITIVE_INFINITY;
      this.core?.tick(this.clock());
      this.kick();
    });
  }

  private registerSelf(): void {
    const body = {
      type: 'node.registered' as const,
      publicKey: simPublicKey(this.index),
      name: `node-${this.index}`,
      addresses: [],
      version: 'sim',
    };
    void this.append([{ entity: undefined, by: nodePrincipal(this.id), body }]);
  }

  private act(action: Action, life: number): void {
    switch (action.kind) {
      case 'start':
        this.history.started({ node: this.id, task: action.task, attempt: action.attempt, atMs: this.time.nowMs });
        this.holder.start(action, this.whenEnded(life));
        return;
      case 'resume':
        if (!this.holder.follow(action, this.whenEnded(life))) this.end(action, { kind: 'lost', reason: 'lost' });
        return;
      case 'interrupt':
        return this.holder.forget(action);
      case 'clean':
        return this.later(life, 1, () => {
          this.holder.forget(action);
          this.core?.attemptGone(action, this.clock());
          this.kick();
        });
      case 'serve':
        this.core?.reply(action.call, { ok: false, code: 'unknown', message: 'not simulated' }, this.clock());
        return this.kick();
      case 'alarm':
        return this.history.broken(`node ${this.index}: ${action.text}`);
    }
  }

  /** Tells this life of the node how an attempt ended. */
  private whenEnded(life: number): (attempt: AttemptId, end: WorkEnd) => void {
    return (attempt, end) => this.later(life, 0, () => this.end(attempt, end));
  }

  private end({ task, attempt }: AttemptId, end: WorkEnd): void {
    const value: EndValue = { ...end, attempt, result: null, error: null, work: null, by: null };
    this.core?.attemptEnded({ task, attempt, value }, this.clock());
    this.kick();
  }
}
