/** A task in JSON: the seed's fields first, in its order and spelling, then what skep adds. */
import { z } from 'zod';
import type { NodeId, OpId } from '#core/brand.ts';
import type { LongText } from '#core/schema/ids.ts';
import { holderOf, isLate, taskChain } from '#core/view/chain.ts';
import type { Chain } from '#core/view/chain.ts';
import type { TaskCreated, TaskRow } from '#core/view/task.ts';
import type { SwarmNode } from '#ports.ts';
import type { Door } from '../door.ts';
import { usageOfTask, usageSumSchema } from './usage.ts';
import { pendingReason } from './pending.ts';
import { dateText, headOf, isBlob, wholeOf } from './text.ts';

const text = z.string();
const nullableText = z.string().nullable();
const count = z.number().int();

export const TASK_STATUSES = ['pending', 'claimed', 'in_progress', 'completed', 'failed', 'cancelled'] as const;
export type PublicStatus = (typeof TASK_STATUSES)[number];

export const taskJsonSchema = z
  .object({
    id: text,
    title: text,
    description: text,
    status: z.enum(TASK_STATUSES),
    priority: count,
    required_capabilities: z.array(text),
    created_by: text,
    assigned_to: nullableText,
    assigned_node: nullableText,
    result: nullableText,
    error: nullableText,
    progress: nullableText,
    project_path: nullableText,
    context: text,
    lamport_ts: count,
    claimed_at: nullableText,
    completed_at: nullableText,
    created_at: text,
    updated_at: text,
    alias: nullableText.describe('The id that its creator asked for'),
    attempt: count.describe('Number of the attempt that runs, or of the last one; 0 before the first'),
    attempts_max: count,
    home: text.describe('The node that created it'),
    voters: z.array(text).describe('The nodes that decide it, home first'),
    claims: z.enum(['decided', 'optimistic']).describe('optimistic: nobody decides who works it, and it may run twice'),
    depends_on: z.array(text),
    supersedes: nullableText,
    project: nullableText.describe('Id of its project'),
    base: nullableText.describe('Branch that the work starts from; null for the base of the project'),
    time_limit_s: count.nullable(),
    budget_usd: z.number().nullable().describe('What its attempts may cost together; null for no limit'),
    fork: z
      .object({ agent_id: text, task_id: text, attempt: count })
      .nullable()
      .describe('The attempt whose conversation it begins with a copy of; only that agent works it'),
    reason: nullableText.describe('Why the task, or its last attempt, ended as it did'),
    pending_reason: nullableText.describe(
      'What a pending task waits for; null when an agent should take it any moment',
    ),
    work: z
      .object({ branch: text, base: text, head: text, commits: count, size_bytes: count })
      .nullable()
      .describe('What was delivered'),
    reports: z
      .array(z.object({ attempt: count, node: text, kind: text, late: z.boolean(), commits: count, at: text }))
      .describe(
        "Ends that an agent's node told of because nobody had decided them yet; late: decided otherwise, what it did is kept",
      ),
    conflicts: z.array(count).describe('Slots seen decided in two ways: a bug, to be reported'),
    usage: usageSumSchema.nullable().describe('What its agents used, where they tell of it'),
    truncated: z.array(text).describe('Fields of which only the beginning stands here; GET the task for the whole'),
  })
  .meta({ id: 'Task' });
export type TaskJson = z.output<typeof taskJsonSchema>;

/** A task whose creation is known here: others are shown nowhere. */
export type KnownTask = TaskRow & { created: TaskCreated };
export const isKnownTask = (row: TaskRow | undefined): row is KnownTask => row?.created !== undefined;

type Texts = Pick<TaskJson, 'description' | 'context' | 'result' | 'error' | 'truncated'>;

/** The task as the log has it: of texts that became blobs only the beginning, and `truncated` names them. */
export function taskJson(row: KnownTask, door: Door): TaskJson {
  const chain = taskChain(row);
  return built(row, chain, headTexts(row, chain), door);
}

/** The task with its whole texts. Waits only when one of them is a blob. */
export async function wholeTaskJson(row: KnownTask, door: Door): Promise<TaskJson> {
  const chain = taskChain(row);
  const heads = headTexts(row, chain);
  const texts = heads.truncated.length === 0 ? heads : await wholeTexts(row, chain, door.node);
  return built(row, chain, texts, door);
}

/** The texts of a task that may be long, by the names of their fields. */
export function longTexts(row: KnownTask, chain = taskChain(row)): Record<string, LongText | null> {
  const { created } = row;
  const end = chain.ended?.value;
  return {
    description: created.description,
    context: created.context,
    result: end?.result ?? null,
    error: end?.error ?? null,
  };
}

function headTexts(row: KnownTask, chain: Chain): Texts {
  const { created } = row;
  const end = chain.ended?.value;
  return {
    description: headOf(created.description),
    context: headOf(created.context),
    result: end === undefined || end.result === null ? null : headOf(end.result),
    error: end === undefined || end.error === null ? null : headOf(end.error),
    truncated: Object.entries(longTexts(row, chain)).flatMap(([name, value]) => (isBlob(value) ? [name] : [])),
  };
}

async function wholeTexts(row: KnownTask, chain: Chain, node: SwarmNode): Promise<Texts> {
  const { created } = row;
  const end = chain.ended?.value;
  const whole = async (value: LongText | null | undefined): Promise<string | null> =>
    value === null || value === undefined ? null : wholeOf(value, node);
  const [description, context, result, error] = await Promise.all([
    wholeOf(created.description, node),
    wholeOf(created.context, node),
    whole(end?.result),
    whole(end?.error),
  ]);
  return { description, context, result, error, truncated: [] };
}

/** Who holds the attempt that runs, or held the one that ended the task. Nobody between two attempts. */
export function holderNow(
  row: KnownTask,
  chain = taskChain(row),
): { node: NodeId; agent: OpId; wallMs: number } | undefined {
  const last = chain.ended === undefined ? undefined : holderOf(row, chain.attempt);
  const grant = chain.running ?? last;
  return grant === undefined ? undefined : { node: grant.value.node, agent: grant.value.agent, wallMs: grant.wallMs };
}

/** As everybody is told it. */
export const publicStatusOf = (row: KnownTask): PublicStatus => publicStatus(taskChain(row));

const publicStatus = (chain: Chain): PublicStatus => (chain.status === 'unknown' ? 'pending' : chain.status);

function built(row: KnownTask, chain: Chain, texts: Texts, door: Door): TaskJson {
  const { created } = row;
  const status = publicStatus(chain);
  const holder = holderNow(row, chain);
  const ended = chain.ended;
  return {
    id: row.id,
    title: created.title,
    description: texts.description,
    status,
    priority: created.priority,
    required_capabilities: created.requiredCapabilities,
    created_by: created.createdBy,
    assigned_to: holder?.agent ?? null,
    assigned_node: holder?.node ?? null,
    result: texts.result,
    error: texts.error,
    progress: status === 'in_progress' ? (door.node.glimpse(row.id)?.progress ?? null) : null,
    project_path: created.projectPath,
    context: texts.context,
    lamport_ts: (row.updated ?? created).stamp.lamport,
    claimed_at: holder === undefined ? null : dateText(holder.wallMs),
    completed_at: ended === undefined || status === 'cancelled' ? null : dateText(ended.wallMs),
    created_at: dateText(created.wallMs),
    updated_at: dateText((row.updated ?? created).wallMs),
    alias: created.alias,
    attempt: chain.attempt,
    attempts_max: created.attemptsMax,
    home: created.home,
    voters: created.voters,
    claims: created.claims,
    depends_on: created.dependsOn,
    supersedes: created.supersedes,
    project: created.project,
    base: created.base,
    time_limit_s: created.timeLimitSeconds,
    budget_usd: created.budgetUsd ?? null,
    fork: forkJson(created.fork),
    reason: (ended ?? row.ends[chain.slot - 1])?.value.reason ?? null,
    pending_reason: status === 'pending' ? pendingReason(row, door) : null,
    work: workJson(ended),
    reports: reportsJson(row),
    conflicts: Object.keys(row.conflicts).map(Number),
    usage: row.used ? (usageOfTask(row.id, door) ?? null) : null,
    truncated: texts.truncated,
  };
}

const forkJson = (fork: TaskCreated['fork']): TaskJson['fork'] =>
  fork === undefined ? null : { agent_id: fork.agent, task_id: fork.task, attempt: fork.attempt };

function reportsJson(row: KnownTask): TaskJson['reports'] {
  return Object.entries(row.reports).map(([slot, { value, stamp, wallMs }]) => {
    const decided = row.ends[Number(slot)]?.value;
    return {
      attempt: value.attempt,
      node: stamp.node,
      kind: value.kind,
      late: decided !== undefined && isLate(decided, { kind: value.kind, node: stamp.node }),
      commits: value.work?.commits ?? 0,
      at: dateText(wallMs),
    };
  });
}

function workJson(ended: Chain['ended']): TaskJson['work'] {
  const work = ended?.value.work;
  if (work === null || work === undefined) return null;
  return { branch: work.branch, base: work.base, head: work.head, commits: work.commits, size_bytes: work.sizeBytes };
}
