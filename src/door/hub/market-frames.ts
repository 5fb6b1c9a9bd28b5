/** Frames of files, skills and deals: one schema a type. Who may say them and what follows stands in `market-handlers.ts`. */
import { z } from 'zod';
import { agent, FRAME_MAX_BYTES } from './fields.ts';

export const MARKET_FRAMES = {
  FILE_CHUNK: z.object({ to: agent, content: z.string().min(1).max(FRAME_MAX_BYTES) }),
} as const;

const COURT = 'disputes go to the operator';

/** Known by name, and answered with a reason: AgentChat's court of agents (a dispute is the operator's here), and what is not built yet. */
export const NOT_HERE: ReadonlyMap<string, string> = new Map([
  ['DISPUTE', COURT],
  ['DISPUTE_INTENT', COURT],
  ['DISPUTE_REVEAL', COURT],
  ['EVIDENCE', COURT],
  ['ARBITER_ACCEPT', COURT],
  ['ARBITER_DECLINE', COURT],
  ['ARBITER_VOTE', COURT],
  ['REGISTER_SKILLS', 'REGISTER_SKILLS is not there yet'],
  ['SEARCH_SKILLS', 'SEARCH_SKILLS is not there yet'],
  ['PROPOSAL', 'PROPOSAL is not there yet'],
  ['ACCEPT', 'ACCEPT is not there yet'],
  ['REJECT', 'REJECT is not there yet'],
  ['COMPLETE', 'COMPLETE is not there yet'],
]);
