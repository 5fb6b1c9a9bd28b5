/**
 * Home decides who works a task. It waits for the claims of every node that has a fitting idle agent, at most 50 ms or twice the slowest of
 * their round trips, and takes the lowest (lamport, node) it holds. Claims that come later lose, whatever their stamp. While home is silent, the
 * other voters act in its place, by rank.
 */
import type { NodeId, OpId } from '../brand.ts';
import { bestRated } from '../market/preference.ts';
import type { Slots } from '../register/slots.ts';
import type { AgentRow } from '../view/agent.ts';
import { isLive } from '../view/agent.ts';
import { attemptOfSlot, isOptimistic, taskChain } from '../view/chain.ts';
import type { Claim } from '../view/task.ts';
import { openClaims } from '../view/task.ts';
import type { World } from '../world.ts';
import type { Board } from './board.ts';
import { brokenDependency } from './cancellation.ts';
import type { PendingTask } from './fit.ts';
import { dependencies, fits, isPending } from './fit.ts';

const SETTLE_MAX_MS = 50;
/** How long home may be silent before another voter grants in its place, and how far the voters stand apart. */
const TAKEOVER_MS = 2_000;
const STAGGER_MS = 1_000;
/** Agents considered when home asks whom to wait for. */
const AGENTS_MAX = 5_000;

type GranterOptions = {
  board: Board;
  slots: Slots;
  isSaidBusy: (node: NodeId, agent: OpId) => boolean;
  isSaidIdle: (node: NodeId, agent: OpId) => boolean;
};

export class Granter {
  private readonly world: World;
  private readonly board: Board;
  private readonly slots: Slots;
  /** Presence: the agent's own node says that it works on something, perhaps on an attempt decided otherwise. */
  private readonly isSaidBusy: (node: NodeId, agent: OpId) => boolean;
  private readonly isSaidIdle: (node: NodeId, agent: OpId) => boolean;
  /** All live agents of the swarm: read once, then kept in step with the ops. */
  private readonly agents = new Map<OpId, AgentRow>();

  constructor(world: World, o: GranterOptions) {
    this.world = world;
    this.board = o.board;
    this.slots = o.slots;
    this.isSaidBusy = o.isSaidBusy;
    this.isSaidIdle = o.isSaidIdle;
  }

  load(): void {
    for (const row of this.world.store.list('agent', { where: { live: 1 }, limit: AGENTS_MAX }))
      this.agents.set(row.id, row);
  }

  onAgent(id: OpId): void {
    const row = this.world.store.get('agent', id);
    if (row !== undefined && isLive(row)) this.agents.set(id, row);
    else this.agents.delete(id);
  }

  /** These nodes are within reach now, or said how their agents are: claims of theirs that could not be granted may be now. */
  onNodes(nodes: ReadonlySet<NodeId>): void {
    for (const { id, registered } of this.agents.values())
      if (registered !== undefined && nodes.has(registered.node)) this.onFree(id);
  }

  /** An agent may be free now: the task that it claims is looked at again. */
  onFree(agent: OpId): void {
    const task = this.board.claims(agent);
    const row = task === undefined ? undefined : this.world.store.get('task', task);
    if (isPending(row)) this.onPending(row);
  }

  /** A pending task has a new row, its home went silent, or a claim on it may count now. */
  onPending(row: PendingTask): void {
    const { home, voters } = row.created;
    if (!this.world.canDecide(voters)) return;
    if (home === this.world.self) return this.asHome(row);
    const rank = voters.indexOf(this.world.self);
    if (rank < 0) return;
    // Where not all are linked, whether home is there is only known by dialling it.
    if (!this.world.links.has(home)) this.world.wantLink(home);
    if (this.world.alive(home)) return;
    this.world.timers.setEarlier(`takeover:${row.id}`, this.world.nowMs + TAKEOVER_MS + rank * STAGGER_MS);
  }

  /** `takeover:<task>`: home is silent, and this voter's turn has come. What home itself claimed is left out: it would only be lost. */
  onTakeoverTimer(task: OpId): void {
    const row = this.world.store.get('task', task);
    if (!isPending(row) || this.world.alive(row.created.home)) return;
    const { slot } = taskChain(row);
    if (this.slots.isProposing(task, slot) || this.cancelsBroken(row) || isOptimistic(row)) return;
    const claims = this.validClaims(row).filter(({ claim }) => claim.node !== row.created.home);
    if (claims.length > 0) this.grant(row, claims);
  }

  private asHome(row: PendingTask): void {
    const { slot } = taskChain(row);
    if (this.slots.isProposing(row.id, slot) || this.cancelsBroken(row) || isOptimistic(row)) return;
    const claims = this.validClaims(row);
    if (claims.length === 0) return;
    const awaited = this.awaitedNodes(row, claims);
    if (awaited.length === 0) return this.grant(row, claims);
    const slowestMs = Math.max(...awaited.map((node) => this.world.roundTripMs(node) ?? SETTLE_MAX_MS));
    this.world.timers.setEarlier(`grant:${row.id}`, this.world.nowMs + Math.min(SETTLE_MAX_MS, 2 * slowestMs));
  }

  /** A task whose dependency did not complete never starts. True when it is being cancelled for that. */
  private cancelsBroken(row: PendingTask): boolean {
    if (dependencies(this.world.store, row.created) !== 'broken') return false;
    const { slot, value } = brokenDependency(row);
    if (!this.slots.isProposing(row.id, slot)) this.slots.propose({ task: row.id, slot, value });
    return true;
  }

  /** `grant:<task>`: the settle time is over. */
  onGrantTimer(task: OpId): void {
    const row = this.world.store.get('task', task);
    if (!isPending(row) || this.slots.isProposing(task, taskChain(row).slot)) return;
    const claims = this.validClaims(row);
    if (claims.length > 0) this.grant(row, claims);
  }

  private grant(row: PendingTask, claims: readonly { id: OpId; claim: Claim }[]): void {
    const { settings, store } = this.world;
    const lowest = (settings.preferRated === true ? bestRated(store, claims, ({ claim }) => claim.agent) : claims)[0];
    if (lowest === undefined) return;
    const { slot } = taskChain(row);
    this.world.timers.clear(`grant:${row.id}`);
    const { node, agent } = lowest.claim;
    this.slots.propose({
      task: row.id,
      slot,
      value: { kind: 'granted', attempt: attemptOfSlot(slot), claim: lowest.id, node, agent },
    });
  }

  /** Claims of agents that still fit and are free, on nodes that are not suspect; lowest stamp first. */
  private validClaims(row: PendingTask): { id: OpId; claim: Claim }[] {
    return openClaims(row).filter(({ claim }) => {
      const agent = this.agents.get(claim.agent);
      return (
        agent?.registered?.node === claim.node &&
        fits(agent, row) &&
        this.world.alive(claim.node) &&
        this.board.worksOn(claim.agent) === undefined &&
        !this.isSaidBusy(claim.node, claim.agent)
      );
    });
  }

  /** Nodes with a fitting idle agent that have not claimed yet. */
  private awaitedNodes(row: PendingTask, claims: readonly { claim: Claim }[]): NodeId[] {
    const claimed = new Set(claims.map(({ claim }) => claim.node));
    const awaited = new Set<NodeId>();
    for (const agent of this.agents.values()) {
      const node = agent.registered?.node;
      if (node === undefined || claimed.has(node) || awaited.has(node) || !this.world.alive(node)) continue;
      if (this.board.isFree(agent.id) && this.isSaidIdle(node, agent.id) && fits(agent, row)) awaited.add(node);
    }
    return [...awaited];
  }
}
