/** What the verbs read of a node's answers, and no more: a newer node may say other things beside. `--json` shows answers as they came. */
import { z } from 'zod';
import { sumSchema } from './cost.ts';
import { CommandFailure, EXIT } from './exit.ts';

const text = z.string();
const maybe = z
  .string()
  .nullish()
  .transform((value) => value ?? undefined);
const count = z.number();

export const taskSchema = z.object({
  id: text,
  title: text,
  description: text,
  status: text,
  priority: count,
  required_capabilities: z.array(text),
  assigned_to: maybe,
  assigned_node: maybe,
  result: maybe,
  error: maybe,
  progress: maybe,
  project: maybe,
  created_by: maybe,
  created_at: maybe,
  updated_at: maybe,
  claimed_at: maybe,
  completed_at: maybe,
  home: maybe,
  voters: z.array(text).default([]),
  claims: text.default('decided'),
  attempt: count.default(0),
  attempts_max: count.default(1),
  reason: maybe,
  pending_reason: maybe,
  work: z.object({ branch: text, base: text, head: text, commits: count }).nullish(),
  usage: sumSchema.nullish(),
  lamport_ts: count.default(0),
});
export type Task = z.output<typeof taskSchema>;

export const agentSchema = z.object({
  id: text,
  node_id: text,
  node_name: maybe,
  name: text,
  tool: text,
  capabilities: z.array(text),
  project_path: maybe,
  status: text,
  current_task_id: maybe,
  last_heartbeat: maybe,
  paused: z.boolean().default(false),
  box: z.string().nullable().default(null),
});
export type Agent = z.output<typeof agentSchema>;

export const nodeSchema = z.object({
  id: text,
  name: text,
  status: text,
  addresses: z.array(text).default([]),
  version: maybe,
  agents: count.default(0),
  http_port: count.nullish(),
  round_trip_ms: count.nullish(),
  last_heard_at: maybe,
  forked: z.boolean().default(false),
  replaced_by: maybe,
});

export const linkSchema = z.object({
  node_id: text,
  name: text,
  address: text,
  dialled: z.boolean(),
  round_trip_ms: z.number().nullable(),
  frames_in: count,
  frames_out: count,
  bytes_in: count,
  bytes_out: count,
  overflows: count,
  batches: z.object({ taken: count, relayed: count, repeated: count, gaps: count, refused: count }),
});

export const projectSchema = z.object({
  id: text,
  name: text,
  origin: text,
  base: maybe,
  setup: maybe,
  node_id: maybe,
});

export const approvalSchema = z.object({
  id: text,
  state: text,
  tool: text,
  title: text,
  detail: text,
  why: text,
  cwd: maybe,
  task_id: text,
  task_title: maybe,
  agent_name: text,
  node_name: text,
  decided_by: maybe,
  rule_id: maybe,
  note: maybe,
  created_at: maybe,
});
export type Approval = z.output<typeof approvalSchema>;

export const ruleSchema = z.object({
  id: text,
  effect: text,
  tool: maybe,
  command: maybe,
  path: maybe,
  agent: maybe,
  note: text,
});
export const capSchema = z.object({ kind: text, name: text, max: count, running: count });
export type Cap = z.output<typeof capSchema>;

export type Rule = z.output<typeof ruleSchema>;

export const statusSchema = z.object({
  node_id: text,
  uptime: count,
  tasks: z.record(z.string(), count),
  agents: z.object({ total: count }),
  name: text.default(''),
  role: text.default(''),
  version: text.default(''),
  http_port: count.optional(),
  p2p_port: count.optional(),
  nodes: count.default(1),
  links: count.default(0),
  log: z.object({ ops: count, sealed: count, seal_after: count, size_bytes: count }).optional(),
  boot_check: z.object({ state: text, answered: count, needed: count, waits_for: z.array(text) }).optional(),
});

export const opSchema = z.object({ at: text, type: text, node_id: text, by: text, summary: text, lamport_ts: count });
export const tokenSchema = z.object({ name: text, role: text, created_at: maybe });
export const outputSchema = z.object({ output: text });
export const diffSchema = z.object({ text, truncated: z.boolean().default(false) });
export const fetchedSchema = z.object({ branch: text, head: text });
export const mergedSchema = z.object({ state: text, commit: maybe, into: text, command: maybe });
export type Merged = z.output<typeof mergedSchema>;

/** A node's answer as the shape that a verb reads. Another shape means another version: that is said, with the field. */
export function read<T>(schema: z.ZodType<T>, body: unknown): T {
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw new CommandFailure(EXIT.negative, 'cannot read what the node answered', {
    hints: [
      `${issue?.path.join('.')}: ${issue?.message}`,
      'is the node of another version? compare skep --version with skep status; --json shows the answer as it is',
    ],
    detail: { code: 'unreadable_answer' },
  });
}
