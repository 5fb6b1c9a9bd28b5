/** Bodies of ops about agents. */
import { z } from 'zod';
import { opIdSchema } from './ids.ts';

export const capabilities = z.array(z.string().min(1).max(64)).max(64);

export const dollars = z.number().positive().max(1_000_000);
const accountName = z.string().min(1).max(64);

/** One attempt, and the agent that had its conversation. */
export const attemptOfAgent = z.object({
  agent: opIdSchema,
  task: opIdSchema,
  attempt: z.number().int().min(1).max(20),
});

/**
 * Its node begins a turn of it for what comes to its mailbox, and it takes no tasks; absent: no. `echo`: where no turn succeeds, a message is answered
 * with itself.
 */
export const agentTurns = z.enum(['on', 'echo']);

export const agentRegistered = z.object({
  type: z.literal('agent.registered'),
  name: z.string().min(1).max(64),
  tool: z.string().min(1).max(64),
  capabilities,
  projectPath: z.string().max(4096).nullable(),
  /** The tmux session it lives in; null for an agent that speaks a protocol. */
  tmuxSessionId: z.string().max(128).nullable(),
  /** skep made that session on its own tmux server and ends it; absent for a session of the user's, which is only read and typed into. */
  sessionOwned: z.boolean().optional(),
  maxConcurrentTasks: z.number().int().min(1).max(64),
  /** The account that its tool is logged in to, by a name that people gave it: agents of one account share its cap. */
  account: accountName.optional(),
  budgetUsdDay: dollars.optional(),
  /** Its tool has a configuration directory of its own on its node; absent: that of the user whom the node runs as. */
  home: z.literal('own').optional(),
  /** It runs on a compute node, under the worker of this mailbox (`4711_00`), and its node reaches it by that alone. */
  worker: z.string().min(1).max(80).optional(),
  /** It takes nothing until somebody resumes it; absent: it does at once. */
  paused: z.boolean().optional(),
  /**
   * Its program goes on with the conversation of this attempt, which that agent had, in a terminal for a person: it takes no task, and is withdrawn by
   * its node when that program has ended well.
   */
  opens: attemptOfAgent.optional(),
  turns: agentTurns.optional(),
});
/** `home`: its own configuration directory goes with it; absent: it stays where it is. */
export const agentDeregistered = z.object({
  type: z.literal('agent.deregistered'),
  home: z.literal('removed').optional(),
});
/** A paused agent claims nothing; what it is at goes on. Of several words the newest counts. */
export const agentPaused = z.object({ type: z.literal('agent.paused'), paused: z.boolean() });

/** What it may cost a day (UTC), in US dollars; null: as much as it is. Of several words the newest counts. */
export const agentBudgeted = z.object({ type: z.literal('agent.budgeted'), usdDay: dollars.nullable() });

/** Names of agents, `#channels` and `@ids` of the hub, as globs. */
const names = z.array(z.string().min(1).max(64)).max(64);

/** An operator's word on whom the agent may write to; null: everybody. People may always be written to. Of several words the newest counts. */
export const agentRecipientsSet = z.object({ type: z.literal('agent.recipientsSet'), allow: names.nullable() });

/** An operator's word on who of those that come to a hub from outside may write to the agent; before it nobody may. Of several words the newest counts. */
export const agentOutsidersSet = z.object({ type: z.literal('agent.outsidersSet'), allow: names });

/** What the agent says of itself in a line, for people; empty: nothing. Of several words the newest counts. */
export const agentStatusSet = z.object({ type: z.literal('agent.statusSet'), text: z.string().max(200) });
