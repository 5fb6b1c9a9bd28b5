/** The core with its real store, links and clock: frames and time go in, turns are carried out. Knows nothing of doors and agents. */
import type { NodeId, OpId } from '#core/brand.ts';
import type { Crypto } from '#core/crypto.ts';
import type { Clock } from '#core/node.ts';
import { NodeCore } from '#core/node.ts';
import type { EndValue } from '#core/schema/body.ts';
import type { Frame } from '#core/schema/frame.ts';
import type { AgentSeen } from '#core/own-agents.ts';
import { FRAME } from '#core/schema/frame.ts';
import type { Action, Outgoing } from '#core/turn.ts';
import type { CoreSettings } from '#core/world.ts';
import type { Arrival, LinkInfo, OpStore, Transport, TransportHandler } from '#ports.ts';
import { TurnLoop } from '#turn-loop.ts';
import { BadPeers } from './bad-peers.ts';

export type EngineOptions = {
  self: NodeId;
  store: OpStore;
  transport: Transport;
  crypto: Crypto;
  settings: CoreSettings;
  onAction: (action: Exclude<Action, { kind: 'keepLinks' }>) => void;
  onArrivals: (arrivals: readonly Arrival[]) => void;
  /** Somebody's presence, or a link, may have changed. */
  onPresence: () => void;
  /** A frame for watchers, which the core does not look at. */
  onGlimpse: (from: NodeId, frame: Frame) => void;
  onLink: (link: LinkInfo) => void;
  onUnlink: (node: NodeId, reason: string) => void;
  onFailed: (error: unknown) => void;
};

/** For watchers. */
const GLIMPSES: ReadonlySet<number> = new Set([FRAME.taskUpdate, FRAME.watch, FRAME.agentScreen, FRAME.signal]);

export const realClock = (): Clock => ({ nowMs: performance.now(), wallMs: Date.now() });

export class Engine {
  readonly core: NodeCore;
  readonly loop: TurnLoop;
  private readonly options: EngineOptions;
  private timer: NodeJS.Timeout | undefined;
  private timerAtMs = Number.POSITIVE_INFINITY;
  private closed = false;
  private readonly badPeers = new BadPeers();

  constructor(options: EngineOptions) {
    this.options = options;
    const { self, store, crypto, settings } = options;
    this.core = new NodeCore({
      self,
      store,
      heads: store.heads(),
      lamport: store.lamport(),
      crypto,
      settings,
      random: Math.random,
    });
    this.loop = new TurnLoop({
      core: this.core,
      store,
      clock: realClock,
      soon: (run) => void setImmediate(run),
      send: (outgoing) => this.send(outgoing),
      act: (action) => (action.kind === 'keepLinks' ? this.keepLinks(action.nodes) : options.onAction(action)),
      arrived: (arrivals) => {
        options.onArrivals(arrivals);
        // With links the heartbeat that follows says that something changed; without any, none leaves.
        if (options.transport.links().length === 0) options.onPresence();
      },
      failed: (error) => options.onFailed(error),
      rested: () => this.schedule(),
    });
  }

  /** Goes on with what was open at the last stop. */
  boot(): void {
    this.core.boot(realClock());
    this.kick();
  }

  /** Listens and dials; rejects when it cannot listen. */
  link(): Promise<void> {
    return this.options.transport.start(this.handler());
  }

  kick(): void {
    this.loop.kick();
  }

  /** What is seen of an agent of this node. */
  agentState(o: AgentSeen): void {
    this.core.agentState(o, realClock());
    this.kick();
    this.options.onPresence();
  }

  attemptEnded(o: { task: OpId; attempt: number; value: EndValue }): void {
    this.core.attemptEnded(o, realClock());
    this.kick();
  }

  attemptGone(o: { task: OpId; attempt: number }): void {
    this.core.attemptGone(o, realClock());
    this.kick();
  }

  /** Tells all links that this node stops on purpose. What it says stands for nothing on disk, so it needs no turn. */
  leave(): void {
    if (this.closed) return;
    for (const outgoing of this.core.leave(realClock())) this.send(outgoing);
  }

  close(): void {
    this.closed = true;
    clearTimeout(this.timer);
    this.loop.stop();
  }

  private send({ to, frame }: Outgoing): void {
    this.options.transport.send(to, frame);
    if (frame.type === FRAME.agentHeartbeat) this.options.onPresence();
  }

  private keepLinks(nodes: readonly NodeId[] | undefined): void {
    const { store, transport } = this.options;
    for (const node of nodes ?? []) {
      const row = store.get('node', node);
      if (row !== undefined) transport.place(node, row.addresses);
    }
    transport.keep(nodes === undefined ? undefined : new Set(nodes));
  }

  private handler(): TransportHandler {
    const { core, options } = this;
    return {
      linkUp: (link) => {
        core.linkUp({ node: link.node, roundTripMs: link.roundTripMs }, realClock());
        options.onLink(link);
        options.onPresence();
        this.kick();
      },
      linkDown: (node, reason) => {
        options.onUnlink(node, reason);
        core.linkDown(node, realClock());
        options.onPresence();
        this.kick();
      },
      drained: (node) => {
        core.drained(node, realClock());
        this.kick();
      },
      frame: (from, frame) => this.frame(from, frame),
    };
  }

  private frame(from: NodeId, frame: Frame): void {
    if (GLIMPSES.has(frame.type)) return this.options.onGlimpse(from, frame);
    this.core.frame(from, frame, realClock());
    this.judge(from);
    if (frame.type === FRAME.agentHeartbeat) {
      const roundTripMs = this.options.transport.links().find((link) => link.node === from)?.roundTripMs;
      if (roundTripMs !== undefined) this.core.roundTrip(from, roundTripMs);
      this.options.onPresence();
    }
    this.kick();
  }

  /** Ends the link with a peer that sends too many ops that do not hold. */
  private judge(from: NodeId): void {
    const refusals = this.core.tallies().get(from)?.refused ?? 0;
    if (!this.badPeers.tooMany(from, refusals, performance.now())) return;
    const message = `${refusals} batches of ops that your node sent do not hold: its log, or its disk, is damaged.`;
    this.options.transport.disconnect(from, { type: FRAME.goodbye, code: 'bad_frame', message });
  }

  /** One timer, set to the next deadline of the core; none while nothing waits. */
  private schedule(): void {
    const nextMs = this.core.nextWakeMs();
    if (this.closed || nextMs === this.timerAtMs) return;
    clearTimeout(this.timer);
    this.timerAtMs = nextMs ?? Number.POSITIVE_INFINITY;
    if (nextMs === undefined) return;
    this.timer = setTimeout(
      () => {
        this.timerAtMs = Number.POSITIVE_INFINITY;
        this.core.tick(realClock());
        this.kick();
      },
      Math.max(0, Math.ceil(nextMs - performance.now())),
    );
  }
}
