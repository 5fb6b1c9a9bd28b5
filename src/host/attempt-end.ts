/** What an attempt is asked and how it ends, in the words of the log. */
import type { EndReason, EndValue } from '#core/schema/body.ts';
import type { TaskCreated } from '#core/view/task.ts';
import type { Refusal } from '#core/refusal.ts';

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
