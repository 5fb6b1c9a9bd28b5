/** Short words for what happens to tasks on a table of machines. */
import type { OpId } from '#core/brand.ts';
import { userPrincipal } from '#core/brand.ts';
import type { EndValue } from '#core/schema/body.ts';
import { openClaims } from '#core/view/task.ts';
import type { Machine } from '../machine.ts';
import { ended } from '../register/values.ts';

/** Ops of one type about a task, as they stand at a machine. */
export function opsAbout(machine: Machine, task: OpId, type: string): { node: string; agent?: string }[] {
  return machine.store
    .opsAbout(task, 1_000)
    .flatMap(({ header, body }) =>
      body.type === type
        ? [{ node: header.node, ...('agent' in body && body.agent !== null ? { agent: body.agent } : {}) }]
        : [],
    );
}

/** Agents whose claims on the open slot stand. */
export const claimants = (machine: Machine, task: OpId): OpId[] =>
  openClaims(machine.row(task)).map(({ claim }) => claim.agent);

/** The shell of `machine` sees the attempt end. */
export async function finish(
  machine: Machine,
  task: OpId,
  o: { kind?: EndValue['kind']; attempt?: number; result?: string } = {},
): Promise<void> {
  const { kind = 'completed', attempt = 1, result = null } = o;
  machine.core.attemptEnded({ task, attempt, value: { ...ended(kind, attempt), result } }, machine.clock());
  await machine.run();
}

/** The shell of `machine` has stopped and cleaned every attempt it was told to. */
export async function cleanUp(machine: Machine): Promise<void> {
  const cleans = machine.actions.filter((action) => action.kind === 'clean');
  for (const action of cleans) {
    machine.actions.splice(machine.actions.indexOf(action), 1);
    machine.core.attemptGone(action, machine.clock());
  }
  await machine.run();
}

/** Cancels at the door of `machine`; `outcome` is set once the door is answered. */
export function cancel(machine: Machine, task: OpId): { outcome: string | undefined } {
  const answer: { outcome: string | undefined } = { outcome: undefined };
  const by = userPrincipal('test');
  machine.core.cancelTask({ task, by, done: (outcome) => (answer.outcome = outcome) }, machine.clock());
  return answer;
}

export const kinds = (machine: Machine, task: OpId): string[] =>
  machine.actions.flatMap((action) => ('task' in action && action.task === task ? [action.kind] : []));
