/** An agent in JSON: the seed's fields in its order and spelling, then what skep adds. */
import { z } from 'zod';
import { boxKindSchema } from '#core/schema/box-body.ts';
import { contextSchema } from '#core/schema/transcript.ts';
import type { LiveAgent } from '#core/view/agent.ts';
import { isPaused } from '#core/view/agent.ts';
import type { Door } from '../door.ts';
import type { AgentStatus, Standing } from './standing.ts';
import { AGENT_STATUSES, agentStanding } from './standing.ts';
import { dateText } from './text.ts';

export const agentJsonSchema = z
  .object({
    id: z.string(),
    node_id: z.string(),
    name: z.string(),
    tool: z.string(),
    capabilities: z.array(z.string()),
    tmux_session_id: z.string().nullable(),
    project_path: z.string().nullable(),
    max_concurrent_tasks: z.number().int(),
    status: z.enum(AGENT_STATUSES),
    current_task_id: z.string().nullable(),
    last_heartbeat: z.string(),
    lamport_ts: z.number().int(),
    registered_at: z.string(),
    node_name: z.string(),
    home: z
      .enum(['own', 'person'])
      .describe('Whose configuration its tool uses: a directory of its own, or that of the user'),
    account: z.string().nullable().describe('What its tool is logged in to, by a name that people gave it'),
    budget_usd_day: z.number().nullable().describe('What it may cost a day (UTC); null: as much as it is'),
    held_by: z
      .string()
      .nullable()
      .describe('What keeps it from work that waits for it: node, tool, account (a cap), memory, walltime'),
    paused: z.boolean().describe('It takes nothing until it is resumed; while it is at nothing, its status is offline'),
    context: contextSchema
      .nullable()
      .describe('Tokens in its conversation and how many fit; null: its tool does not say, or it has no attempt'),
    opens: z
      .object({ agent_id: z.string(), task_id: z.string(), attempt: z.number().int() })
      .nullable()
      .describe('The attempt whose conversation a person goes on with in its terminal: it takes no tasks'),
    turns: z
      .enum(['off', 'on', 'echo'])
      .describe(
        'on: a turn of it begins for what comes to its mailbox, and it takes no tasks; echo: answered with itself where no turn succeeds',
      ),
    box: boxKindSchema.nullable().describe('The kind of box it runs in; null: it runs as whoever runs its node'),
  })
  .meta({ id: 'Agent' });
export type AgentJson = z.output<typeof agentJsonSchema>;

/** An open grant makes an agent busy even before its node says so. The seed has no word for one that is paused: it is not there for anybody. */
function statusOf(status: AgentStatus, o: { isGranted: boolean; isPaused: boolean }): AgentStatus {
  if (status !== 'idle') return status;
  if (o.isGranted) return 'busy';
  return o.isPaused ? 'offline' : 'idle';
}

/** How it stands, and what it is at: what of an agent changes without an op about it. */
export function agentNow(agent: LiveAgent, door: Door): Omit<Standing, 'heldBy'> & { heldBy: string | null } {
  const standing = agentStanding(agent, door);
  const task = standing.task ?? door.roster.grantedTask(agent.id) ?? null;
  const status = statusOf(standing.status, { isGranted: task !== null, isPaused: isPaused(agent) });
  return { ...standing, status, task, heldBy: standing.heldBy ?? null };
}

const opensJson = (opens: LiveAgent['registered']['opens']): AgentJson['opens'] =>
  opens === null ? null : { agent_id: opens.agent, task_id: opens.task, attempt: opens.attempt };

export function agentJson(agent: LiveAgent, door: Door): AgentJson {
  const { registered } = agent;
  const { status, task, heldBy, context, heardMs } = agentNow(agent, door);
  return {
    id: agent.id,
    node_id: registered.node,
    name: registered.name,
    tool: registered.tool,
    capabilities: registered.capabilities,
    tmux_session_id: registered.tmuxSessionId,
    project_path: registered.projectPath,
    max_concurrent_tasks: registered.maxConcurrentTasks,
    status,
    current_task_id: task,
    last_heartbeat: dateText(heardMs ?? registered.wallMs),
    lamport_ts: registered.stamp.lamport,
    registered_at: dateText(registered.wallMs),
    node_name: door.roster.nodeName(registered.node),
    home: registered.home,
    account: registered.account,
    budget_usd_day: agent.budget?.usdDay ?? null,
    held_by: heldBy,
    paused: isPaused(agent),
    opens: opensJson(registered.opens),
    turns: registered.turns ?? 'off',
    box: agent.box?.runtime ?? null,
    context: context ?? null,
  };
}
