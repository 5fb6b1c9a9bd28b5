/** What an agent asked, and the rules by which such requests are decided, in JSON. */
import { z } from 'zod';
import type { KnownApproval } from '#core/view/approval.ts';
import { approvalState, isKnownApproval } from '#core/view/approval.ts';
import { taskChain } from '#core/view/chain.ts';
import type { LiveRule } from '#core/view/rule.ts';
import type { Door } from '../door.ts';
import { dateText, headOf, isBlob } from './text.ts';

export const APPROVAL_STATES = ['open', 'allowed', 'denied', 'closed'] as const;

export const approvalJsonSchema = z
  .object({
    id: z.string(),
    state: z.enum(APPROVAL_STATES).describe('closed: void before anybody decided'),
    kind: z.enum(['command', 'edit', 'tool', 'question']),
    tool: z.string().describe('The word of the tool for what it wants to use'),
    title: z.string(),
    detail: z
      .string()
      .describe(
        'Exactly what would be done, but for what looks like a secret, which is masked, and what cannot be seen, which is spelled out',
      ),
    truncated: z.boolean().describe('Only the beginning of the detail: GET the approval has the whole'),
    cwd: z.string().nullable(),
    paths: z.array(z.string()),
    why: z.string().describe('Why no rule decided it'),
    task_id: z.string(),
    task_title: z.string().nullable(),
    attempt: z.number().int(),
    agent_id: z.string(),
    agent_name: z.string(),
    node_id: z.string().describe('The node that decides it'),
    node_name: z.string(),
    decided_by: z.string().nullable(),
    decided_at: z.string().nullable(),
    note: z.string().nullable(),
    rule_id: z.string().nullable(),
    proposal_id: z
      .string()
      .nullable()
      .describe('The deal whose dispute this is: task_id and agent_id are then of no task and no agent'),
    lamport_ts: z.number().int(),
    created_at: z.string(),
  })
  .meta({ id: 'Approval' });
export type ApprovalJson = z.output<typeof approvalJsonSchema>;

/** `detail`: the whole of it, where somebody went for it. */
export function approvalJson(row: KnownApproval, door: Door, detail?: string): ApprovalJson {
  const { requested, outcome } = row;
  const decided = outcome?.kind === 'decided' ? outcome : undefined;
  return {
    id: row.id,
    state: stateOf(row, door),
    kind: requested.kind,
    tool: requested.tool,
    title: requested.title,
    detail: detail ?? headOf(requested.detail),
    truncated: detail === undefined && isBlob(requested.detail),
    cwd: requested.cwd,
    paths: requested.paths,
    why: requested.why,
    task_id: requested.task,
    task_title: door.node.store.get('task', requested.task)?.created?.title ?? null,
    attempt: requested.attempt,
    agent_id: requested.agent,
    agent_name: door.roster.agentName(requested.agent),
    node_id: requested.node,
    node_name: door.roster.nodeName(requested.node),
    decided_by: decided?.by ?? null,
    decided_at: decided === undefined ? null : dateText(decided.wallMs),
    note: decided?.note ?? null,
    rule_id: decided?.rule ?? null,
    proposal_id: requested.dispute?.proposal ?? null,
    lamport_ts: requested.stamp.lamport,
    created_at: dateText(requested.wallMs),
  };
}

/** Of one state at once. */
export const APPROVALS_MAX = 1_000;

/** As the log has them: what is open oldest first, what is over newest first. */
export const approvalsIn = (state: ApprovalJson['state'], door: Door): ApprovalJson[] =>
  door.node.store
    .list('approval', {
      where: { state },
      order: [['created', state === 'open' ? 'asc' : 'desc']],
      limit: APPROVALS_MAX,
    })
    .filter(isKnownApproval)
    .map((row) => approvalJson(row, door));

/** Requests that wait for somebody, oldest first. */
export const openApprovals = (door: Door): ApprovalJson[] =>
  approvalsIn('open', door).filter(({ state }) => state === 'open');

/** Void as soon as its attempt is over: a node that is gone for good says nothing of its requests any more. */
function stateOf(row: KnownApproval, door: Door): ApprovalJson['state'] {
  const state = approvalState(row);
  if (state !== 'open') return state === 'unknown' ? 'open' : state;
  const { task, attempt, node } = row.requested;
  if (door.roster.node(node)?.excluded !== undefined) return 'closed';
  const held = door.node.store.get('task', task);
  // The grant may arrive after the request.
  if (held === undefined) return 'open';
  const chain = taskChain(held);
  return chain.ended !== undefined ||
    chain.attempt > attempt ||
    (chain.attempt === attempt && chain.running === undefined)
    ? 'closed'
    : 'open';
}

export const ruleJsonSchema = z
  .object({
    id: z.string(),
    effect: z.enum(['allow', 'ask', 'deny']),
    tool: z.string().nullable(),
    command: z.string().nullable(),
    path: z.string().nullable(),
    agent: z.string().nullable(),
    note: z.string(),
    created_by: z.string(),
    created_at: z.string(),
  })
  .meta({ id: 'Rule' });
export type RuleJson = z.output<typeof ruleJsonSchema>;

export const ruleJson = ({ id, added }: LiveRule): RuleJson => ({
  id,
  effect: added.effect,
  tool: added.tool,
  command: added.command,
  path: added.path,
  agent: added.agent,
  note: added.note,
  created_by: added.by,
  created_at: dateText(added.wallMs),
});
