/**
 * Commands that an agent which is woken by messages started to go on beyond its turn: one row each, kept at its node alone. Doors show it as it stands, so
 * names are those of the HTTP interface.
 */
import { z } from 'zod';
import { count } from './ids.ts';

export const agentCommandSchema = z
  .object({
    /** Counts up from 1 in one agent. */
    n: count.min(1),
    title: z.string(),
    command: z.string(),
    /** `stopped`: by its agent, or with its box. `lost`: its process was gone when its node came back. `not_started`: its agent was told so at once. */
    state: z.enum(['running', 'exited', 'timed_out', 'stopped', 'lost', 'not_started']),
    /** How it ended. Null: it runs, it was ended by a signal, or nobody knows. */
    code: z.number().int().nullable(),
    signal: z.string().nullable(),
    started_at: z.string(),
    ms: count.nullable(),
    time_limit_s: count.min(1),
  })
  .meta({ id: 'AgentCommand' });
export type AgentCommand = z.output<typeof agentCommandSchema>;
