import type { OpId } from './brand.ts';

/** A glimpse of work in progress, for watchers: lost when nobody looks. */
export type Glimpse = {
  task: OpId;
  agent: OpId;
  attempt: number;
  status: string;
  /** Last line the agent printed. */
  progress: string | null;
  /** What it printed since the last glimpse; only for watchers of this task. */
  output: string | undefined;
  /** The newest change of its transcript: whoever shows it asks for what is new. Undefined: it has none. */
  transcript?: number | undefined;
};
