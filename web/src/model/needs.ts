/** What waits for a person, most pressing first. Read from the picture alone, so that it goes away by itself when somebody else dealt with it. */
import type { Agent, SwarmNode, Task } from './frame.ts';
import type { Swarm } from './swarm.ts';
import { openApprovals } from './approvals.ts';
import { isEnded } from './swarm.ts';
import { compareTexts } from './tasks.ts';

export type NeedKind = 'alarm' | 'waiting' | 'unreachable' | 'failed' | 'stuck' | 'late';

export type Need = {
  key: string;
  kind: NeedKind;
  /** What it is about. */
  title: string;
  /** What is the matter, and what may be done. */
  text: string;
  link: { kind: 'task' | 'agent'; id: string } | undefined;
};

/** The order in which they are shown. */
const ORDER: readonly NeedKind[] = ['alarm', 'waiting', 'unreachable', 'failed', 'stuck', 'late'];
/** Shown at once; the tasks page filters for the rest. */
const NEEDS_MAX = 50;

type Read = Pick<Swarm, 'node' | 'tasks' | 'agents' | 'nodes' | 'approvals'>;
let last: { read: Read; needs: Need[] } | undefined;

/** The same list as long as nothing changed that it is read from: the title, the page and whoever tells of it ask each for itself. */
export function needsOf({ node, tasks, agents, nodes, approvals }: Read): Need[] {
  const read = { node, tasks, agents, nodes, approvals };
  if (last === undefined || !isSame(last.read, read)) last = { read, needs: found(read) };
  return last.needs;
}

/** Of the node itself, only its check after the start counts. */
const isSame = (a: Read, b: Read): boolean =>
  a.tasks === b.tasks &&
  a.agents === b.agents &&
  a.nodes === b.nodes &&
  a.approvals === b.approvals &&
  a.node?.boot_check === b.node?.boot_check;

function found(swarm: Read): Need[] {
  const replaced = new Set(
    [...swarm.tasks.values()].flatMap(({ supersedes }) => (supersedes === null ? [] : [supersedes])),
  );
  const needs = [
    ...bootNeed(swarm),
    ...cutOffNeed(swarm),
    ...[...swarm.agents.values()].flatMap((agent) => agentNeed(agent, swarm)),
    ...[...swarm.nodes.values()].flatMap((node) => nodeNeed(node, swarm)),
    ...[...swarm.tasks.values()].flatMap((task) => (replaced.has(task.id) ? [] : taskNeeds(task))),
  ];
  return needs.toSorted((a, b) => ORDER.indexOf(a.kind) - ORDER.indexOf(b.kind)).slice(0, NEEDS_MAX);
}

/** What it asks in words that can be answered here stands in the inbox. */
function agentNeed(agent: Agent, swarm: Read): Need[] {
  const { tasks } = swarm;
  if (agent.status !== 'waiting' || openApprovals(swarm).some(({ agent_id: id }) => id === agent.id)) return [];
  const task = agent.current_task_id === null ? undefined : tasks.get(agent.current_task_id);
  const text = task === undefined ? 'asks something' : `asks something while at work on ${task.title}`;
  const link = { kind: 'agent' as const, id: agent.id };
  return [{ key: `waiting ${agent.id}`, kind: 'waiting', title: agent.name, text, link }];
}

/** After its start this node asks the others what it may have forgotten; until they answered, it does less or nothing. */
function bootNeed({ node }: Read): Need[] {
  if (node === undefined || node.boot_check.state === 'passed') return [];
  const { state, answered, needed, waits_for: awaited } = node.boot_check;
  const does = state === 'comparing' ? 'it decides and writes nothing yet' : 'it decides only what depends on it alone';
  const text = `has ${answered} of ${needed} answers after its start: ${does}; waits for ${awaited.join(', ')}`;
  return [{ key: 'boot', kind: 'unreachable', title: `${node.name}, this node`, text, link: undefined }];
}

/** With one other alone nobody can say which of the two is cut off; nodes that were not heard since the start are long gone. */
const CUT_OFF_MIN = 2;

/** This node hears of no other: what it shows of them is old, and what needs a majority waits. */
function cutOffNeed({ node, nodes }: Read): Need[] {
  const others = [...nodes.values()].filter(({ status }) => OTHERS.has(status));
  const wasHeard = others.filter(({ last_heard_at: heard }) => heard !== null);
  if (node === undefined || wasHeard.length < CUT_OFF_MIN || others.some(({ status }) => status !== 'dead')) return [];
  const text = `sees none of ${plural(others.length, 'other node')}: what it shows of them is as old as that, and what they vote on waits`;
  return [{ key: 'cut off', kind: 'unreachable', title: `${node.name}, this node, is cut off`, text, link: undefined }];
}

const OTHERS: ReadonlySet<string> = new Set(['alive', 'suspect', 'dead']);

/** A node that is away is news when something depends on it. */
function nodeNeed(node: SwarmNode, { tasks }: Read): Need[] {
  const title = node.name === '' ? node.id.slice(0, 8) : node.name;
  const forked: Need = {
    key: `forked ${node.id}`,
    kind: 'alarm',
    title,
    text: 'its log was signed twice: take this node out, and join anew with another data directory',
    link: undefined,
  };
  // Whoever left on purpose is missed only with work in its hands.
  const away = node.status === 'dead' || node.status === 'suspect' || node.status === 'left';
  const held = [...tasks.values()].filter((task) => task.assigned_node === node.id && !isEnded(task)).length;
  if (!away || (held === 0 && (node.agents === 0 || node.status === 'left'))) return node.forked ? [forked] : [];
  const what = node.status === 'suspect' ? 'is silent' : node.status === 'left' ? 'has left' : 'cannot be reached';
  const work = held === 0 ? plural(node.agents, 'agent') : `${plural(held, 'task')} under way`;
  const text = `${what}, with ${work}; what it had is given to others after two minutes`;
  const unreachable: Need = { key: `away ${node.id}`, kind: 'unreachable', title, text, link: undefined };
  return node.forked ? [forked, unreachable] : [unreachable];
}

function taskNeeds(task: Task): Need[] {
  const needs: Need[] = [];
  const add = (kind: NeedKind, text: string): void => {
    needs.push({ key: `${kind} ${task.id}`, kind, title: task.title, text, link: { kind: 'task', id: task.id } });
  };
  if (task.conflicts.length > 0) add('alarm', 'was decided in two ways: a bug, please report it');
  if (task.status === 'failed') add('failed', firstLine(task.error) ?? reasonText(task));
  if (task.status === 'pending' && isStuck(task.pending_reason)) add('stuck', task.pending_reason ?? '');
  const late = task.reports.filter((report) => report.late);
  if (late.length > 0)
    add(
      'late',
      `attempt ${late.map(({ attempt }) => attempt).join(', ')} ended after it was given up; its work is kept`,
    );
  return needs;
}

/** Reasons that pass by themselves need nobody. */
const PASSING = /^(waits for|every agent that could take it is busy)/;
const isStuck = (reason: string | null): boolean => reason !== null && !PASSING.test(reason);

const reasonText = (task: Task): string =>
  `failed after ${plural(task.attempt, 'attempt')}${task.reason === null ? '' : `: ${task.reason.replaceAll('_', ' ')}`}`;

/** Work that was delivered: ready to be looked at and merged. */
export const deliveredOf = ({ tasks }: Pick<Swarm, 'tasks'>): Task[] =>
  [...tasks.values()]
    .filter(
      ({ status, work, project }) => status === 'completed' && work !== null && work.commits > 0 && project !== null,
    )
    .toSorted((a, b) => compareTexts(b.updated_at, a.updated_at));

export const plural = (count: number, noun: string, many = `${noun}s`): string =>
  `${count} ${count === 1 ? noun : many}`;

function firstLine(text: string | null): string | undefined {
  const line = text?.split('\n').findLast((one) => one.trim() !== '');
  return line === undefined ? undefined : line.trim();
}
