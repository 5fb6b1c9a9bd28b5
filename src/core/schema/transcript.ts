/**
 * What an agent did in an attempt, entry by entry: kept at its node alone and never in the log, told to other nodes by Calls. Doors show it as it
 * stands, so names are those of the HTTP interface.
 */
import { z } from 'zod';
import { count } from './ids.ts';

/** Of a text, what is kept; `chars`: of all of it. */
const keptText = z.object({ text: z.string(), chars: count });
export type KeptText = z.output<typeof keptText>;

const place = {
  /** Counts up from 1 in one attempt; the oldest may be gone. */
  n: count.min(1),
  /** Raised with every change of any entry of the attempt: an entry that changed has the highest. */
  change: count,
  at: z.string(),
};

/** A turn of the agent, and what it was asked. `prompt` null: this node did not ask it. */
const turnEntry = z.object({ ...place, kind: z.literal('turn'), turn: z.string(), prompt: keptText.nullable() });
/** What a person said in the middle of a turn. */
const personEntry = z.object({ ...place, kind: z.literal('person'), text: keptText });
/** What the agent said, thought, or wrote to its standard error. A long text goes on in the next entry. */
const textEntry = z.object({
  ...place,
  kind: z.literal('text'),
  stream: z.enum(['said', 'thought', 'error']),
  text: z.string(),
});
const toolEntry = z.object({
  ...place,
  kind: z.literal('tool'),
  id: z.string(),
  name: z.string(),
  title: z.string(),
  state: z.enum(['running', 'completed', 'failed', 'denied']),
  input: keptText.nullable(),
  output: keptText.nullable(),
  ended_at: z.string().nullable(),
});
/** What it asked before it went on. `closed`: nobody had answered when it was void. */
const permissionEntry = z.object({
  ...place,
  kind: z.literal('permission'),
  request: z.string(),
  about: z.enum(['command', 'edit', 'tool', 'question']),
  tool: z.string(),
  title: z.string(),
  detail: keptText,
  state: z.enum(['open', 'allowed', 'denied', 'closed']),
  note: z.string(),
});
/** The end of a turn. `text`: why, where it did not complete. `cost_usd` null: not known. */
const endEntry = z.object({
  ...place,
  kind: z.literal('end'),
  turn: z.string(),
  outcome: z.enum(['completed', 'failed', 'interrupted', 'timed_out']),
  text: keptText.nullable(),
  ms: count.nullable(),
  usage: z
    .object({
      input_tokens: count,
      cached_tokens: count,
      output_tokens: count,
      cost_usd: z.number().nonnegative().nullable(),
    })
    .nullable(),
});

export const entrySchema = z
  .discriminatedUnion('kind', [turnEntry, personEntry, textEntry, toolEntry, permissionEntry, endEntry])
  .meta({ id: 'TranscriptEntry' });
export type Entry = z.output<typeof entrySchema>;
export type EntryOf<K extends Entry['kind']> = Extract<Entry, { kind: K }>;

/** Tokens in the conversation of an agent, and how many fit; `max` null: its tool does not say, or has not yet. */
export const contextSchema = z.object({ tokens: count, max: count.nullable() });
export type ContextUse = z.output<typeof contextSchema>;

/**
 * The conversation of an attempt: its tool's own name for it (a session of Claude Code or OpenCode, a thread of Codex), and the folder of the
 * agent's node that it was in.
 */
export const conversationSchema = z.object({ id: z.string(), folder: z.string() });
export type Conversation = z.output<typeof conversationSchema>;

export const transcriptSchema = z.object({
  task_id: z.string(),
  agent_id: z.string(),
  attempt: count,
  /** The highest change of any entry: what comes later is asked for by it. */
  change: count,
  /** The oldest entry that is kept; 0 when there is none. */
  first: count,
  context: contextSchema.nullable(),
  /** Null: its tool names none, or has not yet; a node of an earlier version does not say. */
  conversation: conversationSchema.nullable().default(null),
  /** In their order. */
  entries: z.array(entrySchema),
  /** There are more, on the side that was asked for. */
  more: z.boolean(),
});
export type Transcript = z.output<typeof transcriptSchema>;

export const ENTRIES_ASKED_MAX = 500;

/**
 * Which entries: the newest, those before one (`before`), or those that changed after a change (`after`), the first of them where they are more
 * than `limit`.
 */
export const rangeSchema = z.object({
  before: count.optional(),
  after: count.optional(),
  limit: count.min(1).max(ENTRIES_ASKED_MAX),
});
export type TranscriptRange = z.output<typeof rangeSchema>;
