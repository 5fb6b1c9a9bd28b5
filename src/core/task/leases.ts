/**
 * Leases: a grantee's heartbeat renews the lease of every attempt it lists. The end of a lease frees nothing and kills nothing; it only allows a
 * voter, by rank, to propose that the attempt is lost. Mere suspicion never does.
 */
import type { NodeId, OpId } from '../brand.ts';
import { parsedOpId } from '../brand.ts';
import { HEARTBEAT_MS } from '../presence.ts';
import type { Slots } from '../register/slots.ts';
import type { EndValue } from '../schema/body.ts';
import type { Heartbeat } from '../schema/frame.ts';
import { isOptimistic, taskChain } from '../view/chain.ts';
import type { TaskRow } from '../view/task.ts';
import type { World } from '../world.ts';

/** Between the proposals of two voters: the first one is usually done by then. */
const STAGGER_MS = 2_000;
/** A voter tries so long to have an attempt called lost, then it looks again whether the grantee is heard. */
const TRY_MS = 10_000;
/** A node that was not run for so long heard nobody: what it did not hear then says nothing. */
const PAUSE_MS = 2.5 * HEARTBEAT_MS;

type Watched = { attempt: number; node: NodeId; heardMs: number };

export class Leases {
  private readonly world: World;
  private readonly slots: Slots;
  /** Running attempts that this node votes on, by task, with their grantee and when it was heard of. */
  private readonly watched = new Map<OpId, Watched>();
  /** No lease counts from before this: the node's own start, or the end of a pause. */
  private sinceMs = 0;
  private lastMs: number | undefined;

  constructor(world: World, slots: Slots) {
    this.world = world;
    this.slots = slots;
  }

  /** Every input says what time it is: a gap means that this node was paused, and its leases begin anew. */
  at(nowMs: number): void {
    if (this.lastMs === undefined || nowMs - this.lastMs > PAUSE_MS) this.sinceMs = nowMs;
    this.lastMs = nowMs;
  }

  /** Of a node that is not linked with this one, a neighbour that is linked with it tells that it is there. */
  onHeartbeat(frame: Heartbeat): void {
    const { nowMs, links } = this.world;
    for (const { current_task_id: task, attempt } of frame.agents) {
      const held = task === null ? undefined : this.watched.get(task);
      if (held !== undefined && held.attempt === attempt) held.heardMs = nowMs;
    }
    for (const held of this.watched.values())
      if (!links.has(held.node) && frame.links.includes(held.node)) held.heardMs = nowMs;
  }

  /** A voter that heard the grantee within the lease promises nothing to who wants it lost. */
  isHeld(row: TaskRow): boolean {
    const { running, attempt } = taskChain(row);
    if (running === undefined) return false;
    return running.value.node === this.world.self || this.untilMs(row.id, attempt) > this.world.nowMs;
  }

  /** Watches every running attempt that this node votes on. */
  onTask(row: TaskRow): void {
    const { id } = row;
    const { running, attempt } = taskChain(row);
    const rank = row.created?.voters.indexOf(this.world.self) ?? -1;
    if (running === undefined || rank < 0 || running.value.node === this.world.self) {
      this.world.timers.clear(`lease:${id}`);
      this.watched.delete(id);
      return;
    }
    const { node } = running.value;
    const held = this.watched.get(id);
    if (held?.attempt !== attempt || held.node !== node)
      this.watched.set(id, { attempt, node, heardMs: this.world.nowMs });
    this.world.timers.set(`lease:${id}`, this.untilMs(id, attempt) + rank * STAGGER_MS);
  }

  /** `lease:<task>`. */
  onTimer(task: string): void {
    const row = this.world.store.get('task', parsedOpId(task));
    const chain = row === undefined ? undefined : taskChain(row);
    if (row === undefined || chain?.running === undefined) return;
    if (this.isHeld(row)) return this.onTask(row);
    const grant = isOptimistic(row) ? { grant: chain.running.value } : {};
    const value = row.reports[chain.slot]?.value ?? { ...lost(chain.attempt, chain.running.value.node), ...grant };
    this.slots.propose({
      task: row.id,
      slot: chain.slot,
      value,
      untilMs: this.world.nowMs + TRY_MS,
      done: (outcome) => {
        if (outcome.kind === 'unreachable') this.onTimer(task);
      },
    });
  }

  private untilMs(task: OpId, attempt: number): number {
    const held = this.watched.get(task);
    const heardMs = held?.attempt === attempt ? held.heardMs : this.world.nowMs;
    return Math.max(heardMs, this.sinceMs) + this.world.settings.leaseMs;
  }
}

const lost = (attempt: number, node: NodeId): EndValue => ({
  kind: 'lost',
  attempt,
  reason: 'lost',
  result: null,
  error: `node ${node.slice(0, 8)} was not heard of within the lease`,
  work: null,
  by: null,
});
