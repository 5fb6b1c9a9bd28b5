/** What an attempt is to do, and what it does it with. */
import type { NodeId, OpId } from '#core/brand.ts';
import type { EndValue, Work } from '#core/schema/body.ts';
import type { LiveAgent } from '#core/view/agent.ts';
import type { TaskCreated } from '#core/view/task.ts';
import type { Refusal } from '#core/refusal.ts';
import type { AgentDriver } from '#agent-ports.ts';
import type { BlobStore, OpStore, Runtime } from '#ports.ts';
import type { TranscriptFile } from '#store/transcripts.ts';
import type { Workspaces } from '#workspace/workspaces.ts';
import type { AgentDesk } from './agent-desk.ts';
import type { Glimpses } from './glimpses.ts';
import type { Sources } from './sources.ts';

export type AttemptPlan = { task: OpId; created: TaskCreated; attempt: number; agent: LiveAgent };

/** Where an attempt works: here, or on a compute node. */
export type AttemptWorkspaces = Pick<
  Workspaces,
  'prepare' | 'find' | 'deliver' | 'discard' | 'agentEnvironment' | 'salvageAndRemove'
>;

export type AttemptTools = {
  runtime: Runtime;
  driver: AgentDriver;
  workspaces: AttemptWorkspaces;
  store: Pick<OpStore, 'get'>;
  sources: Sources;
  blobs: BlobStore;
  glimpses: Glimpses;
  stash: (text: string) => Promise<EndValue['result']>;
  unstash: (text: TaskCreated['description']) => Promise<string>;
  /** Puts the work on a second node, the task's home before others; resolves when it is on disk there. Tries until it is, or the signal says stop. */
  deliver: (
    o: { voters: readonly NodeId[]; task: OpId; attempt: number; work: Work },
    signal: AbortSignal,
  ) => Promise<Refusal | undefined>;
  desk: AgentDesk;
  /** Where its transcript is kept. */
  transcripts: TranscriptFile;
  /** What the agent is told of earlier attempts, before its task; empty where there is nothing to tell. */
  before: (plan: AttemptPlan) => Promise<string>;
  log: (line: string) => void;
};
