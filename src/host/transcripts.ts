/** What agents did in their attempts: written here for those of this node, read from whichever node has it. */
import { z } from 'zod';
import type { NodeId, OpId } from '#core/brand.ts';
import type { Refusal } from '#core/refusal.ts';
import { refusal } from '#core/refusal.ts';
import { opIdSchema } from '#core/schema/ids.ts';
import type { AgentTurns } from '#core/schema/agent-turn.ts';
import { agentTurnsSchema, TURNS_ASKED_MAX } from '#core/schema/agent-turn.ts';
import type { Transcript, TranscriptRange } from '#core/schema/transcript.ts';
import { rangeSchema, transcriptSchema } from '#core/schema/transcript.ts';
import type { Conversations, TranscriptOf, Transcripts } from '#core/transcript.ts';
import type { LiveAgent } from '#core/view/agent.ts';
import type { OpStore } from '#ports.ts';
import type { AttemptName, KeptTranscript, TranscriptFile } from '#store/transcripts.ts';
import { atAgentHome, atAttemptHome } from './at-home.ts';
import type { AttemptPlan } from './attempt-plan.ts';
import { isReader } from './attempt-spec.ts';
import type { Remote } from './remote.ts';
import type { TurnKeeper } from './turns/turn-keeper.ts';
import { AttemptTranscript } from './transcript.ts';

const DEADLINE_MS = 5_000;

const taskParams = rangeSchema.extend({ task: opIdSchema, attempt: z.number().int().min(1).max(20) });
const turnsParams = z.object({ agent: opIdSchema, limit: z.number().int().min(1).max(TURNS_ASKED_MAX) });
const agentParams = rangeSchema.extend({ agent: opIdSchema });

type TranscriptsParts = {
  self: NodeId;
  store: Pick<OpStore, 'get'>;
  remote: Remote;
  transcripts: TranscriptFile;
};

/** Opens the transcript of an attempt; undefined for a script, whose output says it all. */
export function transcriptOf(
  { task, attempt, agent }: AttemptPlan,
  file: TranscriptFile,
): AttemptTranscript | undefined {
  if (!isReader(agent)) return undefined;
  file.begin({ task, attempt, agent: agent.id });
  return new AttemptTranscript({ file, of: { task, attempt }, nowMs: Date.now });
}

/** Of the turns of an agent that are no task's, all in one: the oldest entries are dropped. */
export function turnTranscript({ id }: Pick<LiveAgent, 'id'>, file: TranscriptFile): AttemptTranscript {
  const of = { task: id, attempt: 1 };
  file.begin({ ...of, agent: id });
  return new AttemptTranscript({ file, of, nowMs: Date.now });
}

type Beside = {
  flush: (of: AttemptName) => void;
  opened: Conversations;
  turns: Pick<TurnKeeper, 'standing'>;
};

export class SwarmTranscripts implements Transcripts {
  readonly #o: TranscriptsParts;
  readonly #flush: (of: AttemptName) => void;
  readonly openConversation: Transcripts['openConversation'];
  readonly #turns: Pick<TurnKeeper, 'standing'>;

  /** `flush`: what is still open of an attempt is put on file. */
  constructor(o: TranscriptsParts & Beside) {
    this.#o = o;
    this.openConversation = (of, how) => o.opened.openConversation(of, how);
    this.#flush = o.flush;
    this.#turns = o.turns;
    o.remote.serve('task.transcript', taskParams, async ({ task, attempt, ...range }) =>
      this.#taskHere({ task, attempt }, range),
    );
    o.remote.serve('agent.turns', turnsParams, async ({ agent, limit }) => this.#turnsHere(agent, limit));
    o.remote.serve('agent.transcript', agentParams, async ({ agent, ...range }) => this.#agentHere(agent, range));
  }

  async taskTranscript(of: TranscriptOf, range: TranscriptRange): Promise<Transcript | Refusal> {
    return atAttemptHome(of, this.#o, {
      here: (name) => this.#taskHere(name, range),
      method: 'task.transcript',
      params: range,
      deadlineMs: DEADLINE_MS,
      answer: transcriptSchema,
    });
  }

  agentTranscript(agent: OpId, range: TranscriptRange): Promise<Transcript | Refusal> {
    const here = async () => this.#agentHere(agent, range);
    const params = { agent, ...range };
    return atAgentHome(agent, this.#o, { here, method: 'agent.transcript', params, answer: transcriptSchema });
  }

  agentTurns(agent: OpId, limit: number): Promise<AgentTurns | Refusal> {
    const here = async () => this.#turnsHere(agent, limit);
    return atAgentHome(agent, this.#o, {
      here,
      method: 'agent.turns',
      params: { agent, limit },
      answer: agentTurnsSchema,
    });
  }

  #turnsHere(agent: OpId, limit: number): AgentTurns | Refusal {
    return this.#turns.standing(agent, limit) ?? NO_TURNS;
  }

  #taskHere(of: AttemptName, range: TranscriptRange): Transcript | Refusal {
    const kept = this.#o.transcripts.find(of);
    return kept === undefined ? NOTHING_KEPT : this.#read(kept, range);
  }

  #agentHere(agent: OpId, range: TranscriptRange): Transcript | Refusal {
    const kept = this.#o.transcripts.findOf(agent);
    return kept === undefined ? NOTHING_KEPT : this.#read(kept, range);
  }

  #read(kept: KeptTranscript, range: TranscriptRange): Transcript {
    this.#flush(kept);
    const { change, first, entries, more } = this.#o.transcripts.read(kept, range);
    const { task, agent, attempt, context, conversation } = kept;
    return { task_id: task, agent_id: agent, attempt, change, first, context, conversation, entries, more };
  }
}

const NO_TURNS = refusal('conflict', 'this agent takes tasks, and no turn of it begins for a message', {
  expected: 'an agent that was registered with turns',
});

const NOTHING_KEPT = refusal('no_work', 'no transcript is kept of it: a script has none, and the oldest are dropped');
