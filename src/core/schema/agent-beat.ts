import { z } from 'zod';
import { count, opIdSchema } from './ids.ts';
import { contextSchema } from './transcript.ts';

/** What a node says of one of its agents in its heartbeat. */
export const agentBeatSchema = z.object({
  agent_id: opIdSchema,
  status: z.string().max(32),
  current_task_id: opIdSchema.nullable(),
  attempt: count.nullable(),
  /** What is in its conversation, where its tool says so. */
  context: contextSchema.nullish(),
});
