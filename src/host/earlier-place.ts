/** The folder of an attempt that is over, made anew as the attempt left it: its conversation goes on there, or is copied from there. */
import type { Refusal } from '#core/refusal.ts';
import type { LiveAgent } from '#core/view/agent.ts';
import type { TaskCreated } from '#core/view/task.ts';
import type { AttemptName } from '#store/transcripts.ts';
import type { PrepareAnswer, Source } from '#workspace/prepare.ts';
import { asRefusal } from '#workspace/refusal.ts';
import type { Workspaces } from '#workspace/workspaces.ts';
import type { AttemptPlan, AttemptTools } from './attempt-plan.ts';
import { isRefusal } from './remote.ts';

type Earlier = { of: AttemptName; created: TaskCreated; agent: Pick<LiveAgent, 'registered'> };

/** `found`: it is there already, and in use. */
export async function laidAgain(
  { of, created, agent }: Earlier,
  workspaces: Pick<Workspaces, 'prepare'>,
): Promise<PrepareAnswer | Refusal> {
  const path = created.projectPath ?? agent.registered.projectPath;
  const other: Source = path === null ? { kind: 'scratch' } : { kind: 'path', path };
  const source: Source = created.project === null ? other : { kind: 'project', id: created.project, base: '' };
  const answer = await workspaces.prepare({ task: of.task, attempt: of.attempt, source, again: true });
  return isRefusal(answer) ? asRefusal(answer) : answer;
}

/**
 * Runs `copy` while the folder is there that the conversation to be copied was in, where its tool copies no other way. Rejects as `copy` does; where the
 * folder cannot be made, with the reason.
 */
export async function whileEarlierIsThere(
  { created: { fork }, agent }: AttemptPlan,
  { driver, store, workspaces, log }: Pick<AttemptTools, 'driver' | 'store' | 'workspaces' | 'log'>,
  copy: () => Promise<void>,
): Promise<void> {
  const created = fork === undefined ? undefined : store.get('task', fork.task)?.created;
  if (fork === undefined || created === undefined || driver.copiesInPlace !== true) return copy();
  const laid = await laidAgain({ of: fork, created, agent }, workspaces);
  if (isRefusal(laid)) throw new Error(`the folder of the conversation that is copied cannot be made: ${laid.message}`);
  try {
    await copy();
  } finally {
    const removed = laid.found ? undefined : await workspaces.salvageAndRemove(laid.prepared);
    if (isRefusal(removed)) log(`${laid.prepared.cwd} is kept: ${removed.message}`);
  }
}
