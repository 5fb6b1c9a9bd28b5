/**
 * Turns that a node began because something came to an agent's mailbox: one row each, kept at its node alone and told to other nodes by Calls. Doors show
 * it as it stands, so names are those of the HTTP interface.
 */
import { z } from 'zod';
import { agentCommandSchema } from './agent-command.ts';
import { count } from './ids.ts';
import { contextSchema } from './transcript.ts';

/** What woke it: the kinds of messages, and the node's own wish that it writes its notes down. */
export const wakeSchema = z.enum(['text', 'question', 'answer', 'reminder', 'event', 'checkpoint']);
export type Wake = z.output<typeof wakeSchema>;

/** `lost`: its process was gone when its node came back. */
export const turnStateSchema = z.enum(['running', 'completed', 'failed', 'interrupted', 'timed_out', 'lost']);

export const agentTurnSchema = z
  .object({
    /** Counts up from 1 in one agent. */
    n: count.min(1),
    state: turnStateSchema,
    /** Of the first message. */
    wake: wakeSchema,
    /** Handed to it with its prompt, and how many of them were handed out before. */
    messages: z.array(z.string()),
    redelivered: count,
    /** Why it did not complete. */
    why: z.string().nullable(),
    model: z.string().nullable(),
    input_tokens: count,
    cached_tokens: count,
    output_tokens: count,
    /** Null: not known. */
    cost_usd: z.number().nonnegative().nullable(),
    started_at: z.string(),
    ms: count.nullable(),
    /** How full its conversation was at the end, and which of the agent's conversations it was, from 1. */
    context: contextSchema.nullable(),
    conversation: count.min(1),
  })
  .meta({ id: 'AgentTurn' });
export type AgentTurn = z.output<typeof agentTurnSchema>;

export const TURNS_ASKED_MAX = 200;

export const agentTurnsSchema = z
  .object({
    agent_id: z.string(),
    /** `parked`: it waits for the reset of a limit, or for its tool to be mended, and its mail with it. */
    state: z.enum(['idle', 'running', 'parked', 'paused', 'over_budget', 'given_up']),
    why: z.string().nullable(),
    until: z.string().nullable(),
    waiting: count.meta({ description: 'Messages that wait' }),
    in_hand: count,
    reminders: count.meta({ description: 'Not due yet' }),
    conversation: count.min(1),
    context: contextSchema.nullable(),
    notes_path: z.string(),
    /** Commands that run beyond the turn in which it started them, the newest first. An older node knows of none. */
    commands: z.array(agentCommandSchema).default([]),
    /** The newest first. */
    turns: z.array(agentTurnSchema),
  })
  .meta({ id: 'AgentTurns' });
export type AgentTurns = z.output<typeof agentTurnsSchema>;
