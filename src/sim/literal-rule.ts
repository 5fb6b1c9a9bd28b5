/**
 * The rule that skep's decisions stand in for, taken at its word: an agent that sees a task claims it and starts at once; of rival claims the one
 * with the lowest (lamport, node) wins, whenever it comes. The soak counts how often a task is then started twice.
 */
import type { Clock, CoreOptions } from '#core/node.ts';
import { NodeCore } from '#core/node.ts';
import type { Turn } from '#core/turn.ts';
import { attemptOfSlot } from '#core/view/chain.ts';
import { openClaims } from '#core/view/task.ts';

export class LiteralRule extends NodeCore {
  private readonly options: CoreOptions;
  private readonly started = new Set<string>();

  constructor(options: CoreOptions) {
    super(options);
    this.options = options;
  }

  /** Its own claim is on disk, and the lowest it has seen: work starts. Nothing starts a second time at the same node. */
  override settle(turn: Turn, clock: Clock): void {
    super.settle(turn, clock);
    turn.actions = turn.actions.filter((action) => action.kind !== 'start' || !this.hasStarted(action));
    for (const { header, body } of turn.ops) {
      if (header.node !== this.options.self || body.type !== 'task.claimed') continue;
      const row = this.options.store.get('task', header.entity);
      const lowest = row === undefined ? undefined : openClaims(row)[0];
      if (lowest?.claim.node !== header.node) continue;
      const action = { task: header.entity, attempt: attemptOfSlot(body.slot), slot: body.slot, agent: body.agent };
      if (!this.hasStarted(action)) turn.actions.push({ kind: 'start', ...action });
    }
  }

  private hasStarted({ task, attempt }: { task: string; attempt: number }): boolean {
    const key = `${task}/${attempt}`;
    const before = this.started.has(key);
    this.started.add(key);
    return before;
  }
}
