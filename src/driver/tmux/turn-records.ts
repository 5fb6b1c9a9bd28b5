/** Turns under way, so that a restarted node knows what it had asked of whom. */
import { z } from 'zod';
import { RecordFiles } from '../record-files.ts';

const recordSchema = z.object({
  /** The program that was asked: another one in the same pane knows nothing of it. */
  pid: z.number().int(),
  /** Which one of its attempt. */
  turn: z.number().int().default(1),
  prompt: z.string(),
  /** The screen as it was before. */
  before: z.string(),
  /** By the wall clock: a turn's limit goes on while the node is down. */
  submittedMs: z.number(),
  hasRun: z.boolean(),
  /** A hook said that this prompt was submitted: the end of its turn will be told by another one. */
  isTold: z.boolean().default(false),
});
export type TurnRecord = z.output<typeof recordSchema>;

/** By process id. */
export class TurnRecords extends RecordFiles<TurnRecord> {
  constructor(directory: string) {
    super(directory, recordSchema);
  }
}
