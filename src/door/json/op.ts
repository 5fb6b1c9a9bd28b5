/** Ops as a reader of a task's timeline sees them, and posts of the wall. */
import { z } from 'zod';
import type { OpId } from '#core/brand.ts';
import type { Op } from '#core/op.ts';
import { opId } from '#core/op.ts';
import type { BodyOf, EndValue } from '#core/schema/body.ts';
import { attemptOfSlot } from '#core/view/chain.ts';
import type { PostRow } from '#core/view/post.ts';
import type { Door } from '../door.ts';
import { dealSummary } from './deal.ts';
import { dateText, headOf, shortId } from './text.ts';

export const opJsonSchema = z
  .object({
    id: z.string(),
    type: z.string(),
    lamport_ts: z.number().int(),
    node_id: z.string(),
    by: z.string(),
    at: z.string(),
    summary: z.string().describe('What happened, for people'),
    attempt: z.number().int().nullable(),
    slot: z
      .number()
      .int()
      .nullable()
      .describe('Of a claim, a start and a decision: the slot of the task that it is about'),
    agent_id: z.string().nullable(),
  })
  .meta({ id: 'Op' });
export type OpJson = z.output<typeof opJsonSchema>;

export function opJson(op: Op, door: Door): OpJson {
  const { header } = op;
  const told = tell(op, door);
  return {
    id: opId(op),
    type: typeName(op),
    lamport_ts: header.lamport,
    node_id: header.node,
    by: header.by,
    at: dateText(header.wallMs),
    summary: told.summary,
    attempt: told.attempt ?? null,
    slot: 'slot' in op.body ? op.body.slot : null,
    agent_id: told.agent ?? null,
  };
}

/** The op's type; also of an op that only newer nodes understand. */
export const typeName = (op: Op): string => (op.body.type === 'unknown' ? op.body.typeName : op.body.type);

type Told = { summary: string; attempt?: number; agent?: OpId };

function tell(op: Op, door: Door): Told {
  const { body, header } = op;
  const node = door.roster.nodeName(header.node);
  switch (body.type) {
    case 'task.created':
      return { summary: `created by ${header.by} on ${node}` };
    case 'usage.recorded':
      return { summary: usageSummary(body), attempt: body.attempt, agent: body.agent };
    case 'task.allowed':
      return { summary: `allowed by ${header.by}` };
    case 'task.claimed': {
      const agent = door.roster.agentName(body.agent);
      return { summary: `claimed by ${agent} on ${node}`, attempt: attemptOfSlot(body.slot), agent: body.agent };
    }
    case 'task.claimWithdrawn':
      return { summary: `claim ${shortId(body.claim)} withdrawn by ${node}` };
    case 'task.granted': {
      const { attempt, agent } = body.value;
      const to = `${door.roster.agentName(agent)} on ${door.roster.nodeName(body.value.node)}`;
      return { summary: `attempt ${attempt} given to ${to}`, attempt, agent };
    }
    case 'task.started': {
      const attempt = attemptOfSlot(body.slot);
      return { summary: `attempt ${attempt} started on ${node}`, attempt };
    }
    case 'task.reported':
      return { summary: `${node} reports: ${endSummary(body.value)}`, attempt: body.value.attempt };
    case 'task.ended':
      return { summary: endSummary(body.value), attempt: body.value.attempt };
    case 'node.replaced':
      return { summary: `${node} was made from a backup of ${door.roster.nodeName(body.old)} and replaces it` };
    default:
      return { summary: dealSummary(op, door) ?? typeName(op) };
  }
}

function usageSummary({ model, inputTokens, cachedTokens, outputTokens, costUsd }: BodyOf<'usage.recorded'>): string {
  const cost = costUsd === null ? 'at an unknown price' : `$${costUsd.toFixed(4)}`;
  return `${model ?? 'a model'}: ${inputTokens + cachedTokens} tokens in, ${outputTokens} out, ${cost}`;
}

/** What an error begins with says why; what was printed last comes after it, and stands with the task. */
const ERROR_SHOWN_CHARS = 200;

function endSummary({ kind, attempt, reason, by, error }: EndValue): string {
  const who = by === null ? '' : ` by ${by}`;
  const why = reason === null || reason === kind ? '' : ` (${reason})`;
  const [said = ''] = error === null ? [] : headOf(error).trim().split('\n', 1);
  const words = said === '' ? '' : `: ${said.slice(0, ERROR_SHOWN_CHARS)}`;
  return kind === 'cancelled' ? `cancelled${who}${why}` : `attempt ${attempt} ${kind}${why}${words}`;
}

export const postJsonSchema = z
  .object({
    id: z.string(),
    content: z.string(),
    author: z.string(),
    node_id: z.string(),
    lamport_ts: z.number().int(),
    created_at: z.string(),
    received_at: z.string().describe('The same as created_at: arrival is no fact of the log'),
  })
  .meta({ id: 'Post' });
export type PostJson = z.output<typeof postJsonSchema>;

export const postJson = (row: PostRow): PostJson => ({
  id: row.id,
  content: row.content,
  author: row.author,
  node_id: row.node,
  lamport_ts: row.lamport,
  created_at: dateText(row.wallMs),
  received_at: dateText(row.wallMs),
});
