/** The calls by which nodes reach one another's agents in terminals: what goes with them, and what comes back. */
import { z } from 'zod';
import type { AgentAttach, AgentExplained } from '#core/agent-terminal.ts';
import { opIdSchema } from '#core/schema/ids.ts';

/** What is typed travels in one frame to the agent's node. */
export const SEND_MAX_CHARS = 256 * 1024;

export const agentParams = z.object({ agent: opIdSchema });
export const sendParams = agentParams.extend({ text: z.string().max(SEND_MAX_CHARS) });
export const sendAnswer = z.object({ sent: z.boolean() });
export const explainAnswer: z.ZodType<AgentExplained> = z.object({
  tool: z.string(),
  state: z.string(),
  source: z.string(),
  exact: z.boolean(),
  rule: z.string(),
  evidence: z.array(z.object({ zone: z.string(), text: z.string() })),
  sinceMs: z.number().optional(),
});
export const attachAnswer: z.ZodType<AgentAttach> = z.object({
  command: z.array(z.string()),
  host: z.string(),
  user: z.string(),
  ssh: z.string().nullable(),
});
