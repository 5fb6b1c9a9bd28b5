/**
 * Attempts granted to this node. Only the decided node starts, after `started` is on its own disk; after a restart it asks the holder and never
 * starts an attempt twice.
 */
import { z } from 'zod';
import type { OpId } from '../brand.ts';
import { parsedOpId } from '../brand.ts';
import type { Slots } from '../register/slots.ts';
import type { EndReason, EndValue } from '../schema/body.ts';
import { opIdSchema } from '../schema/ids.ts';
import { grantSlotOf, isLate, taskChain } from '../view/chain.ts';
import type { TaskCreated, TaskRow } from '../view/task.ts';
import type { World } from '../world.ts';
import type { Optimist } from './optimist.ts';

const startSchema = z.object({ agent: opIdSchema, slot: z.number().int().min(1) });

export type ActiveAttempt = { task: OpId; attempt: number; agent: OpId };

/** `value`: how the shell saw it end. `over`: it is to be stopped and cleaned, nothing more is expected of it. */
type Active = ActiveAttempt & { value: EndValue | undefined; over: boolean };

/** An end that is not decided in this time is told to all as a report, and the agent is free for other work. */
const REPORT_AFTER_MS = 5_000;

const startKey = (task: OpId, attempt: number): string => `${task}/${attempt}`;

/** `onStart` is told of an agent before it starts: whatever else it claimed is withdrawn. */
export type GranteeOptions = {
  isOwn(agent: OpId): boolean;
  onStart(agent: OpId, task: OpId): void;
  optimist: Optimist;
};

export class Grantee {
  private readonly world: World;
  private readonly slots: Slots;
  private readonly agents: Pick<GranteeOptions, 'isOwn' | 'onStart'>;
  private readonly optimist: Optimist;
  /** Attempts that run here, or whose end is known and whose worktree is not cleaned yet. */
  private readonly active = new Map<string, Active>();

  constructor(world: World, slots: Slots, o: GranteeOptions) {
    this.world = world;
    this.slots = slots;
    this.agents = o;
    this.optimist = o.optimist;
  }

  /** At boot: what had been started goes on or is reported lost by the shell; what ended meanwhile is cleaned. */
  load(): void {
    for (const { key, value } of this.world.store.localRows('start')) {
      const row = startSchema.safeParse(value);
      const [taskText = '', attemptText = ''] = key.split('/');
      const [task, attempt] = [parsedOpId(taskText), Number(attemptText)];
      if (!row.success || this.active.has(key)) continue;
      const { agent, slot } = row.data;
      this.active.set(key, { task, attempt, agent, value: undefined, over: false });
      const held = this.world.store.get('task', task);
      const isOver =
        held !== undefined &&
        (this.isSettled(held, slot + 1, { value: undefined }) || this.optimist.hasLost(held, { task, attempt, agent }));
      if (isOver) this.finish(key, held, slot + 1);
      else this.world.turn.actions.push({ kind: 'resume', task, attempt, slot, agent });
    }
  }

  isBusy(agent: OpId): boolean {
    for (const one of this.active.values()) if (one.agent === agent) return true;
    return false;
  }

  workOf(agent: OpId): ActiveAttempt | undefined {
    for (const one of this.active.values()) if (one.agent === agent) return one;
    return undefined;
  }

  /** Starts what is granted to this node and not started; stops what was decided otherwise. Level-triggered: safe to call again. */
  onTask(row: TaskRow): void {
    for (const [key, one] of this.active) {
      const slot = grantSlotOf(one.attempt) + 1;
      if (one.task !== row.id) continue;
      if (one.value !== undefined && row.ends[slot] !== undefined) this.reportLate(row, slot, one.value);
      const isOver = one.value !== undefined && row.ends[slot] !== undefined;
      const hasLost = one.value === undefined && this.optimist.hasLost(row, one);
      if (isOver || hasLost || this.isSettled(row, slot, one)) this.finish(key, row, slot);
    }
    const { running, slot, attempt } = taskChain(row);
    if (running === undefined || running.value.node !== this.world.self) return;
    const key = startKey(row.id, attempt);
    if (this.active.has(key) || this.slots.isProposing(row.id, slot) || row.reports[slot] !== undefined) return;
    if (row.created === undefined || !this.mayStart(row.created)) return;
    const { agent } = running.value;
    if (!this.agents.isOwn(agent) || this.isBusy(agent)) {
      this.slots.propose({ task: row.id, slot, value: this.optimist.endOf(row, released(attempt), agent) });
      return;
    }
    if (!this.optimist.maySettle(row)) return;
    this.start({ task: row.id, attempt, agent }, slot - 1);
  }

  /** The shell saw the attempt end: this is proposed until the slot is decided, and reported if that takes long or went otherwise. */
  ended(o: { task: OpId; attempt: number; value: EndValue }): void {
    const { world } = this;
    const key = startKey(o.task, o.attempt);
    const slot = grantSlotOf(o.attempt) + 1;
    const held = this.active.get(key);
    const row = world.store.get('task', o.task);
    // Whoever lost was stopped for it: how that ended says nothing of the attempt, which goes on where the lower claim is.
    if (row !== undefined && held !== undefined && this.optimist.hasLost(row, held)) return this.finish(key, row, slot);
    const value = row === undefined || held === undefined ? o.value : this.optimist.endOf(row, o.value, held.agent);
    if (held !== undefined) held.value = value;
    if (row?.ends[slot] === undefined) {
      this.slots.propose({ task: o.task, slot, value });
      world.timers.set(`report:${key}`, world.nowMs + REPORT_AFTER_MS);
    } else this.onTask(row);
  }

  /** `report:<task>/<attempt>`: no majority has decided the end yet. Whoever holds the report proposes it too. */
  onReportTimer(key: string): void {
    const held = this.active.get(key);
    const row = held === undefined ? undefined : this.world.store.get('task', held.task);
    if (held?.value === undefined || row === undefined) return;
    const slot = grantSlotOf(held.attempt) + 1;
    if (row.ends[slot] === undefined && row.reports[slot] === undefined) this.report(row.id, slot, held.value);
  }

  /** The shell has stopped and cleaned the attempt: the agent is free. Returns the agent. */
  gone(task: OpId, attempt: number): OpId | undefined {
    const key = startKey(task, attempt);
    const held = this.active.get(key);
    if (held === undefined) return undefined;
    this.active.delete(key);
    this.world.persist({ table: 'start', key, value: undefined });
    return held.agent;
  }

  private start(one: ActiveAttempt, slot: number): void {
    const { world } = this;
    const key = startKey(one.task, one.attempt);
    this.active.set(key, { ...one, value: undefined, over: false });
    this.agents.onStart(one.agent, one.task);
    world.persist({ table: 'start', key, value: { agent: one.agent, slot } });
    world.state(one.task, { type: 'task.started', slot });
    world.turn.actions.push({ kind: 'start', ...one, slot });
  }

  /**
   * Nothing more is wanted of the attempt: its end is decided or reported. A `lost` one goes on: the voters could not hear this node, its work may
   * still come, and is then shown as late.
   */
  private isSettled(row: TaskRow, slot: number, { value }: Pick<Active, 'value'>): boolean {
    const end = row.ends[slot];
    if (end !== undefined) return end.value.kind !== 'lost';
    const report = row.reports[slot];
    // Of an optimistic task another node may have reported, too, which says nothing of this one's work.
    return report !== undefined && (report.stamp.node === this.world.self || value !== undefined);
  }

  /** The claim of an optimistic task is enough; else this node must be sure that it forgot no start. */
  private mayStart({ claims, voters }: TaskCreated): boolean {
    return claims === 'optimistic' ? this.world.mayAppend() : this.world.canDecide(voters);
  }

  private finish(key: string, row: TaskRow, slot: number): void {
    const held = this.active.get(key);
    if (held === undefined || held.over) return;
    held.over = true;
    const { task, attempt, agent } = held;
    const reason: EndReason = row.ends[slot]?.value.reason ?? 'interrupted';
    this.world.turn.actions.push(
      { kind: 'interrupt', task, attempt, agent, reason },
      { kind: 'clean', task, attempt, agent },
    );
  }

  /** What was decided stands; a result that came too late is told all the same: one that completed, or any where `lost` was decided. */
  private reportLate(row: TaskRow, slot: number, value: EndValue): void {
    const decided = row.ends[slot]?.value;
    if (decided === undefined || value.kind === 'lost' || row.reports[slot] !== undefined) return;
    const isWanted = decided.kind === 'lost' || value.kind === 'completed';
    if (isWanted && isLate(decided, { kind: value.kind, node: this.world.self })) this.report(row.id, slot, value);
  }

  private report(task: OpId, slot: number, value: EndValue): void {
    this.world.state(task, { type: 'task.reported', slot, value });
  }
}

const released = (attempt: number): EndValue => ({
  kind: 'released',
  attempt,
  reason: 'refused',
  result: null,
  error: 'the agent is busy or gone',
  work: null,
  by: null,
});
