/** What an agent gets for an attempt: where it works, its environment, its tool servers. */
import { procIdOf } from '#core/brand.ts';
import { SHELL } from '#core/task/fit.ts';
import type { LiveAgent } from '#core/view/agent.ts';
import type { TaskCreated } from '#core/view/task.ts';
import { isBoxed } from '#core/view/agent.ts';
import type { SessionSpec } from '#agent-ports.ts';
import type { Seen } from '#core/boxing.ts';
import { IN_BOX } from '#box-ports.ts';
import type { Prepared } from '#workspace/record.ts';
import type { Equipment } from './agent-desk.ts';
import type { AttemptPlan, AttemptTools } from './attempt-plan.ts';
import { boxEnvironment, boxWords, toolSeen, TOOLS_SOCKET, workSeen } from './box-view.ts';

/** A turn without a limit of its own ends after this, and what its agent may wait for people on top of it. */
export const TURN_LIMIT_MS = 30 * 60_000;

/** An agent that reads a prompt, not a script that runs. */
export const isReader = ({ registered }: LiveAgent): boolean =>
  registered.tool !== SHELL || registered.tmuxSessionId !== null;

export async function specOf(
  plan: AttemptPlan,
  prepared: Prepared,
  { instructions, servers, patienceMs, home }: Equipment,
  tools: Pick<AttemptTools, 'workspaces' | 'unstash' | 'transcripts'>,
): Promise<SessionSpec> {
  const { task, attempt, created, agent } = plan;
  const git = await tools.workspaces.agentEnvironment(prepared);
  const env = { ...environmentOf(plan, await tools.unstash(created.context)), ...git, ...home?.env };
  return {
    agent: agent.id,
    procId: procIdOf(task, attempt),
    cwd: prepared.cwd,
    env,
    turnLimitMs: limitMs(plan, patienceMs),
    ...begunFrom(created, tools),
    home: home?.dir,
    writable: 'gitDir' in prepared ? [prepared.gitDir] : [],
    ...(isBoxed(agent)
      ? boxedSession({ instructions, servers }, boxWords(agent.box?.egress ?? []))
      : { instructions, servers }),
    sees: seenBy(plan, prepared),
  };
}

/** What it begins with: nothing, or a copy of what the task names. */
function begunFrom(
  { fork }: Pick<TaskCreated, 'fork'>,
  { transcripts }: Pick<AttemptTools, 'transcripts'>,
): Pick<SessionSpec, 'resume' | 'fork'> {
  const conversation = fork === undefined ? undefined : transcripts.find(fork)?.conversation;
  return conversation === null || conversation === undefined
    ? { resume: null }
    : { resume: conversation.id, fork: true };
}

/** Why it could not begin with the conversation that it is to copy; undefined where it can, or has none to copy. */
export function lacksConversation({ fork }: Pick<TaskCreated, 'fork'>, o: Pick<AttemptTools, 'transcripts'>) {
  if (fork === undefined || begunFrom({ fork }, o).resume !== null) return undefined;
  return `the conversation that it is to copy is not known here: attempt ${fork.attempt} of ${fork.task} named none, or its transcript was dropped`;
}

/** Of no meaning outside of a box. */
export const seenBy = ({ agent }: AttemptPlan, prepared: Prepared): readonly Seen[] =>
  isBoxed(agent) ? [...toolSeen(agent).sees, ...workSeen(prepared)] : [];

/** The same tools, by the socket that the box shows; models by its relay. */
export function boxedSession(
  { instructions, servers }: Pick<Equipment, 'instructions' | 'servers'>,
  words: string,
): Pick<SessionSpec, 'instructions' | 'servers' | 'relayUrl'> {
  return {
    relayUrl: `http://127.0.0.1:${IN_BOX.relayPort}`,
    instructions: instructions === '' ? '' : `${instructions}\n\n${words}`,
    servers: servers.map((server) => ({ ...server, env: { ...server.env, SKEP_MCP_SOCKET: TOOLS_SOCKET } })),
  };
}

/** Who asks people once and is not answered goes on with a denial, instead of being ended for the wait. A script asks nobody. */
function limitMs({ created: { timeLimitSeconds }, agent }: AttemptPlan, patienceMs: number): number {
  if (timeLimitSeconds !== null) return timeLimitSeconds * 1000;
  const { tool, tmuxSessionId } = agent.registered;
  return TURN_LIMIT_MS + (tool === SHELL && tmuxSessionId === null ? 0 : patienceMs);
}

/** The user's environment without anything of skep's own: an agent holds no key of the swarm. One in a box holds nothing of the user's either. */
export function inheritedBy(agent: LiveAgent): Record<string, string> {
  if (isBoxed(agent)) return boxEnvironment(toolSeen(agent).path);
  const passed = Object.entries(process.env).flatMap(([name, value]) =>
    value === undefined || NOT_PASSED.test(name) ? [] : [[name, value] as const],
  );
  return Object.fromEntries(passed);
}

export function environmentOf(plan: AttemptPlan, context: string): Record<string, string> {
  const { task, attempt, created, agent } = plan;
  return {
    ...inheritedBy(agent),
    SKEP_TASK: task,
    SKEP_ATTEMPT: String(attempt),
    SKEP_AGENT: agent.registered.name,
    SKEP_TITLE: created.title,
    SKEP_CONTEXT: context,
  };
}

/** Claude Code refuses to start inside itself. */
const NOT_PASSED = /^(?:SKEP_.*|CLAUDECODE|CLAUDE_CODE_ENTRYPOINT)$/;
