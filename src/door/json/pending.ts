/** Why a task waits, in words a person can act on. A guess from what this node sees; decides nothing. */
import type { NodeId } from '#core/brand.ts';
import { majorityOf } from '#core/register/ballot.ts';
import { fits, needsAllow, needsBox, SHELL } from '#core/task/fit.ts';
import type { LiveAgent } from '#core/view/agent.ts';
import { isBoxed, isPaused } from '#core/view/agent.ts';
import { taskChain } from '#core/view/chain.ts';
import { isLiveProject } from '#core/view/project.ts';
import type { TaskCreated } from '#core/view/task.ts';
import type { Door } from '../door.ts';
import { agentStanding } from './standing.ts';
import type { KnownTask } from './task.ts';
import { shortId } from './text.ts';

/** Agents named in one reason. */
const NAMES_MAX = 5;

/** The first thing that stands in the task's way, or null when nothing does: then an agent takes it in a moment. */
export function pendingReason(task: KnownTask, door: Door): string | null {
  return (
    dependencyReason(task, door) ??
    bootReason(task, door) ??
    votersReason(task, door) ??
    projectReason(task, door) ??
    allowReason(task) ??
    agentReasonHeld(task, door)
  );
}

function dependencyReason(task: KnownTask, door: Door): string | undefined {
  for (const id of task.created.dependsOn) {
    const row = door.node.store.get('task', id);
    const status = row === undefined ? 'unknown' : taskChain(row).status;
    if (status === 'completed') continue;
    const title = row?.created === undefined ? '' : ` (${row.created.title})`;
    if (status === 'failed' || status === 'cancelled')
      return `${shortId(id)}${title}, which it depends on, is ${status}`;
    return `waits for ${shortId(id)}${title}`;
  }
  return undefined;
}

const allowReason = (task: KnownTask): string | undefined =>
  needsAllow(task) ? 'needs_allow: an agent made it, and an operator has to allow it' : undefined;

/** This node has just started, and asks its peers what they know of it: until they answered it takes no part. */
function bootReason(task: KnownTask, door: Door): string | undefined {
  const { state, awaited } = door.node.standing();
  const { voters, claims } = task.created;
  if (claims === 'optimistic' && state !== 'comparing') return undefined;
  if (state === 'passed' || (state === 'alone' && voters.length === 1) || !voters.includes(door.node.info.self))
    return undefined;
  return `this node was started anew and waits for ${awaited.map((node) => door.roster.nodeName(node)).join(', ')}`;
}

/** States from which no node comes back to vote. */
const GONE: ReadonlySet<string> = new Set(['replaced', 'revoked', 'retired']);

/** Without a majority of its voters nobody can give the task out, or cancel it. A replaced node votes no more, and the one in its place never did. */
function votersReason(task: KnownTask, door: Door): string | undefined {
  const { voters, claims } = task.created;
  // Whoever sees it may begin.
  if (claims === 'optimistic') return undefined;
  const states = new Map(voters.map((voter) => [voter, door.roster.nodeState(voter)]));
  const away = voters.filter((voter) => states.get(voter) !== 'self' && states.get(voter) !== 'alive');
  const isOut = (voter: NodeId): boolean => GONE.has(states.get(voter) ?? '');
  const needed = majorityOf(voters);
  if (voters.length - away.length >= needed) return undefined;
  const isForGood = voters.length - away.filter(isOut).length < needed;
  const todo = isForGood ? '; create a task that supersedes it' : '';
  const names = away.map((voter) => `${door.roster.nodeName(voter)}${isOut(voter) ? ` (${states.get(voter)})` : ''}`);
  if (voters.length > 1) return `${away.length} of its ${voters.length} voters are away: ${names.join(', ')}${todo}`;
  const [home = task.created.home] = voters;
  return `depends on ${door.roster.nodeName(home)}, which ${isOut(home) ? `was ${states.get(home)}` : 'is away'}${todo}`;
}

/** A folder is fetched from the node that registered it, before each attempt. */
function projectReason(task: KnownTask, door: Door): string | undefined {
  const { project } = task.created;
  const row = project === null ? undefined : door.node.store.get('project', project);
  if (row === undefined) return undefined;
  if (!isLiveProject(row)) return 'its project was removed: cancel it, or register the project and create it again';
  const { origin, node, name } = row.registered;
  if (!/^(\/|file:)/i.test(origin)) return undefined;
  const state = door.roster.nodeState(node);
  if (state === 'self' || state === 'alive') return undefined;
  return `its project ${name} lies on ${door.roster.nodeName(node)}, which is away`;
}

/** Looks at all that of a task which {@link agentReason} does. */
function agentReasonHeld(task: KnownTask, door: Door): string | null {
  const { requiredCapabilities, project, projectPath, fork } = task.created;
  const question = JSON.stringify([requiredCapabilities, project !== null, projectPath, fork?.agent]);
  return door.roster.answer(question, () => agentReason(task, door));
}

function agentReason(task: KnownTask, door: Door): string | null {
  const agents = door.roster.agents();
  if (agents.length === 0) return 'no agent is registered';
  const able = agents.filter((agent) => fits(agent, task));
  if (able.length === 0) {
    const paused = agents.filter((agent) => isPaused(agent) && fits({ ...agent, pause: undefined }, task));
    if (paused.length > 0) return `every agent that could take it is paused: ${namesOf(paused)}`;
    if (needsBox(task) && !agents.some(isBoxed)) return 'needs_box: it came out of a box, and there is no boxed agent';
    return forkReason(agents, task.created) ?? lackReason(agents, task.created);
  }
  const standings = able.map((agent) => ({ agent, ...agentStanding(agent, door) }));
  const held = standings.filter(({ heldBy }) => heldBy !== undefined);
  const statuses = new Set(standings.flatMap(({ heldBy, status }) => (heldBy === undefined ? [status] : [])));
  const { projectPath } = task.created;
  if (statuses.has('idle'))
    return projectPath === null ? null : `only a node that has the folder ${projectPath} takes it`;
  if (held.length > 0) return heldReason(held, statuses.has('busy'));
  return statuses.has('busy') || statuses.has('waiting')
    ? 'every agent that could take it is busy'
    : 'every agent that could take it is offline';
}

type Held = { agent: LiveAgent; heldBy?: string | undefined };

/** What its node says in one word of why an idle agent leaves work to others. */
const HOLDS: Readonly<Record<string, string>> = {
  node: 'the cap of its node',
  tool: 'the cap of its tool',
  account: 'the cap of its account',
  memory: 'the memory that its machine has left',
  walltime: 'the time that its allocation has left',
};

function heldReason(held: readonly Held[], areOthersBusy: boolean): string {
  const names = held
    .slice(0, NAMES_MAX)
    .map(({ agent, heldBy = '' }) => `${agent.registered.name} by ${HOLDS[heldBy] ?? heldBy}`);
  const others = areOthersBusy ? '; every other agent that could take it is busy' : '';
  return `held back: ${names.join(', ')}${held.length > NAMES_MAX ? ' …' : ''} (skep explain says more)${others}`;
}

const namesOf = (agents: readonly LiveAgent[]): string => {
  const names = agents.slice(0, NAMES_MAX).map((agent) => agent.registered.name);
  return `${names.join(', ')}${agents.length > NAMES_MAX ? ' …' : ''}`;
};

function forkReason(agents: readonly LiveAgent[], { fork }: TaskCreated): string | undefined {
  if (fork === undefined) return undefined;
  const agent = agents.find(({ id }) => id === fork.agent);
  if (agent === undefined) return 'the agent whose conversation it copies was withdrawn: cancel it';
  return `it copies a conversation of ${agent.registered.name}, which does not fit it`;
}

function lackReason(agents: readonly LiveAgent[], { requiredCapabilities: required, project }: TaskCreated): string {
  const missing = required.filter((one) => !agents.some((agent) => agent.registered.capabilities.includes(one)));
  if (missing.length > 0) return `no agent has: ${missing.join(', ')}`;
  if (project !== null && agents.every((agent) => agent.registered.tmuxSessionId !== null))
    return 'agents in terminals work in their own folders, not in a project: leave the project out, or add another agent';
  const others = agents.filter((agent) => agent.registered.tool !== 'shell');
  if (others.length === 0) return `there are only shell agents, which take tasks that require: ${SHELL}`;
  return `no agent has all of: ${required.join(', ')}`;
}
