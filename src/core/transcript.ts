/** What agents did, as a node reaches it for its doors, from whichever node has it. */
import type { OpId, Principal } from './brand.ts';
import type { AgentAttach } from './agent-terminal.ts';
import type { Refusal } from './refusal.ts';
import type { AgentTurns } from './schema/agent-turn.ts';
import type { Transcript, TranscriptRange } from './schema/transcript.ts';

/** `attempt` undefined: the one that runs, or the last. */
export type TranscriptOf = { task: OpId; attempt: number | undefined };

/** `held`: in a terminal that skep holds, as an agent; `own`: in one of the person's, who gets the command for it. */
export type OpenRequest = { by: Principal; terminal: 'held' | 'own' };
/** What is typed where to be in it. `agent`: the one that skep holds it as; null: none does. */
export type OpenedConversation = AgentAttach & { agent: OpId | null };

export interface Conversations {
  /**
   * The conversation of an attempt that is over, for a person to go on with in the terminal of its tool. Opened already, it is the same one. Refused
   * while its agent works in it: only one may write it.
   */
  openConversation(of: TranscriptOf, how: OpenRequest): Promise<OpenedConversation | Refusal>;
}

export interface Transcripts extends Conversations {
  taskTranscript(of: TranscriptOf, range: TranscriptRange): Promise<Transcript | Refusal>;
  /** Of its newest attempt that its node still has anything of. */
  agentTranscript(agent: OpId, range: TranscriptRange): Promise<Transcript | Refusal>;
  /** How the turns of an agent that is woken by messages stand, the newest `limit` of them. */
  agentTurns(agent: OpId, limit: number): Promise<AgentTurns | Refusal>;
}
