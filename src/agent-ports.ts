/** The seam between an agent and the node that drives it. One contract suite, `test/contract/driver.ts`, for every driver. */
import type { OpId, ProcId } from '#core/brand.ts';
import type { Seen } from '#core/boxing.ts';
import type { Refusal } from '#core/refusal.ts';
import type { AgentCommand } from '#core/schema/agent-command.ts';
import type { Exit, Runtime } from './ports.ts';

export type AgentState =
  | 'starting'
  | 'idle'
  | 'running'
  | 'waiting'
  | 'retrying'
  | 'rate_limited'
  | 'error'
  | 'exited'
  | 'unknown';

export type TurnOutcome = 'completed' | 'failed' | 'interrupted' | 'timed_out';

/**
 * Why a turn failed, where the tool says so; undefined for everything else. `model`: the model refused or could not be reached. `start_failed`: the
 * tool ended by itself, or hung, before the first word of its protocol, as one of a wrong version does; the text says what it said, and its version.
 */
export type TurnFailure = 'rate_limited' | 'login' | 'model' | 'agent_gone' | 'start_failed';

/**
 * What a tool asks before it goes on. It is answered once, or withdrawn by the tool itself (`permission_closed`): when the turn ends, or when a
 * person answered in a terminal.
 */
export type PermissionRequest = {
  /** The tool's own name for the request, unique in its session: also after a restart of the node the same request has the same name. */
  request: string;
  kind: 'command' | 'edit' | 'tool' | 'question';
  /** The tool's word for what it wants to use: `Bash`, `Edit`, `exec_command`, `mcp__files__read`. */
  tool: string;
  /** One line for a list. */
  title: string;
  /** Exactly what would be done: the command, the diff, the arguments as JSON, the question. */
  detail: string;
  cwd: string | null;
  /** Absolute paths that would be changed, as far as the tool says. */
  paths: readonly string[];
};

/** `message`: why not, told to the agent; for a question, the answer to it. */
export type PermissionAnswer = { behavior: 'allow' | 'deny'; message: string };

/** What was used since the last `usage` event of the session: the sum over a session is what the session used. */
export type Usage = {
  model: string | null;
  /** Tokens read that were in no cache. */
  inputTokens: number;
  cachedTokens: number;
  /** Reasoning tokens included. */
  outputTokens: number;
  reasoningTokens: number;
  /** As the tool itself counts it, in US dollars; null where it does not. */
  costUsd: number | null;
};

/** Of what a tool is given or answers, what is kept; `chars`: of all of it, which may be more. */
export type ToolText = { text: string; chars: number };

/**
 * A turn ends exactly once. `exited` is the last event. `screen`: all that a terminal shows now, and the line of it that tells most. `session`: the
 * tool's own name for the conversation, by which it can be resumed. `tool`: a call that the model made, told at its beginning with its input and at
 * its end with its output, as far as there are any. `context`: tokens in the conversation now, and how many fit; null where the tool does not say, or
 * has not yet.
 */
export type AgentEvent =
  | {
      kind: 'state';
      state: AgentState;
      source: 'protocol' | 'hooks' | 'screen';
      exact: boolean;
      evidence: string;
      /** Until when it stays so, by the wall clock, where the tool says so: the reset of a rate limit. */
      untilMs?: number;
    }
  | { kind: 'session'; session: string }
  | { kind: 'delta'; stream: 'stdout' | 'stderr' | 'thought'; text: string }
  | { kind: 'screen'; text: string; progress: string | null }
  | {
      kind: 'tool';
      id: string;
      name: string;
      title: string;
      state: 'running' | 'completed' | 'failed' | 'denied';
      input?: ToolText | undefined;
      output?: ToolText | undefined;
    }
  | { kind: 'permission'; request: PermissionRequest }
  | { kind: 'permission_closed'; request: string }
  /** Told again with the same `id`, unique in its session, when a node attaches to the session: it counts once. */
  | { kind: 'usage'; id: string; usage: Usage }
  | { kind: 'context'; tokens: number; max: number | null }
  | { kind: 'turn_started'; turn: string }
  | {
      kind: 'turn_ended';
      turn: string;
      outcome: TurnOutcome;
      text: string;
      exit: Exit | undefined;
      failure?: TurnFailure;
    }
  | { kind: 'exited'; exit: Exit };

/** A tool server that an agent is to offer its model, spoken to over the standard input and output of a program. */
export type ToolServer = {
  name: string;
  command: readonly [string, ...string[]];
  env: Readonly<Record<string, string>>;
};

export type SessionSpec = {
  agent: OpId;
  procId: ProcId;
  cwd: string;
  env: Readonly<Record<string, string>>;
  /** A turn above this is ended as `timed_out`, by the same ladder as an interrupt. */
  turnLimitMs: number;
  /** The tool's own name for a conversation to go on with (see the event `session`); null begins a new one. Drivers without conversations ignore it. */
  resume: string | null;
  /**
   * Goes on with a copy of `resume`, which stays as it was: the event `session` names the copy. The first turn fails where the tool cannot copy one, or
   * does not know it.
   */
  fork?: boolean;
  /** What the agent is told before its first turn, beside the tool's own instructions; empty for nothing. */
  instructions: string;
  servers: readonly ToolServer[];
  /** A configuration directory of the agent's own, which `env` names to its tool; absent: it uses that of its user. */
  home?: string | undefined;
  /** Folders outside `cwd` that the agent must be able to write to: of a worktree, the repository that it belongs to. */
  writable: readonly string[];
  /** It runs in a box, which is its sandbox, and reaches models at this address alone: one of the box's own loopback, without a path. */
  relayUrl?: string;
  /** What a box shows of its machine; see {@link Seen}. Drivers add what they themselves wrote for the agent. */
  sees?: readonly Seen[];
};

export interface AgentSession {
  readonly events: AsyncIterable<AgentEvent>;
  /** Starts the tool and begins its conversation now, where it would else do so with the first prompt. Awaited before that; once. */
  prepare?(): Promise<void>;
  prompt(text: string): Promise<string>;
  steer(text: string): Promise<void>;
  interrupt(): Promise<void>;
  /** Answers a `permission` event. One that is closed or answered already is left alone. */
  answer(request: string, answer: PermissionAnswer): Promise<void>;
  close(graceMs: number): Promise<void>;
}

export interface AgentDriver {
  readonly tool: string;
  /** A conversation is copied where it was: that folder must be there until the copy has its first turn. */
  readonly copiesInPlace?: boolean;
  open(spec: SessionSpec, runtime: Runtime): Promise<AgentSession>;
  /** The session that was open when this node stopped, its turn still running or already ended; undefined when the runtime has no trace of it. */
  attach(spec: SessionSpec, runtime: Runtime): Promise<AgentSession | undefined>;
}

/** Commands of one agent that go on beyond the turn in which it started them. The end of each comes to its mailbox, once. */
export interface TurnCommands {
  /** Resolves when it runs, which rules or a person may have to allow first. A refusal has started nothing. */
  start(wanted: { command: string; title: string | undefined; limitS: number }): Promise<AgentCommand | Refusal>;
  /** The newest first, ended ones among them. */
  list(): AgentCommand[];
  /** Resolves when it has ended. */
  stop(n: number): Promise<AgentCommand | Refusal>;
}

/**
 * An agent in one of its attempts, as its own tool calls reach it. Answers are texts for the agent; what is said of an attempt that is over
 * changes nothing.
 */
export interface AttemptBearer {
  readonly agent: OpId;
  readonly task: OpId;
  readonly attempt: number;
  /** The task is done. The attempt ends with its turn; this is its result. Said again, it changes nothing. */
  complete(summary: string): Promise<string>;
  /** It cannot be done. */
  fail(reason: string): Promise<string>;
  /** Puts a question to people. Their answer opens the agent's next turn. */
  ask(question: string): Promise<string>;
  progress(text: string): string;
  /** False when it has made as many tasks as one attempt may; counts this one otherwise. */
  mayCreateTask(): boolean;
  /** Only of an agent that is woken by messages. */
  readonly commands?: TurnCommands;
}

/** What a tool in a terminal tells by one of its hooks, as far as skep reads it; null where the tool says nothing of it. */
export type HookReport = {
  /** `UserPromptSubmit`, `Stop`, … */
  event: string;
  session: string | null;
  cwd: string | null;
  /** Why a session began. */
  source: string | null;
  prompt: string | null;
  tool: string | null;
  input: Readonly<Record<string, unknown>>;
  /** What a notification is about. */
  notification: string | null;
  /** What the agent said last. */
  message: string | null;
  error: string | null;
  /** The hook's own name for what it asks, where it waits for an answer. */
  request: string | null;
};

/** The hooks of an agent in a terminal, known by the secret of that agent. */
export interface HookBearer {
  readonly agent: OpId;
  /** Resolves with the tool's own words for a decision, once there is one; undefined where there is nothing to decide, or not any more. */
  report(report: HookReport): Promise<Readonly<Record<string, unknown>> | undefined>;
  /** The tool does not ask any more: somebody answered in the terminal. */
  withdraw(request: string): void;
}
