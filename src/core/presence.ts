/** Presence: one small frame a node, every 15 s and at a change, to all links. In memory only; it is what "alive" and "idle" are read from. */
import type { NodeId, OpId } from './brand.ts';
import type { Heartbeat } from './schema/frame.ts';
import { FRAME } from './schema/frame.ts';
import type { ContextUse } from './schema/transcript.ts';
import type { World } from './world.ts';

/** The seed's heartbeat. */
export const HEARTBEAT_MS = 15_000;
/** The seed's limit: an agent whose node was silent so long is shown as offline. */
export const OFFLINE_AFTER_MS = 45_000;

export type AgentPresence = {
  agent: OpId;
  status: string;
  task: OpId | null;
  attempt: number | null;
  context?: ContextUse | undefined;
};
export type NodePresence = { node: NodeId; heardMs: number; links: NodeId[]; agents: AgentPresence[] };

/** What presence needs of the world it runs in: the simulator of ten thousand nodes has a smaller one. */
export type PresenceWorld = Pick<World, 'self' | 'links' | 'timers' | 'nowMs' | 'send'> & {
  readonly log: Pick<World['log'], 'lamport'>;
  readonly counts: Pick<World['counts'], 'own'>;
};

export class PresenceBoard {
  private readonly world: PresenceWorld;
  private readonly heard = new Map<NodeId, NodePresence & { beat: number }>();
  /** With whom each of them is linked: asked twice a link for every batch that is passed on. */
  private readonly linksOf = new Map<NodeId, ReadonlySet<NodeId>>();
  private readonly own: () => AgentPresence[];
  private beat = 0;

  constructor(world: PresenceWorld, own: () => AgentPresence[]) {
    this.world = world;
    this.own = own;
  }

  /** All nodes heard of, this one included. */
  all(): ReadonlyMap<NodeId, NodePresence> {
    const { world } = this;
    const mine = { node: world.self, heardMs: world.nowMs, links: [...world.links], agents: this.own() };
    return new Map<NodeId, NodePresence>([...this.heard, [world.self, mine]]);
  }

  /** A linked node that says it is linked with `node`. */
  neighbourOf(node: NodeId): NodeId | undefined {
    for (const link of this.world.links) if (this.isLinked(link, node)) return link;
    return undefined;
  }

  /** True when `a` last said that it is linked with `b`. */
  isLinked(a: NodeId, b: NodeId): boolean {
    return this.linksOf.get(a)?.has(b) ?? false;
  }

  /** True when the agent's node last said that it works on a task. */
  isBusy(node: NodeId, agent: OpId): boolean {
    const held = this.heard.get(node)?.agents.find((one) => one.agent === agent);
    return held !== undefined && held.task !== null;
  }

  /** False when the agent's node last said that it takes no work now: it is at some, waits for a person, is not there. */
  takesWork(node: NodeId, agent: OpId): boolean {
    const held = this.heard.get(node)?.agents.find((one) => one.agent === agent);
    return held === undefined || held.status === 'idle';
  }

  /** Says now how things are, and again in {@link HEARTBEAT_MS}. */
  announce(): void {
    const { world } = this;
    world.timers.set('beat', world.nowMs + HEARTBEAT_MS);
    if (world.links.size === 0) return;
    this.beat += 1;
    world.send([...world.links], {
      type: FRAME.agentHeartbeat,
      node_id: world.self,
      beat: this.beat,
      lamport_ts: world.log.lamport(),
      count: world.counts.own(),
      links: [...world.links],
      agents: this.own().map((one) => ({
        agent_id: one.agent,
        status: one.status,
        current_task_id: one.task,
        attempt: one.attempt,
        ...(one.context === undefined ? {} : { context: one.context }),
      })),
    });
  }

  /** Taken only from the node itself; a beat older than the one held changes nothing. `links`: whom the node is linked with has changed. */
  onHeartbeat(from: NodeId, frame: Heartbeat): 'old' | 'same' | 'links' {
    if (frame.node_id !== from) return 'old';
    const held = this.heard.get(from);
    if (held !== undefined && held.beat >= frame.beat) return 'old';
    this.heard.set(from, {
      node: from,
      heardMs: this.world.nowMs,
      links: frame.links,
      beat: frame.beat,
      agents: frame.agents.map((one) => ({
        agent: one.agent_id,
        status: one.status,
        task: one.current_task_id,
        attempt: one.attempt,
        context: one.context ?? undefined,
      })),
    });
    const before = this.linksOf.get(from) ?? new Set();
    this.linksOf.set(from, new Set(frame.links));
    const same = before.size === frame.links.length && frame.links.every((node) => before.has(node));
    return same ? 'same' : 'links';
  }

  /** A link went down: what the node said before stands, but its next life counts its beats anew. */
  onLinkDown(node: NodeId): void {
    const held = this.heard.get(node);
    if (held !== undefined) this.heard.set(node, { ...held, beat: 0, links: [] });
    this.linksOf.delete(node);
  }
}
