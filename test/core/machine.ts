/** A node's core on a store in memory, carried out by the real turn loop; frames and time are moved by the test, nothing happens by itself. */
import type { NodeId, OpId } from '#core/brand.ts';
import { userPrincipal } from '#core/brand.ts';
import type { Clock, CoreOptions } from '#core/node.ts';
import { NodeCore } from '#core/node.ts';
import { FULL_LINKS_MAX } from '#core/overlay.ts';
import type { Draft, Op } from '#core/op.ts';
import type { BodyOf } from '#core/schema/body.ts';
import type { Frame } from '#core/schema/frame.ts';
import { FRAME, frameSchemas } from '#core/schema/frame.ts';
import type { Action, Outgoing } from '#core/turn.ts';
import type { Chain } from '#core/view/chain.ts';
import { taskChain } from '#core/view/chain.ts';
import type { TaskRow } from '#core/view/task.ts';
import { simCrypto, simNodeId, simPublicKey } from '#sim/crypto.ts';
import { MemoryStore } from '#store/memory.ts';
import { TurnLoop } from '#turn-loop.ts';
import { taskBody } from '../store/author.ts';
import { present } from './writer.ts';

/** Turns of the microtask queue after which a node has done all it can before its disk answers. */
const SETTLE_TURNS = 20;

/** The default of the design. */
export const LEASE_MS = 120_000;

export type MachineOptions = {
  nowMs?: number;
  settings?: Partial<CoreOptions['settings']>;
  random?: () => number;
  store?: MemoryStore;
  roundTripMs?: number | undefined;
  /** After a restart its peers have not told yet what they know of it. Else they have, and it is nothing new. */
  comparing?: boolean;
};

export type Say = { frame: Frame; to: NodeId };

export class Machine {
  readonly index: number;
  readonly id: NodeId;
  readonly core: NodeCore;
  readonly store: MemoryStore;
  readonly actions: Action[] = [];
  /** Why the loop gave up, if it did. */
  failure: unknown;
  nowMs: number;
  private readonly options: MachineOptions;
  private readonly loop: TurnLoop;
  private sent: Outgoing[] = [];
  private rested: (() => void)[] = [];
  private held: (() => void)[] | undefined;

  constructor(index: number, options: MachineOptions = {}) {
    this.index = index;
    this.id = simNodeId(index);
    this.options = options;
    this.nowMs = options.nowMs ?? 1_000;
    const commitWhen = (run: () => void): void => {
      if (this.held === undefined) queueMicrotask(run);
      else this.held.push(run);
    };
    const crypto = simCrypto(index);
    this.store =
      options.store === undefined
        ? new MemoryStore({ crypto, commitWhen })
        : options.store.crashed({ crypto, commitWhen });
    this.core = new NodeCore({
      self: this.id,
      store: this.store,
      heads: this.store.heads(),
      lamport: this.store.lamport(),
      crypto,
      settings: {
        votersMax: 1,
        fullLinksMax: FULL_LINKS_MAX,
        leaseMs: LEASE_MS,
        hasPath: () => true,
        hasProject: () => true,
        ...options.settings,
      },
      random: options.random ?? (() => 0.5),
    });
    this.loop = new TurnLoop({
      core: this.core,
      store: this.store,
      clock: () => this.clock(),
      soon: (run) => run(),
      send: (outgoing) => void this.sent.push(outgoing),
      act: (action) => void this.actions.push(action),
      arrived: () => {},
      rested: () => {
        for (const resolve of this.rested.splice(0)) resolve();
      },
      failed: (error) => {
        this.failure = error;
      },
    });
    this.core.boot(this.clock());
  }

  clock(): Clock {
    return { nowMs: this.nowMs, wallMs: 1_700_000_000_000 + this.nowMs };
  }

  /** Takes turns until the core has nothing more to do. With a held disk: until it waits for it. */
  async run(): Promise<void> {
    if (this.failure !== undefined) return;
    const rested = new Promise<void>((resolve) => this.rested.push(resolve));
    this.loop.kick();
    if (this.held === undefined) await rested;
    else for (let turn = 0; turn < SETTLE_TURNS; turn++) await Promise.resolve();
  }

  /** From now on commits wait for {@link releaseDisk}. */
  holdDisk(): void {
    this.held = [];
  }

  async releaseDisk(): Promise<void> {
    const waiting = this.held ?? [];
    this.held = undefined;
    const rested = new Promise<void>((resolve) => this.rested.push(resolve));
    for (const run of waiting) run();
    if (waiting.length > 0) await rested;
    await this.run();
  }

  /** The node after SIGKILL and a new start: what was not on disk is gone. */
  restart(o: MachineOptions = {}): Machine {
    this.loop.stop();
    const machine = new Machine(this.index, { ...this.options, nowMs: this.nowMs, store: this.store, ...o });
    if (o.comparing !== true) machine.hearOfNothingNew();
    return machine;
  }

  private hearOfNothingNew(): void {
    const heads = Object.fromEntries([...this.store.heads()].map(([node, { seq }]) => [node, seq]));
    const digest = this.core.headsDigest();
    for (const { id } of this.store.list('node', { limit: 100 }))
      if (id !== this.id) this.core.frame(id, { type: FRAME.heads, digest, heads, whole: true }, this.clock());
  }

  takeSent(): Say[] {
    const sent = this.sent.flatMap(({ to, frame }) => to.map((node) => ({ to: node, frame })));
    this.sent = [];
    return sent;
  }

  takeActions(): Action[] {
    return this.actions.splice(0);
  }

  async receive(from: NodeId, frame: Frame): Promise<void> {
    this.core.frame(from, wired(frame), this.clock());
    await this.run();
  }

  async linkUp(node: NodeId, roundTripMs: number | undefined = this.options.roundTripMs): Promise<void> {
    this.core.linkUp({ node, roundTripMs }, this.clock());
    await this.run();
  }

  async linkDown(node: NodeId): Promise<void> {
    this.core.linkDown(node, this.clock());
    await this.run();
  }

  async tick(): Promise<void> {
    this.core.tick(this.clock());
    await this.run();
  }

  async append(drafts: readonly Draft[]): Promise<Op[]> {
    const ops = this.core.append(drafts, this.clock());
    if (ops === 'tooLarge' || ops === 'comparing') throw new Error('the test appended an op that is too large');
    await this.run();
    return ops;
  }

  /** The op that begins every log. */
  async register(): Promise<void> {
    const body = {
      type: 'node.registered' as const,
      publicKey: simPublicKey(this.index),
      name: `node-${this.index}`,
      addresses: [],
      version: '1',
    };
    await this.append([{ entity: undefined, by: userPrincipal('test'), body }]);
  }

  agent(
    o: { capabilities?: string[]; tool?: string; tmuxSessionId?: string } & Pick<
      BodyOf<'agent.registered'>,
      'account' | 'opens' | 'worker'
    > = {},
  ): Promise<OpId> {
    return this.create({
      type: 'agent.registered',
      name: 'agent',
      tool: o.tool ?? 'shell',
      capabilities: o.capabilities ?? ['shell'],
      projectPath: null,
      tmuxSessionId: o.tmuxSessionId ?? null,
      maxConcurrentTasks: 1,
      ...(o.account === undefined ? {} : { account: o.account }),
      ...(o.opens === undefined ? {} : { opens: o.opens }),
      ...(o.worker === undefined ? {} : { worker: o.worker }),
    });
  }

  /** A task of this home that a shell agent can do; this node is its only voter unless said otherwise. */
  task(o: Partial<BodyOf<'task.created'>> = {}): Promise<OpId> {
    return this.create(taskBody({ voters: [this.id], ...o }));
  }

  async create(body: Draft['body']): Promise<OpId> {
    const [op] = await this.append([{ entity: undefined, by: userPrincipal('test'), body }]);
    return present(op).header.entity;
  }

  row(task: OpId): TaskRow {
    return present(this.store.get('task', task), `task ${task} at node ${this.index}`);
  }

  chain(task: OpId): Chain {
    return taskChain(this.row(task));
  }

  started(): string[] {
    return this.actions.flatMap((action) => (action.kind === 'start' ? [`${action.task}/${action.attempt}`] : []));
  }

  alarms(): string[] {
    return this.actions.flatMap((action) => (action.kind === 'alarm' ? [action.text] : []));
  }
}

/** A frame as it comes out at the other end of a link. */
export function wired(frame: Frame): Frame {
  const schema = present(frameSchemas.get(frame.type), `a schema for frames of type ${frame.type}`);
  return schema.parse(JSON.parse(JSON.stringify(frame)));
}
