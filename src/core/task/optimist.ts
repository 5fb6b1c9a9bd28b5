/**
 * Claims of optimistic tasks: the seed's rule. Whoever sees the task claims it; of all claims that are known the lowest (lamport, node) holds the
 * attempt, whenever it comes; who lost stops and withdraws. Nobody is asked, so work goes on in every partition, and may be done twice. A settle
 * window before the start leaves the claims that are on their way their chance. How an attempt ended is decided by the voters all the same.
 */
import type { OpId } from '../brand.ts';
import { parsedOpId } from '../brand.ts';
import type { EndValue } from '../schema/body.ts';
import { grantSlotOf, isOptimistic, taskChain } from '../view/chain.ts';
import type { TaskRow } from '../view/task.ts';
import type { World } from '../world.ts';
import type { ActiveAttempt } from './grantee.ts';

/** The settle window: claims made before this node's was known elsewhere are here by then, on most days. */
const SETTLE_ROUND_TRIPS = 4;
const SETTLE_MIN_MS = 50;

export class Optimist {
  private readonly world: World;
  /** Claims of this node whose window is over. */
  private readonly settled = new Set<OpId>();
  /** Claims of this node that are being withdrawn. */
  private readonly withdrawn = new Set<OpId>();

  constructor(world: World) {
    this.world = world;
  }

  /** A task has a new row: own claims that are not the lowest are withdrawn. */
  onTask(row: TaskRow): void {
    const { running, attempt } = taskChain(row);
    if (!isOptimistic(row) || running === undefined) return;
    for (const [text, claim] of Object.entries(row.claims)) {
      const id = parsedOpId(text);
      const isOwn = claim.node === this.world.self && claim.slot === grantSlotOf(attempt);
      if (!isOwn || id === running.value.claim || row.withdrawn[id] !== undefined || this.withdrawn.has(id)) continue;
      this.withdrawn.add(id);
      this.settled.delete(id);
      this.world.state(row.id, { type: 'task.claimWithdrawn', claim: id });
    }
  }

  /** True when the attempt that this node holds may start: at once where it was decided, after the settle window where it was only claimed. */
  maySettle(row: TaskRow): boolean {
    const { running } = taskChain(row);
    if (!isOptimistic(row) || running === undefined) return true;
    if (this.settled.has(running.value.claim)) return true;
    const windowMs = Math.max(SETTLE_MIN_MS, SETTLE_ROUND_TRIPS * (this.world.medianRoundTripMs() ?? 0));
    this.world.timers.setEarlier(`settle:${row.id}`, this.world.nowMs + windowMs);
    return false;
  }

  /** `settle:<task>`: the window is over. */
  onTimer(task: OpId): void {
    const row = this.world.store.get('task', task);
    const running = row === undefined ? undefined : taskChain(row).running;
    if (running?.value.node === this.world.self) this.settled.add(running.value.claim);
  }

  /** True when another claim took the place of the one that this attempt started on, before it ended. */
  hasLost(row: TaskRow, one: ActiveAttempt): boolean {
    const { running, attempt, ended } = taskChain(row);
    if (!isOptimistic(row) || ended !== undefined || attempt > one.attempt) return false;
    return running?.value.node !== this.world.self || running.value.agent !== one.agent;
  }

  /** Voters decide no grant of an optimistic task: its end says whose attempt it ends. */
  endOf(row: TaskRow, value: EndValue, agent: OpId): EndValue {
    if (!isOptimistic(row)) return value;
    const node = this.world.self;
    const slot = grantSlotOf(value.attempt);
    const own = Object.entries(row.claims).filter(
      ([, one]) => one.node === node && one.agent === agent && one.slot === slot,
    );
    const [claim] = own.at(-1) ?? [];
    if (claim === undefined) return value;
    return { ...value, grant: { kind: 'granted', attempt: value.attempt, claim: parsedOpId(claim), node, agent } };
  }
}
