/** What agents ask before they go on: to look at, and to answer. The agent's own node decides; this one asks it. */
import { z } from 'zod';
import type { OpId, Principal } from '#core/brand.ts';
import type { KnownApproval } from '#core/view/approval.ts';
import { isKnownApproval } from '#core/view/approval.ts';
import type { Door } from '../door.ts';
import type { ApprovalJson } from '../json/approval.ts';
import { APPROVAL_STATES, APPROVALS_MAX, approvalJson, approvalJsonSchema, approvalsIn } from '../json/approval.ts';
import { wholeOf } from '../json/text.ts';
import { findApproval, findProposal, findTask } from '../lookup.ts';
import type { DoorRefusal, RefusalJson } from '../refusal.ts';
import { isRefusal, refusalJson } from '../refusal.ts';
import type { Route } from '../route.ts';
import { jsonRoute } from '../route.ts';
import { idParams, listQuery, none } from './input.ts';

/** Answered with one request. */
const BULK_MAX = 200;
const NOTE_MAX_CHARS = 4_000;

const list = jsonRoute({
  method: 'GET',
  path: '/api/approvals',
  summary: 'What agents asked: what is open first, oldest first; then what is over, newest first',
  action: 'approval.read',
  params: none,
  query: listQuery(APPROVALS_MAX).extend({
    state: z.enum(APPROVAL_STATES).optional(),
    task: z
      .string()
      .min(1)
      .max(200)
      .optional()
      .describe('Only what was asked for this task, or about this proposal, oldest first'),
  }),
  body: none,
  answer: z.array(approvalJsonSchema),
  status: 200,
  handle: ({ query: { limit, offset, state, task: ref }, door }) => {
    if (ref === undefined) return approvalsJson(door, state).slice(offset, offset + limit);
    const about = subjectOf(ref, door);
    if (isRefusal(about)) return about;
    const asked = approvalsOf(about.id, door).filter((one) => state === undefined || one.state === state);
    return asked.slice(offset, offset + limit);
  },
});

/** The task, or the proposal, which stands in its place where a deal is disputed. */
function subjectOf(ref: string, door: Door): { id: OpId } | DoorRefusal {
  const task = findTask(ref, door);
  if (!isRefusal(task)) return task;
  const proposal = findProposal(ref, door);
  return isRefusal(proposal) ? task : proposal;
}

const approvalsOf = (task: OpId, door: Door): ApprovalJson[] =>
  door.node.store
    .list('approval', { where: { task }, order: [['created', 'asc']], limit: APPROVALS_MAX })
    .filter(isKnownApproval)
    .map((row) => approvalJson(row, door));

/** Of each state the newest {@link APPROVALS_MAX}. What is void but not said to be yet stands with what is closed. */
function approvalsJson(door: Door, state: ApprovalJson['state'] | undefined): ApprovalJson[] {
  const open = approvalsIn('open', door);
  const isOpen = ({ state: one }: ApprovalJson): boolean => one === 'open';
  if (state === 'open') return open.filter(isOpen);
  const over = (['allowed', 'denied', 'closed'] as const).flatMap((one) => approvalsIn(one, door));
  const ended = [...open.filter((one) => !isOpen(one)), ...over].toSorted((a, b) => b.lamport_ts - a.lamport_ts);
  if (state !== undefined) return ended.filter((one) => one.state === state);
  return [...open.filter(isOpen), ...ended];
}

const show = jsonRoute({
  method: 'GET',
  path: '/api/approvals/{id}',
  summary: 'One of them, with the whole of what would be done',
  action: 'approval.read',
  params: idParams,
  query: none,
  body: none,
  answer: approvalJsonSchema,
  status: 200,
  handle: async ({ params, door }) => {
    const found = findApproval(params.id, door);
    return isRefusal(found) ? found : approvalJson(found, door, await wholeOf(found.requested.detail, door.node));
  },
});

const answerInput = z.object({
  decision: z.enum(['allow', 'deny'], {
    error: (issue) => (issue.input === undefined ? 'decision is required' : undefined),
  }),
  note: z.string().max(NOTE_MAX_CHARS).nullish().describe('Told to the agent; for a question, the answer to it'),
});

const decide = jsonRoute({
  method: 'POST',
  path: '/api/approvals/{id}',
  summary:
    'Allow or deny it. `conflict` says who was first; `home_unreachable`: the node of the agent is away, nothing was stored',
  action: 'approval.decide',
  params: idParams,
  query: none,
  body: answerInput,
  answer: approvalJsonSchema,
  status: 200,
  handle: ({ params, body, by, door }) => decided(params.id, { ...body, by }, door),
});

const bulkAnswer = z.object({
  results: z.array(
    z.object({
      id: z.string(),
      approval: approvalJsonSchema.nullable(),
      refusal: z
        .object({ error: z.string(), code: z.string(), expected: z.string().nullable(), got: z.string().nullable() })
        .nullable(),
    }),
  ),
});

const decideMany = jsonRoute({
  method: 'POST',
  path: '/api/approvals',
  summary: 'Allow or deny several; each is decided or refused by itself, in this order',
  action: 'approval.decide',
  params: none,
  query: none,
  body: answerInput.extend({ ids: z.array(z.string().min(1).max(200)).min(1).max(BULK_MAX) }),
  answer: bulkAnswer,
  status: 200,
  handle: async ({ body, by, door }) => ({
    results: await Promise.all(
      body.ids.map(async (id) => {
        const answer = await decided(id, { ...body, by }, door);
        const refusal: RefusalJson | null = isRefusal(answer) ? refusalJson(answer) : null;
        return { id, approval: isRefusal(answer) ? null : answer, refusal };
      }),
    ),
  }),
});

type Given = { decision: 'allow' | 'deny'; note?: string | null | undefined; by: Principal };

async function decided(id: string, { decision, note, by }: Given, door: Door): Promise<ApprovalJson | DoorRefusal> {
  const found = findApproval(id, door);
  if (isRefusal(found)) return found;
  const outcome = await door.node.approvalAnswer({ approval: found.id, decision, note: note ?? '', by });
  if (isRefusal(outcome)) return outcome;
  const row = known(found.id, door) ?? found;
  // The decision of another node is an op on its way here.
  return approvalJson({ ...row, outcome: row.outcome ?? outcome }, door);
}

function known(id: OpId, door: Door): KnownApproval | undefined {
  const row = door.node.store.get('approval', id);
  return isKnownApproval(row) ? row : undefined;
}

export const approvalRoutes: readonly Route[] = [list, decideMany, show, decide];
