/** Nodes, agents and projects of the swarm as doors look them up over and over: read from the store again only after an op changed them. */
import type { NodeId, OpId } from '#core/brand.ts';
import type { MemberState } from '#core/schema/frame.ts';
import type { LiveAgent } from '#core/view/agent.ts';
import { isLive } from '#core/view/agent.ts';
import type { NodeRow } from '#core/view/node.ts';
import type { LiveProject } from '#core/view/project.ts';
import { isLiveProject } from '#core/view/project.ts';
import type { Arrival, Presence, SwarmNode } from '#ports.ts';
import { OpenGrants } from './grants.ts';
import { shortId, shortNode } from './json/text.ts';
import type { NodeState } from './json/node.ts';

/** What was last said is asked for at most so often, unless something is known to have changed: one request looks at it once an agent. */
const PRESENCE_HELD_MS = 250;

type Said = {
  byNode: ReadonlyMap<NodeId, Presence>;
  byAgent: ReadonlyMap<OpId, Presence['agents'][number]>;
  standings: ReadonlyMap<NodeId, MemberState>;
  readMs: number;
};

/** Rows of one kind that a door shows at once: far above what one swarm has. */
const ROWS_MAX = 10_000;
/** Kinds of tasks that wait. */
const ANSWERS_MAX = 1_000;

export class Roster {
  private readonly node_: SwarmNode;
  private readonly now: () => number;
  private readonly stops: (() => void)[];
  private agentRows: readonly LiveAgent[] | undefined;
  private nodeRows: ReadonlyMap<NodeId, NodeRow> | undefined;
  private projectRows: readonly LiveProject[] | undefined;
  private said_: Said | undefined;
  private readonly grants: OpenGrants;
  /** Answers that hold while agents and what is said of them are the same, by what was asked. */
  private readonly answers = new Map<string, string | null>();

  constructor(node: SwarmNode, now: () => number) {
    this.node_ = node;
    this.now = now;
    this.grants = new OpenGrants(node.store);
    this.stops = [
      node.onArrivals((arrivals) => this.forget(arrivals)),
      node.onPresence(() => {
        this.said_ = undefined;
        this.answers.clear();
      }),
    ];
  }

  close(): void {
    for (const stop of this.stops) stop();
  }

  private said(): Said {
    const held = this.said_;
    const nowMs = this.now();
    if (held !== undefined && nowMs - held.readMs < PRESENCE_HELD_MS) return held;
    const byNode = this.node_.presence();
    const byAgent = new Map(
      [...byNode.values()].flatMap((node) => node.agents.map((one) => [one.agent, one] as const)),
    );
    this.said_ = { byNode, byAgent, standings: this.node_.standings(), readMs: nowMs };
    this.answers.clear();
    return this.said_;
  }

  /** What nodes last said of themselves. */
  presence(): ReadonlyMap<NodeId, Presence> {
    return this.said().byNode;
  }

  /** What its node last said of an agent. */
  agentPresence(agent: OpId): Presence['agents'][number] | undefined {
    return this.said().byAgent.get(agent);
  }

  /** Ops that have been committed: what they changed is read again. The node tells of all of them; a route that waits for its own may be first. */
  forget(arrivals: readonly Arrival[]): void {
    this.grants.changed(arrivals);
    for (const { op } of arrivals) {
      const { type } = op.body;
      // Those that come by the thousand change nothing here.
      if (type.startsWith('task.')) continue;
      if (this.answers.size > 0) this.answers.clear();
      if (type.startsWith('agent.')) this.agentRows = this.said_ = undefined;
      else if (type.startsWith('project.')) this.projectRows = undefined;
      else if (type === 'node.registered' || type === 'node.replaced') this.nodeRows = undefined;
      // A cut takes part of a log back, and with it whatever it had registered.
      else if (type === 'log.forked' || type === 'node.revoked' || type === 'node.retired') this.forgetAll();
    }
  }

  private forgetAll(): void {
    this.agentRows = this.nodeRows = this.projectRows = undefined;
    this.grants.forget();
  }

  /** The task that an agent holds by a grant that is open. */
  grantedTask(agent: OpId): OpId | undefined {
    return this.grants.taskOf(agent);
  }

  /** What is committed but not told of yet counts from here on, too. */
  lookAgain(): void {
    this.grants.forget();
  }

  /**
   * The answer to a question about agents, which is made once and holds until one of them or what is said of them changes: a page asks it of a
   * thousand tasks that are alike.
   */
  answer(question: string, make: () => string | null): string | null {
    // What was said is looked at again now and then.
    this.said();
    const held = this.answers.get(question);
    if (held !== undefined) return held;
    const made = make();
    if (this.answers.size < ANSWERS_MAX) this.answers.set(question, made);
    return made;
  }

  /** Agents that are registered and not withdrawn, oldest first. */
  agents(): readonly LiveAgent[] {
    this.agentRows ??= this.node_.store
      .list('agent', { where: { live: 1 }, order: [['created', 'asc']], limit: ROWS_MAX })
      .filter(isLive)
      .filter((agent) => this.node(agent.registered.node)?.excluded === undefined);
    return this.agentRows;
  }

  projects(): readonly LiveProject[] {
    this.projectRows ??= this.node_.store
      .list('project', { where: { live: 1 }, order: [['created', 'asc']], limit: ROWS_MAX })
      .filter(isLiveProject);
    return this.projectRows;
  }

  private rows(): ReadonlyMap<NodeId, NodeRow> {
    this.nodeRows ??= new Map(this.node_.store.list('node', { limit: ROWS_MAX }).map((row) => [row.id, row]));
    return this.nodeRows;
  }

  nodes(): NodeRow[] {
    return [...this.rows().values()];
  }

  node(id: NodeId): NodeRow | undefined {
    return this.rows().get(id);
  }

  /** The node's name; the beginning of its id while the name has not arrived. */
  nodeName(id: NodeId): string {
    const name = this.node(id)?.name;
    return name === undefined || name === '' ? shortNode(id) : name;
  }

  /** The agent's name, also after it was withdrawn. */
  agentName(id: OpId): string {
    return this.node_.store.get('agent', id)?.registered?.name ?? shortId(id);
  }

  /**
   * As this node's failure detector shows it; `dead` when nobody spoke of it since this node started, `replaced` when another node was made from
   * its backup and it is not there itself.
   */
  nodeState(id: NodeId): NodeState {
    if (id === this.node_.info.self) return 'self';
    const excluded = this.node(id)?.excluded;
    if (excluded !== undefined) return excluded.how;
    const state = this.said().standings.get(id) ?? 'dead';
    return state !== 'alive' && state !== 'suspect' && this.node(id)?.replacedBy !== undefined ? 'replaced' : state;
  }
}
