/**
 * Claims for this node's own agents. One claim a node and task, by its first idle agent that fits (the best rated one where that is preferred);
 * one open claim an agent. A claim that is not decided in 30 s is withdrawn, so that no agent starves behind a task that cannot be decided.
 */
import type { NodeId, OpId } from '../brand.ts';
import { bestRated } from '../market/preference.ts';
import { majorityOf } from '../register/ballot.ts';
import type { LiveAgent } from '../view/agent.ts';
import { isLive } from '../view/agent.ts';
import { taskChain } from '../view/chain.ts';
import type { TaskCreated, TaskRow } from '../view/task.ts';
import { openClaims } from '../view/task.ts';
import type { World } from '../world.ts';
import type { AdmissionOptions, Hold } from './admission.ts';
import { Admission } from './admission.ts';
import type { Board } from './board.ts';
import type { PendingTask } from './fit.ts';
import { dependencies, fits } from './fit.ts';
import type { Look } from './search.ts';
import { Search } from './search.ts';

const WITHDRAW_AFTER_MS = 30_000;
/** A task whose claim was withdrawn is left alone so long, so that the agent gets to the others; a new link ends it at once. */
const AVOID_MS = 60_000;
/** A task that could not be set up here is left to others so long for each attempt so far: what is missing may come, and attempts are few. */
const SETUP_RETRY_MS = 5_000;
/** What an agent needs of its machine may be free again without a word of anybody: looked at anew so long after, while work waits for it. */
const LACK_RETRY_MS = 15_000;
/** Agents of one node. */
const OWN_AGENTS_MAX = 1_000;

type ClaimerOptions = Pick<AdmissionOptions, 'board' | 'workOf'> & {
  /** An agent takes no work now, whatever the log says: its tool is not ready. */
  isHeld: (agent: OpId) => boolean;
};

export class Claimer {
  private readonly world: World;
  private readonly board: Board;
  private readonly isHeld: (agent: OpId) => boolean;
  private readonly agents = new Map<OpId, LiveAgent>();
  private readonly admission: Admission;
  /** Idle agents that leave work to others that fits them. */
  private readonly held = new Map<OpId, Hold>();
  private readonly search: Search;

  constructor(world: World, o: ClaimerOptions) {
    this.world = world;
    this.board = o.board;
    this.isHeld = (agent) => o.isHeld(agent) || o.workOf(agent) !== undefined;
    this.search = new Search(world, {
      isClaimable: (row) => this.isClaimable(row),
      hasTimeFor: (agent, row) => this.hasTimeFor(agent, row),
    });
    this.admission = new Admission(world, { ...o, own: this.agents });
  }

  load(): void {
    const where = { live: 1, node: this.world.self };
    for (const row of this.world.store.list('agent', { where, limit: OWN_AGENTS_MAX })) {
      if (isLive(row)) this.agents.set(row.id, row);
    }
    // A claim made before the restart lapses like any other.
    for (const agent of this.agents.keys()) if (this.board.claims(agent) !== undefined) this.setWithdraw(agent);
    this.seekEach();
  }

  heldBack(agent: OpId): Hold | undefined {
    return this.held.get(agent);
  }

  /** These agents may have become free: whoever was held back by what they took may take something now, too. */
  onFree(agents: readonly OpId[]): void {
    if (agents.length > 0 && this.held.size > 0) this.seekAll({ afresh: false });
    else for (const agent of agents) this.seekWork(agent);
  }

  own(): ReadonlyMap<OpId, LiveAgent> {
    return this.agents;
  }

  /** An agent of this node was registered or withdrawn. */
  onAgent(id: OpId): void {
    const row = this.world.store.get('agent', id);
    if (!isLive(row) || row.registered.node !== this.world.self) {
      this.agents.delete(id);
      this.held.delete(id);
      return;
    }
    this.agents.set(id, row);
    this.seekWork(id);
  }

  /** A task waits: the first of this node's idle agents that fits claims it, or the best rated one where that is preferred. */
  onPending(row: PendingTask): void {
    if (!this.isClaimable(row)) return;
    const own = [...this.agents.values()];
    const { settings, store } = this.world;
    for (const agent of settings.preferRated === true ? bestRated(store, own, ({ id }) => id) : own) {
      if (!this.isIdle(agent.id) || !fits(agent, row)) continue;
      if (!this.hasTimeFor(agent, row) || !this.isAdmitted(agent)) continue;
      this.claim(agent.id, row);
      return;
    }
  }

  /** These tasks have new rows, and nothing has followed from them yet. */
  onRows(tasks: Iterable<OpId>): void {
    this.search.onRows(tasks);
  }

  /** Ops were taken out of the log: what is known of its tasks may be wrong. */
  onTruncated(): void {
    this.search.forget();
  }

  /** An agent has nothing to do: the pending task of highest priority, then lowest stamp, that fits it. */
  seekWork(id: OpId, look: Look = this.search.look()): void {
    const agent = this.agents.get(id);
    this.held.delete(id);
    if (agent === undefined || !this.isIdle(id)) return;
    const row = look.firstFor(agent);
    if (row !== undefined && this.isAdmitted(agent)) this.claim(id, row);
  }

  private seekEach(): void {
    const look = this.search.look();
    for (const agent of this.agents.keys()) this.seekWork(agent, look);
  }

  /** `withdraw:<agent>`: its claim stood undecided for too long. */
  onWithdrawTimer(agent: OpId): void {
    const task = this.board.claims(agent);
    const row = task === undefined ? undefined : this.world.store.get('task', task);
    if (row === undefined) return;
    const mine = openClaims(row).find(({ claim }) => claim.agent === agent && claim.node === this.world.self);
    if (mine === undefined) {
      if (this.inFlight.has(row.id)) this.setWithdraw(agent);
      return;
    }
    this.leave(row.id, AVOID_MS);
    this.passOver(row.created?.home);
    this.world.state(row.id, { type: 'task.claimWithdrawn', claim: mine.id });
  }

  /**
   * An agent starts a task. 1. Home could not reach a majority. 2. Its agent's claim was withdrawn, and the agent claimed another task. 3. The first
   * grant was decided after all. The other claim would win an attempt that nobody works.
   */
  onStart(agent: OpId, started: OpId): void {
    const task = this.board.claims(agent);
    const row = task === undefined || task === started ? undefined : this.world.store.get('task', task);
    if (row === undefined) return;
    const committed = openClaims(row).find(({ claim }) => claim.agent === agent && claim.node === this.world.self)?.id;
    const claim = committed ?? this.inFlight.get(row.id)?.claim;
    if (claim !== undefined) this.world.state(row.id, { type: 'task.claimWithdrawn', claim });
  }

  /** The node said that it lives, or a neighbour did. */
  onHeard(nodes: Iterable<NodeId>): void {
    let spoke = false;
    for (const node of nodes) {
      this.heardMs.set(node, this.world.nowMs);
      if (this.silent.delete(node)) spoke = true;
    }
    if (spoke) this.seekAll({ afresh: true });
  }

  /** Its link is gone, and so is the reason to pass it over: now other voters grant in its place. */
  onLinkDown(node: NodeId): void {
    this.heardMs.delete(node);
    if (this.silent.delete(node)) this.seekAll({ afresh: true });
  }

  /** An attempt of this node ended before its agent began: the project, the directory or a set-up command failed. */
  onSetupFailed({ task, attempt }: { task: OpId; attempt: number }): void {
    this.leave(task, attempt * SETUP_RETRY_MS);
  }

  /** A link, a project or a tool came: what could not be claimed may be claimable now. */
  seekAll(o: { afresh: boolean }): void {
    if (o.afresh) {
      this.avoid.clear();
      this.silent.clear();
    }
    for (const [task, untilMs] of this.avoid) {
      if (untilMs <= this.world.nowMs) this.avoid.delete(task);
      else this.world.timers.setEarlier('seek', untilMs);
    }
    this.seekEach();
  }

  private readonly avoid = new Map<OpId, number>();

  /**
   * Homes that are linked and do not answer, and until when they are passed over. 1. A machine sleeps, or is stopped; its link stands for a minute
   * yet. 2. Every idle agent has a claim on one of its tasks. 3. The claims lapse, and each agent claims the next of its tasks: the whole swarm
   * would stand still, one lapse after the other.
   */
  private readonly silent = new Map<NodeId, number>();
  private readonly heardMs = new Map<NodeId, number>();

  /** Own claims that are not on disk yet, by task: the committed rows do not show them, and yet their agents are taken. */
  private readonly inFlight = new Map<OpId, { agent: OpId; claim: OpId }>();

  /** A task has a new row, and the board has taken it in. */
  onCommitted(row: TaskRow): void {
    const mine = this.inFlight.get(row.id);
    if (mine === undefined) return;
    if (row.claims[mine.claim] === undefined) this.board.addClaim(mine.agent, row.id);
    else this.inFlight.delete(row.id);
  }

  private leave(task: OpId, forMs: number): void {
    this.avoid.set(task, this.world.nowMs + forMs);
    this.world.timers.setEarlier('seek', this.world.nowMs + forMs);
  }

  private passOver(home: NodeId | undefined): void {
    if (home === undefined || home === this.world.self) return;
    const heardMs = this.heardMs.get(home) ?? Number.NEGATIVE_INFINITY;
    if (heardMs <= this.world.nowMs - WITHDRAW_AFTER_MS) this.silent.set(home, this.world.nowMs + AVOID_MS);
  }

  /** Asked only where there is something to claim. */
  private isAdmitted(agent: LiveAgent): boolean {
    const hold = this.admission.holdOf(agent);
    if (hold === undefined) this.held.delete(agent.id);
    else this.held.set(agent.id, hold);
    if (hold?.why === 'memory' || hold?.why === 'walltime')
      this.world.timers.setEarlier('seek', this.world.nowMs + LACK_RETRY_MS);
    return hold === undefined;
  }

  /** It says so where it has not: a shorter task may come, or one without a limit. */
  private hasTimeFor(agent: LiveAgent, row: PendingTask): boolean {
    const lack = this.world.settings.lacksTimeFor?.(agent, row.created);
    if (lack !== undefined) this.held.set(agent.id, lack);
    return lack === undefined;
  }

  private isIdle(agent: OpId): boolean {
    return this.board.isFree(agent) && !this.isHeld(agent);
  }

  private isClaimable(row: PendingTask): boolean {
    const { created } = row;
    const { settings, self } = this.world;
    if (this.inFlight.has(row.id) || !this.canCount(created)) return false;
    if (openClaims(row).some(({ claim }) => claim.node === self)) return false;
    if ((this.avoid.get(row.id) ?? 0) > this.world.nowMs) return false;
    if (created.claims === 'decided' && (this.silent.get(created.home) ?? 0) > this.world.nowMs) return false;
    if (created.project !== null && !settings.hasProject(created.project, (node) => this.world.alive(node)))
      return false;
    if (created.project === null && created.projectPath !== null && !settings.hasPath(created.projectPath))
      return false;
    return dependencies(this.world.store, created) === 'met';
  }

  /** A claim that nobody decides on counts by itself. Else, without a majority of the voters, it could only wait and hold the agent back. */
  private canCount({ claims, voters }: TaskCreated): boolean {
    if (claims === 'optimistic') return this.world.mayAppend();
    const alive = voters.filter((voter) => this.world.alive(voter)).length;
    return this.world.canDecide(voters) && alive >= majorityOf(voters);
  }

  private claim(agent: OpId, row: PendingTask): void {
    const { slot } = taskChain(row);
    const claim = this.world.state(row.id, { type: 'task.claimed', slot, agent });
    if (claim === undefined) return;
    this.inFlight.set(row.id, { agent, claim });
    this.board.addClaim(agent, row.id);
    this.setWithdraw(agent);
  }

  private setWithdraw(agent: OpId): void {
    this.world.timers.set(`withdraw:${agent}`, this.world.nowMs + WITHDRAW_AFTER_MS);
  }
}
