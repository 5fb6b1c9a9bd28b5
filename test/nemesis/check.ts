/** The promises, judged at the end over all that was observed. Each is named by when it holds, as in the simulator. */
import type { History } from './history.ts';
import type { Mark, Task } from './tasks.ts';
import { isOver } from './tasks.ts';

/** One line of a task's timeline, as a node shows it. */
export type Step = { type: string; attempt: number | null; agent_id: string | null; summary: string };

/** What one node shows when all is quiet again. */
export type Finale = {
  node: string;
  tasks: ReadonlyMap<string, Task>;
  timelines: ReadonlyMap<string, readonly Step[]>;
  /** Names of agents by id. */
  agents: ReadonlyMap<string, string>;
};

export type Merged = {
  project: string;
  /** Files on the branch: each work wrote one that bears its task and attempt. */
  files: readonly string[];
};

export type Evidence = {
  history: History;
  finales: readonly Finale[];
  marks: readonly Mark[];
  merged: readonly Merged[];
};

export function checkAll(evidence: Evidence): void {
  checkStarts(evidence);
  checkAgents(evidence);
  for (const finale of evidence.finales) {
    checkTimelines(finale, evidence.history);
    checkTasks(finale, evidence.history);
  }
  checkSameGrants(evidence);
  checkWork(evidence);
  checkDependents(evidence);
  checkMerges(evidence);
}

const attemptKey = (task: string, attempt: number): string => `${task}.${attempt}`;

/** The agent to whom each attempt was given, by name, as any node tells it. */
function grantsOf({ finales }: Pick<Evidence, 'finales'>): Map<string, Set<string>> {
  const grants = new Map<string, Set<string>>();
  for (const { timelines, agents } of finales) {
    for (const [task, steps] of timelines) {
      for (const { type, attempt, agent_id: agent } of steps) {
        if (type !== 'task.granted' || attempt === null || agent === null) continue;
        const key = attemptKey(task, attempt);
        const held = grants.get(key) ?? new Set();
        grants.set(key, held.add(agents.get(agent) ?? agent));
      }
    }
  }
  return grants;
}

/** An attempt starts once, and where it was given. */
function checkStarts(evidence: Evidence): void {
  const { history, marks } = evidence;
  const grants = grantsOf(evidence);
  const started = new Map<string, Mark>();
  for (const mark of marks.filter(({ what }) => what === 'start')) {
    const key = attemptKey(mark.task, mark.attempt);
    const before = started.get(key);
    if (before !== undefined)
      history.broken(`always/started-once: attempt ${key} started by ${before.agent} and by ${mark.agent}`);
    started.set(key, mark);
    if (grants.get(key)?.has(mark.agent) !== true)
      history.broken(`always/started-by-grantee: attempt ${key} started by ${mark.agent} without a grant`);
  }
}

/** An agent works one attempt at a time: none starts between the start and the end of another. What was killed has no end, and says nothing. */
function checkAgents({ history, marks }: Evidence): void {
  const open = new Map<string, Mark>();
  const ends = new Map<string, number>();
  for (const mark of marks) if (mark.what === 'end') ends.set(attemptKey(mark.task, mark.attempt), mark.upSeconds);
  for (const mark of marks.filter(({ what }) => what === 'start')) {
    const before = open.get(mark.agent);
    const ended = before === undefined ? undefined : ends.get(attemptKey(before.task, before.attempt));
    if (before !== undefined && ended !== undefined && ended > mark.upSeconds)
      history.broken(
        `always/one-attempt-an-agent: ${mark.agent} began ${attemptKey(mark.task, mark.attempt)} within ${attemptKey(before.task, before.attempt)}`,
      );
    open.set(mark.agent, mark);
  }
}

/** One grant and one end an attempt, in each node's own log. Who repeats a decision says the same. */
function checkTimelines({ node, timelines }: Finale, history: History): void {
  for (const [task, steps] of timelines) {
    const said = new Map<string, string>();
    for (const { type, attempt, summary } of steps) {
      if (type !== 'task.granted' && type !== 'task.ended') continue;
      const key = `${type} ${attempt}`;
      const before = said.get(key);
      // An attempt's number stands in the end of its slot, and in a cancellation of the slot behind it.
      const cancelled = summary.startsWith('cancelled') !== before?.startsWith('cancelled');
      if (before !== undefined && before !== summary && !cancelled)
        history.broken(`always/one-decision: ${task}, ${key}: "${before}" and "${summary}" at ${node}`);
      said.set(key, summary);
    }
  }
}

function checkSameGrants(evidence: Evidence): void {
  for (const [attempt, agents] of grantsOf(evidence)) {
    if (agents.size > 1)
      evidence.history.broken(`always/one-grant: attempt ${attempt} was given to ${[...agents].join(' and to ')}`);
  }
}

/** What was answered with yes is there, and is over. */
function checkTasks({ node, tasks }: Finale, history: History): void {
  for (const { id, title } of history.acknowledged.values()) {
    if (tasks.get(id)?.title !== title) history.broken(`finally/nothing-lost: ${node} does not know ${id} (${title})`);
  }
  for (const task of tasks.values()) {
    if (isOver(task)) continue;
    const why = task.pending_reason ?? `attempt ${task.attempt} at ${task.assigned_node}`;
    history.broken(`eventually/ended: ${task.id} (${task.title}) is ${task.status} at ${node}: ${why}`);
  }
  for (const id of history.cancelled) {
    const status = tasks.get(id)?.status;
    if (status !== 'cancelled')
      history.broken(`always/cancelled-stays: ${id} was cancelled and is ${status} at ${node}`);
  }
}

/** The attempt that completed a task has run to its end. */
function checkWork({ history, finales, marks }: Evidence): void {
  const ran = new Set(marks.filter(({ what }) => what === 'end').map((mark) => attemptKey(mark.task, mark.attempt)));
  for (const task of finales[0]?.tasks.values() ?? []) {
    if (task.status === 'completed' && !ran.has(attemptKey(task.id, task.attempt)))
      history.broken(`always/completed-has-run: attempt ${task.attempt} of ${task.id} completed and has not run`);
  }
}

/** A dependent starts only after all it depends on has completed. All hosts share one kernel, and so one clock that never jumps. */
function checkDependents({ history, finales, marks }: Evidence): void {
  const tasks = finales[0]?.tasks ?? new Map<string, Task>();
  const endedAt = new Map<string, number>();
  for (const mark of marks) if (mark.what === 'end') endedAt.set(attemptKey(mark.task, mark.attempt), mark.upSeconds);
  for (const mark of marks.filter(({ what }) => what === 'start')) {
    for (const id of history.acknowledged.get(mark.task)?.dependsOn ?? []) {
      // Where another task took its place, that one's end counts as well.
      if ([...history.acknowledged.values()].some((one) => one.fence === id && one.id !== id)) continue;
      const before = tasks.get(id);
      const ended = before?.status === 'completed' ? endedAt.get(attemptKey(id, before.attempt)) : undefined;
      if (ended !== undefined && ended <= mark.upSeconds) continue;
      history.broken(`always/dependents-wait: ${mark.task} started before ${id} had completed (${before?.status})`);
    }
  }
}

/** Of the tasks that take one another's place at most one is merged; what was answered as merged is on the branch. */
function checkMerges({ history, merged }: Evidence): void {
  const workOf = (task: string): string[] =>
    merged.flatMap(({ files }) => files.filter((file) => file.startsWith(`work-${task}-`)));
  const byFence = new Map<string, string[]>();
  for (const { id, fence } of history.acknowledged.values())
    byFence.set(fence, [...(byFence.get(fence) ?? []), ...workOf(id)]);
  for (const [fence, files] of byFence) {
    if (files.length > 1) history.broken(`always/one-merged: ${files.join(' and ')} of ${fence} are merged`);
  }
  for (const { task, state } of history.merges) {
    if (state === 'merged' && workOf(task).length === 0)
      history.broken(`finally/merged-is-there: ${task} was answered as merged and is not on the branch`);
  }
}
