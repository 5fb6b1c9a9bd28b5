/** What an attempt is asked and how it ends, in the words of the log. */
import type { EndReason, EndValue } from '#core/schema/body.ts';
import type { TaskCreated } from '#core/view/task.ts';
import type { Refusal } from '#core/refusal.ts';
import type { AgentEvent } from '#agent-ports.ts';
import { UNCONFIRMED } from './agent-words.ts';
import { TURN_LIMIT_MS } from './attempt-spec.ts';
import type { Said } from './completion-record.ts';

type TurnEnded = Extract<AgentEvent, { kind: 'turn_ended' }>;

export type AttemptEnd = Pick<EndValue, 'kind' | 'reason' | 'result' | 'error' | 'work' | 'by'>;

export const end = (kind: EndValue['kind'], reason: EndReason | null, error: string | null): AttemptEnd => ({
  kind,
  reason,
  result: null,
  error,
  work: null,
  by: null,
});

/** A refusal as the error of an attempt: what was expected and what came are what a person can act on. */
export const told = ({ message, expected, got }: Pick<Refusal, 'message' | 'expected' | 'got'>): string =>
  [
    message,
    ...(expected === undefined ? [] : [`expected: ${expected}`]),
    ...(got === undefined ? [] : [`got: ${got}`]),
  ].join('\n');

/** A script is run as it stands; its context is in its environment. */
export const scriptOf = (task: Pick<TaskCreated, 'title'>, description: string): string =>
  description.trim() === '' ? task.title : description;

/** The seed's prompt for an agent that reads: what to do, then what to know, then where. */
export function promptOf(
  task: Pick<TaskCreated, 'title' | 'projectPath'>,
  o: { description: string; context: string },
): string {
  const parts = [
    scriptOf(task, o.description).trim(),
    ...(o.context.trim() === '' ? [] : [`Context: ${o.context.trim()}`]),
    ...(task.projectPath === null ? [] : [`Project path: ${task.projectPath}`]),
  ];
  return parts.join('\n\n');
}

/**
 * Why an attempt failed whose last turn ended so; undefined where it did not. What the agent said itself counts more than how its turn ended: a
 * model that cannot be reached any more takes nothing back.
 */
export function failureOf(o: {
  said: Said | null;
  event: TurnEnded | undefined;
  limitSeconds: number | null;
  /** The last lines that it printed. */
  tail: string;
}): { end: AttemptEnd; text: string } | undefined {
  const { said, event, tail } = o;
  const because = (kind: EndValue['kind'], reason: EndReason, text: string) => ({ end: end(kind, reason, null), text });
  if (said?.kind === 'failed') return because('failed', 'script_failed', said.text);
  if (said?.kind === 'completed') return undefined;
  if (said !== null) return because('failed', 'refused', `it asked, and nobody answered: ${said.text}`);
  if (event === undefined) return because('failed', 'script_failed', 'the agent ended without ending its turn');
  if (event.outcome === 'timed_out')
    return because('failed', 'timed_out', `${limitText(o.limitSeconds)}\n${tail}`.trim());
  if (event.outcome !== 'failed') return undefined;
  // The task was never asked: its agent is to be repaired.
  if (event.failure === 'start_failed') return because('failed', 'setup_failed', event.text);
  const text = `${whyOf(event)}\n${tail}`.trim();
  if (event.exit?.error === 'holder_lost') return because('lost', 'lost', text);
  // Its work is kept, and goes on in the next allocation; what it said last are the notes for whoever does it.
  if (event.exit?.error?.startsWith('allocation_') === true)
    return because('released', 'walltime', `${CUT_OFF}\n${tail}`.trim());
  // Whoever stopped the node with its agents has said nothing about the task.
  if (event.exit?.error === 'holder_stopped') return because('released', 'interrupted', text);
  return because('failed', 'script_failed', text);
}

/** A tool that goes on after its turn failed says why; a program that ended has its exit. */
function whyOf({ exit, text }: TurnEnded): string {
  if (exit === undefined) return text.trim() === '' ? 'failed' : text.trim();
  return exit.error ?? (exit.signal === null ? `exit code ${exit.code}` : `signal ${exit.signal}`);
}

const limitText = (own: number | null): string =>
  `stopped after ${own === null ? `${TURN_LIMIT_MS / 60_000} min of work, the limit of a task without one` : `${own} s, its time limit`}`;

/** What an attempt that completed came to. `isAsked`: the agent has the tool to say so itself. */
export function resultOf({ said, text, isAsked }: { said: Said | null; text: string; isAsked: boolean }): string {
  if (said !== null) return said.text;
  return isAsked ? `${text}\n\n${UNCONFIRMED}`.trim() : text;
}

/** The state of an agent that asked people something and ended its turn. */
export const waitingFor = (question: string): AgentEvent =>
  saidHere('waiting', `it asks people by task_needs_input: ${question.slice(0, QUESTION_MAX_CHARS)}`);

/** Of an agent whose turn a person stopped. */
export const stoppedByPerson: AgentEvent = saidHere(
  'waiting',
  'a person stopped its turn; it waits to be told what to do instead',
);
export const toldByPerson: AgentEvent = saidHere('running', 'a person told it what to do instead');

function saidHere(state: 'waiting' | 'running', evidence: string): AgentEvent {
  return { kind: 'state', state, source: 'protocol', exact: true, evidence };
}

const CUT_OFF = 'its allocation ended in the middle of its turn; what it had made is kept as commits';

const QUESTION_MAX_CHARS = 500;
