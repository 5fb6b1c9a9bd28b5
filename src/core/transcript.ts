/** What agents did, as a node reaches it for its doors, from whichever node has it. */
import type { OpId } from './brand.ts';
import type { Refusal } from './refusal.ts';
import type { Transcript, TranscriptRange } from './schema/transcript.ts';

/** `attempt` undefined: the one that runs, or the last. */
export type TranscriptOf = { task: OpId; attempt: number | undefined };

export interface Transcripts {
  taskTranscript(of: TranscriptOf, range: TranscriptRange): Promise<Transcript | Refusal>;
  /** Of its newest attempt that its node still has anything of. */
  agentTranscript(agent: OpId, range: TranscriptRange): Promise<Transcript | Refusal>;
}
