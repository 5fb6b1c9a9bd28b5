/** Bodies of what agents ask before they go on, and of the rules by which that is decided. */
import { z } from 'zod';
import { longTextSchema, opIdSchema, principalSchema } from './ids.ts';

/**
 * A tool asks before it goes on: appended by the node of its agent, which alone decides it. Known shapes of secrets are masked in all texts.
 * `request`, unique in its attempt, is the tool's own name for it: after a restart the same request is known by it.
 */
export const approvalRequested = z.object({
  type: z.literal('approval.requested'),
  task: opIdSchema,
  attempt: z.number().int().min(1).max(20),
  agent: opIdSchema,
  request: z.string().min(1).max(256),
  kind: z.enum(['command', 'edit', 'tool', 'question']),
  tool: z.string().max(128),
  title: z.string().max(1000),
  /** Exactly what would be done: the command, the diff, the arguments, the question. */
  detail: longTextSchema,
  cwd: z.string().max(4096).nullable(),
  paths: z.array(z.string().max(4096)).max(64),
  /** Why it was not decided by a rule, for people. */
  why: z.string().max(500),
  /** A deal is disputed: `task` is its proposal, and no attempt's end makes it void. Its answer begins with who is at fault. */
  dispute: z.object({ proposal: opIdSchema, by: principalSchema }).optional(),
});
/** Counts only when it was written by the node that asked. `by` of the header is who decided; `rule` the rule that did, when one did. */
export const approvalDecided = z.object({
  type: z.literal('approval.decided'),
  decision: z.enum(['allow', 'deny']),
  /** Told to the agent; for a question, the answer to it. */
  note: z.string().max(4000),
  rule: opIdSchema.nullable(),
});
/** Void before anybody decided: withdrawn by its tool, or its attempt is over. Counts only when it was written by the node that asked. */
export const approvalClosed = z.object({ type: z.literal('approval.closed'), reason: z.enum(['withdrawn', 'ended']) });

const glob = z.string().min(1).max(256).nullable();
/** An operator's rule for all agents: what is null is not looked at, the others must all match. Globs, see `core/approval/glob.ts`. */
export const ruleAdded = z.object({
  type: z.literal('rule.added'),
  effect: z.enum(['allow', 'ask', 'deny']),
  tool: glob,
  command: glob,
  path: glob,
  /** The agent's name, or its id. */
  agent: glob,
  /** For people; of a `deny`, told to the agent. */
  note: z.string().max(500),
});
/** Takes a rule back; what it decided stands. */
export const ruleRemoved = z.object({ type: z.literal('rule.removed') });
