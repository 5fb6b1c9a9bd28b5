/** What an outside observer saw: the checkers look at this, never into a node's memory. */
import type { NodeId, OpId } from '#core/brand.ts';
import { canonicalJson } from '#core/canonical.ts';
import type { Op } from '#core/op.ts';
import { opId } from '#core/op.ts';
import { acceptSchema, slotKey } from '#core/register/acceptor.ts';
import { isGrant } from '#core/register/admissible.ts';
import { proposerRowSchema } from '#core/register/proposer.ts';
import type { SlotValue } from '#core/schema/body.ts';
import type { Frame } from '#core/schema/frame.ts';
import { FRAME } from '#core/schema/frame.ts';
import { isGrantSlot, opensNextAttempt, taskChain } from '#core/view/chain.ts';
import type { TaskRow } from '#core/view/task.ts';
import type { Views } from '#core/view/views.ts';
import type { Arrival, Write } from '#ports.ts';
import { LeaseWatch } from './lease-watch.ts';
import { SlotCalls } from './slot-calls.ts';

export type Start = { node: NodeId; task: OpId; attempt: number; atMs: number };

/** Somebody asked a door to cancel a task. `life` is the node's: a node that went down since owes no answer. */
export type Ask = { node: NodeId; life: number; task: OpId; outcome: string | undefined };

export class History {
  /** Rules that were broken, in words; empty at the end of a good history. */
  readonly violations: string[] = [];
  readonly acknowledgedOps = new Map<OpId, string>();
  readonly starts: Start[] = [];
  /** Attempts of optimistic tasks that were started more than once: what such a task is allowed. */
  readonly ranTwice = new Set<string>();
  private readonly optimistic = new Set<OpId>();
  readonly asks: Ask[] = [];
  /** What scenarios wait for: `<event> <task>`, and with the attempt `<event> <task> <attempt>`. */
  readonly happened = new Set<string>();
  private readonly decisions = new Map<string, { task: OpId; slot: number; text: string; value: SlotValue }>();
  private readonly calls = new SlotCalls();
  readonly leases = new LeaseWatch((rule) => this.broken(rule));
  /** How each node last showed each task that is over. */
  private readonly terminal = new Map<string, string>();
  private readonly numbers = new Map<string, string>();
  private readonly startedKeys = new Map<string, Start>();
  private readonly dependsOn = new Map<OpId, readonly OpId[]>();
  private readonly completed = new Set<OpId>();
  private readonly newClaims = new Map<NodeId, OpId[]>();
  private readonly knownClaims = new Set<string>();
  /** The claim that a node last wanted granted, by node and slot. */
  private readonly chosen = new Map<string, OpId>();
  private readonly ballots = new Map<string, string>();
  /** The last arrival that each node told of. */
  private readonly told = new Map<NodeId, number>();

  broken(rule: string): void {
    this.violations.push(rule);
  }

  /** Always: an acknowledged op is never lost (checked at the end), its number never reused. */
  acknowledged(ops: readonly Op[]): void {
    for (const op of ops) this.acknowledgedOps.set(opId(op), op.hash);
  }

  /** Always: one value a slot, one op a number. */
  committed(node: NodeId, arrivals: readonly Arrival[]): void {
    for (const { n, op } of arrivals) {
      this.told.set(node, Math.max(n, this.told.get(node) ?? 0));
      const id = opId(op);
      const held = this.numbers.get(id);
      if (held !== undefined && held !== op.hash)
        this.broken(`always/seq-reused: ${id} stands for two ops (seen at ${node})`);
      this.numbers.set(id, op.hash);
      if (this.lowestWins && op.body.type === 'task.claimed')
        this.newClaims.set(node, [...(this.newClaims.get(node) ?? []), id]);
      if (op.body.type === 'task.created') {
        this.dependsOn.set(id, op.body.dependsOn);
        if (op.body.claims === 'optimistic') this.optimistic.add(id);
      }
      if (op.body.type === 'task.claimed') this.happened.add(`claim ${op.header.entity}`);
      if (op.body.type === 'task.reported') this.happened.add(`report ${op.header.entity}`);
      if (op.body.type === 'task.granted' || op.body.type === 'task.ended')
        this.decided(node, { task: op.header.entity, slot: op.body.slot, value: op.body.value });
    }
  }

  /** Always, in a calm swarm whose agents are all idle: home grants to the lowest claim it knows. Off in a storm, where some do not count. */
  lowestWins = false;

  /** A node is about to write, and nothing of it has left: here its wishes for slots begin. `views`: what it knows. */
  writing(node: NodeId, { rows }: Write, views: Views): void {
    for (const { table, key, value } of rows) {
      const row = table === 'proposal' ? proposerRowSchema.safeParse(value).data : undefined;
      if (row?.wanted !== true) continue;
      this.calls.proposed(node, key, row.value);
      if (this.lowestWins && isGrant(row.value)) this.wantsGrant(node, key, { claim: row.value.claim, views });
    }
    // What arrived with the last write was perhaps not there yet when this one was thought of.
    for (const claim of this.newClaims.get(node) ?? []) this.knownClaims.add(`${node} ${claim}`);
    this.newClaims.delete(node);
  }

  /** A claim is chosen once. What is proposed again, while a lower one has come since, is no choice: it may be accepted already. */
  private wantsGrant(node: NodeId, key: string, { claim, views }: { claim: OpId; views: Views }): void {
    const task = views.get('task', key.split('/')[0] ?? '');
    if (task === undefined || this.chosen.get(`${node} ${key}`) === claim) return;
    this.chosen.set(`${node} ${key}`, claim);
    this.granting(node, task, claim);
  }

  /** The order is written out here: a check that compared as the node does would be blind to a node that compares wrongly. */
  private granting(node: NodeId, task: TaskRow, claim: OpId): void {
    const granted = task.claims[claim];
    for (const [id, { slot, stamp }] of Object.entries(task.claims)) {
      if (granted === undefined || slot !== granted.slot || !this.knownClaims.has(`${node} ${id}`)) continue;
      const { lamport } = granted.stamp;
      if (stamp.lamport < lamport || (stamp.lamport === lamport && stamp.node < granted.stamp.node))
        this.broken(`always/lowest-claim-wins: ${task.id} is granted to ${claim}, ${node} knows the lower ${id}`);
    }
  }

  crashed(node: NodeId): void {
    this.calls.crashed(node);
  }

  /** Always: what a node shows of a task that is over never changes. */
  shown(node: NodeId, row: TaskRow): void {
    const { ended, slot } = taskChain(row);
    const key = `${node} ${row.id}`;
    const held = this.terminal.get(key);
    if (ended === undefined && held === undefined) return;
    const text = ended === undefined ? 'open' : `${ended.value.kind} in slot ${slot}`;
    if (held !== undefined && held !== text)
      this.broken(`always/terminal-state-stays: ${row.id} was ${held} at ${node} and is ${text}`);
    this.terminal.set(key, text);
    if (ended !== undefined) this.happened.add(`over ${row.id}`);
  }

  /** Finally: each slot that was decided was open, and the calls on it are those of a register that is decided once. */
  checkSlots(): void {
    for (const { task, slot, value } of this.decisions.values()) {
      const isOptimistic = this.optimistic.has(task);
      const opener = isOptimistic ? slot - 2 : slot - 1;
      if (opener === 0) continue;
      const before = this.decisions.get(slotKey(task, opener))?.value;
      const afterEnd = isGrantSlot(slot) || isOptimistic;
      const opens = before !== undefined && (afterEnd ? !isGrant(before) && opensNextAttempt(before) : isGrant(before));
      if (!opens)
        this.broken(
          `finally/slot-was-open: ${task}/${slot} was decided ${value.kind} after ${before?.kind ?? 'nothing'}`,
        );
    }
    for (const key of this.calls.unexplained())
      this.broken(`finally/linearizable: the calls on slot ${key} are not those of a register`);
  }

  /** Always: what a node told of, to its doors or to others, was on its disk. `lastArrival` is what the disk shows after a crash. */
  restarted(node: NodeId, lastArrival: number): void {
    const told = this.told.get(node) ?? 0;
    if (lastArrival < told)
      this.broken(`always/told-was-durable: ${node} told of arrival ${told}, its disk shows ${lastArrival}`);
  }

  /** A disk went back in time: what its node told of beyond that counts only where another machine holds it. */
  rolledBack(node: NodeId, o: { lastArrival: number; lost: readonly OpId[] }): void {
    this.told.set(node, o.lastArrival);
    for (const id of o.lost) {
      this.acknowledgedOps.delete(id);
      this.numbers.delete(id);
    }
    for (const key of this.terminal.keys()) if (key.startsWith(`${node} `)) this.terminal.delete(key);
  }

  /** Always: an attempt starts once, on the node it was granted to, after all it depends on completed. */
  started(start: Start): void {
    const key = `${start.task}/${start.attempt}`;
    const held = this.startedKeys.get(key);
    const isOptimistic = this.optimistic.has(start.task);
    if (isOptimistic && held !== undefined) this.ranTwice.add(key);
    else if (held !== undefined) this.broken(`always/started-once: ${key} at ${held.node} and at ${start.node}`);
    this.startedKeys.set(key, start);
    this.happen('start', start);
    this.starts.push(start);
    const decided = this.decisions.get(`${start.task}/${start.attempt * 2 - 1}`);
    if (isOptimistic) return this.checkDependencies(start);
    if (decided === undefined)
      this.broken(`always/start-after-grant: ${key} started before anybody committed its grant`);
    else if (decided.value.kind !== 'granted' || decided.value.node !== start.node)
      this.broken(`always/start-by-grantee: ${key} started at ${start.node}`);
    this.checkDependencies(start);
  }

  private checkDependencies(start: Start): void {
    const key = `${start.task}/${start.attempt}`;
    for (const other of this.dependsOn.get(start.task) ?? [])
      if (!this.completed.has(other))
        this.broken(`always/dependencies-completed: ${key} started before ${other} completed`);
  }

  /** How many attempts started more than once. */
  startedTwice(): number {
    const times = new Map<string, number>();
    for (const { task, attempt } of this.starts)
      times.set(`${task}/${attempt}`, (times.get(`${task}/${attempt}`) ?? 0) + 1);
    return [...times.values()].filter((count) => count > 1).length;
  }

  /** Always: what is asked to be accepted at one ballot of a slot is one value, whatever restarts. */
  sent(frame: Frame): void {
    this.leases.sent(frame);
    if (frame.type !== FRAME.call || frame.method !== 'slot.accept') return;
    const { task, slot, ballot, value } = acceptSchema.parse(frame.params);
    const key = `${task}/${slot} at ${ballot.round}.${ballot.node}`;
    const text = canonicalJson(value);
    const held = this.ballots.get(key);
    if (held !== undefined && held !== text) this.broken(`always/one-value-a-ballot: ${key}: ${held} and ${text}`);
    this.ballots.set(key, text);
    this.happened.add(`accept ${task}`);
  }

  private decided(node: NodeId, { task, slot, value }: { task: OpId; slot: number; value: SlotValue }): void {
    const key = slotKey(task, slot);
    this.calls.learned(node, key, value);
    this.leases.granted({ task, slot, value });
    const text = canonicalJson(value);
    const held = this.decisions.get(key);
    if (held !== undefined && held.text !== text)
      this.broken(`always/slot-decided-once: ${key} as ${held.text} and as ${text}`);
    this.decisions.set(key, { task, slot, text, value });
    if (value.kind === 'completed') this.completed.add(task);
    // Here nobody stops an attempt but its node, where it is over already or another's took its place.
    if ('reason' in value && value.reason === 'interrupted')
      this.broken(`always/stopped-ends-nothing: ${key} was decided by an attempt that was stopped`);
    this.happen(isGrant(value) ? 'grant' : 'end', { task, attempt: value.attempt });
  }

  private happen(event: string, { task, attempt }: { task: OpId; attempt: number }): void {
    this.happened.add(`${event} ${task}`);
    this.happened.add(`${event} ${task} ${attempt}`);
  }
}
