/** One simulated machine: the real core on a store whose disk survives crashes, and agents whose work goes on under a holder while the node is down. */
import type { NodeId, OpId } from '#core/brand.ts';
import { ForgottenError } from '#core/boot-check.ts';
import { nodePrincipal, userPrincipal } from '#core/brand.ts';
import type { Mail } from '#core/message/mail.ts';
import type { Clock, NodeCore } from '#core/node.ts';
import type { Draft } from '#core/op.ts';
import type { Frame } from '#core/schema/frame.ts';
import type { Arrival } from '#ports.ts';
import type { MemoryOptions, MemoryStore } from '#store/memory.ts';
import type { TurnLoop } from '#turn-loop.ts';
import { appendAtDoor } from './append.ts';
import { agentBody, nodeBody } from './bodies.ts';
import { simCrypto, simNodeId } from './crypto.ts';
import { SimDisk } from './disk.ts';
import type { Ask, History } from './history.ts';
import { SimHolder } from './holder.ts';
import type { MachineKnobs } from './machine-knobs.ts';
import { settingsOf } from './machine-knobs.ts';
import type { Network, Station } from './network.ts';
import { sawArrivals, watchedStore } from './observer.ts';
import type { ReadOp } from './read-once.ts';
import type { SimParts } from './parts.ts';
import type { Random } from './random.ts';
import { copyOfDisk, lostWith } from './rollback.ts';
import { SimShell } from './shell.ts';
import type { VirtualTime } from './time.ts';

export class SimNode implements Station {
  readonly id: NodeId;
  readonly index: number;
  private readonly time: VirtualTime;
  private readonly random: Random;
  private readonly network: Network;
  private readonly history: History;
  private readonly knobs: MachineKnobs;
  private readonly parts: SimParts;
  private readonly readOp: ReadOp;
  readonly disk: SimDisk;
  /** How far this machine's wall clock is off. */
  wallOffsetMs = 0;
  private store: MemoryStore;
  private isRolledBack = false;
  /** It found that its disk went back in time, and must not run again. */
  isOut = false;
  private core: NodeCore | undefined;
  private loop: TurnLoop | undefined;
  /** Counts the node's lives: what an earlier one scheduled must not touch a later one. */
  private life = 0;
  /** What came while the node is paused; undefined while it is not. */
  private waiting: (() => void)[] | undefined;
  /** Survives the node, not the machine. */
  readonly holder: SimHolder;
  private readonly shell: SimShell;

  constructor(o: {
    index: number;
    time: VirtualTime;
    random: Random;
    network: Network;
    history: History;
    knobs: MachineKnobs;
    parts: SimParts;
    readOp: ReadOp;
  }) {
    this.readOp = o.readOp;
    this.index = o.index;
    this.id = simNodeId(o.index);
    this.time = o.time;
    this.random = o.random;
    this.network = o.network;
    this.history = o.history;
    this.knobs = o.knobs;
    this.parts = o.parts;
    this.disk = new SimDisk({ random: o.random.fork(), knobs: o.knobs });
    this.holder = new SimHolder({ time: o.time, random: o.random.fork(), knobs: o.knobs });
    this.shell = new SimShell({
      id: this.id,
      index: this.index,
      history: this.history,
      network: this.network,
      holder: this.holder,
      core: () => this.core,
      clock: () => this.clock(),
      kick: () => this.kick(),
      later: (life, delayMs, run) => this.later(life, delayMs, run),
    });
    this.store = o.parts.store(this.diskOptions());
  }

  up(): boolean {
    return this.core !== undefined;
  }

  committed(): MemoryStore {
    return this.store;
  }

  /** Seals what one log has beyond the newest `keep` ops. */
  seal(keep: number): void {
    this.store.seal({ keep, atLeast: 1 }).catch((error: unknown) => this.failed(error));
  }

  /** It would answer whoever dials it. */
  answers(): boolean {
    return this.core !== undefined && this.waiting === undefined;
  }

  /** Changes with every start and every crash. */
  lives = (): number => this.life;

  start(): void {
    if (this.core !== undefined || this.isOut) return;
    this.life += 1;
    this.wakeAtMs = Number.POSITIVE_INFINITY;
    const { life } = this;
    const crypto = simCrypto(this.index);
    const random = this.random.fork();
    const observed = { history: this.history, self: this.id, store: this.store };
    this.history.restarted(this.id, this.store.lastArrival());
    const core = this.parts.core({
      self: this.id,
      store: this.store,
      heads: this.store.heads(),
      lamport: this.store.lamport(),
      crypto,
      settings: settingsOf(this.knobs),
      random: () => random.unit(),
      readOp: this.readOp,
    });
    this.core = core;
    this.loop = this.parts.loop({
      core,
      store: watchedStore(observed),
      clock: () => this.clock(),
      soon: (run) => this.later(life, 0, run),
      send: ({ to, frame }) => this.network.send(this.id, to, frame),
      act: (action) => this.shell.act(action, life),
      arrived: (arrivals) => sawArrivals({ ...observed, arrivals }),
      failed: (error) => this.failed(error),
      rested: () => this.wake(),
    });
    try {
      core.boot(this.clock());
    } catch (error) {
      this.history.broken(`always/no-failure: node ${this.index} does not start: ${String(error)}`);
      this.core = undefined;
      return;
    }
    const first = { entity: undefined, by: nodePrincipal(this.id), body: nodeBody(this.index) };
    if (this.store.heads().size === 0) void this.append([first]);
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
    if (this.up()) this.network.nodeUp(this.id);
  }

  /** As SIGKILL: what was not on disk is gone. With `machine`, the holder and its work go too. */
  crash(machine: boolean): void {
    if (this.core === undefined) return;
    this.waiting = undefined;
    this.loop?.stop();
    this.core = undefined;
    this.loop = undefined;
    this.life += 1;
    this.history.crashed(this.id);
    this.store = this.store.crashed(this.diskOptions());
    if (machine) this.holder.clear();
    this.network.nodeDown(this.id);
  }

  /** Appends as a door does; resolves when acknowledged, undefined when the node went down before. */
  async append(drafts: readonly Draft[]): Promise<readonly Arrival[] | undefined> {
    const { core, loop } = this;
    if (core === undefined || loop === undefined) return undefined;
    const { life, time } = this;
    const doorway = { core, loop, time, clock: () => this.clock(), isUp: () => this.life === life };
    const arrivals = await appendAtDoor(doorway, drafts);
    this.history.acknowledged(arrivals?.map(({ op }) => op) ?? []);
    return arrivals;
  }

  /** Puts an older copy of this machine's disk back; the node is down. What no other machine holds is lost with the newer one. */
  putBack(copy: MemoryStore, others: readonly MemoryStore[]): OpId[] {
    const lost = lostWith({ newer: this.store, older: copy, others });
    this.history.rolledBack(this.id, { lastArrival: copy.lastArrival(), lost });
    this.store = copy.crashed(this.diskOptions());
    this.isRolledBack = true;
    return lost;
  }

  copyOfDisk(): MemoryStore {
    return copyOfDisk(this.store, this.parts.store, { crypto: simCrypto(this.index) });
  }

  private failed(error: unknown): void {
    if (!(error instanceof ForgottenError))
      return this.history.broken(`always/no-failure: node ${this.index}: ${String(error)}`);
    if (!this.isRolledBack) this.history.broken(`always/nothing-forgotten: node ${this.index}: ${String(error)}`);
    this.isOut = true;
    this.crash(true);
  }

  registerAgent(name: string): void {
    void this.append([{ entity: undefined, by: userPrincipal('sim'), body: agentBody(name) }]);
  }

  cancel(task: OpId): void {
    if (this.core === undefined) return;
    const ask: Ask = { node: this.id, life: this.life, task, outcome: undefined };
    this.history.asks.push(ask);
    this.core.cancelTask({ task, by: userPrincipal('sim'), done: (outcome) => (ask.outcome = outcome) }, this.clock());
    this.kick();
  }

  /** Asks the mailboxes of this node; a node that is down hears nothing. */
  mail = (ask: (mail: Mail) => void): void => this.input((core) => ask(core.mail(this.clock())));

  votersForNewTask(): NodeId[] {
    return this.core?.votersForNewTask() ?? [this.id];
  }

  linkUp(peer: NodeId): void {
    this.input((core) => core.linkUp({ node: peer, roundTripMs: 2 }, this.clock()));
  }

  linkDown(peer: NodeId): void {
    this.input((core) => core.linkDown(peer, this.clock()));
  }

  drained(peer: NodeId): void {
    this.input((core) => core.drained(peer, this.clock()));
  }

  frame(from: NodeId, frame: Frame): void {
    this.input((core) => {
      this.history.leases.heard(this.id, frame);
      core.frame(from, frame, this.clock());
    });
  }

  private clock(): Clock {
    return { nowMs: this.time.nowMs, wallMs: Math.max(0, Math.floor(this.time.nowMs + this.wallOffsetMs)) };
  }

  private diskOptions(): MemoryOptions {
    const commitWhen = (run: () => void): void =>
      this.later(this.life, this.disk.writeMs(), this.history.leases.writing(this.id, run));
    return { crypto: simCrypto(this.index), commitWhen };
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

  private input(take: (core: NodeCore) => void): void {
    this.whenRunning(() => {
      if (this.core !== undefined) take(this.core);
      this.kick();
    });
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
    this.later(this.life, nextMs - this.time.nowMs, () => {
      this.wakeAtMs = Number.POSITIVE_INFINITY;
      this.core?.tick(this.clock());
      this.kick();
    });
  }
}
