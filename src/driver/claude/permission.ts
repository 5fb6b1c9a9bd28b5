/** Claude Code's `can_use_tool`, as a question for people, and their answer in its words. */
import { isAbsolute } from 'node:path';
import { z } from 'zod';
import type { PermissionAnswer, PermissionRequest } from '#agent-ports.ts';
import { oneLine, toolTitle } from '../tool-title.ts';
import type { Asked } from './messages.ts';

const EDITS: ReadonlySet<string> = new Set(['Edit', 'MultiEdit', 'Write', 'NotebookEdit']);
const QUESTION = 'AskUserQuestion';

/** A larger input is not repeated in the answer: the tool then uses what it asked for. */
const REPEATED_MAX_CHARS = 1024 * 1024;

const questions = z.looseObject({
  questions: z.array(
    z.looseObject({
      question: z.string(),
      options: z.array(z.looseObject({ label: z.string(), description: z.string().optional() })).default([]),
    }),
  ),
});

const pair = z.looseObject({ old_string: z.string(), new_string: z.string() });
const edited = z.looseObject({
  file_path: z.string().optional(),
  notebook_path: z.string().optional(),
  content: z.string().optional(),
  old_string: z.string().optional(),
  new_string: z.string().optional(),
  new_source: z.string().optional(),
  edits: z.array(pair).optional(),
});

export function permissionOf({ request_id, request }: Asked, cwd: string): PermissionRequest {
  const { tool_name: tool = 'unknown', input, blocked_path: blocked } = request;
  const command = tool === 'Bash' && typeof input['command'] === 'string' ? input['command'] : undefined;
  const edit = EDITS.has(tool) ? edited.safeParse(input).data : undefined;
  const asks = tool === QUESTION ? questions.safeParse(input).data : undefined;
  const path = edit?.file_path ?? edit?.notebook_path ?? blocked ?? undefined;
  const base = { request: request_id, tool, cwd, paths: path !== undefined && isAbsolute(path) ? [path] : [] };
  if (command !== undefined) return { ...base, kind: 'command', title: oneLine(command), detail: command };
  if (edit !== undefined) return { ...base, kind: 'edit', title: toolTitle(tool, input), detail: diffOf(edit) };
  if (asks !== undefined) {
    const title = oneLine(asks.questions[0]?.question ?? tool);
    return { ...base, kind: 'question', title, detail: asks.questions.map(asText).join('\n\n') };
  }
  return { ...base, kind: 'tool', title: toolTitle(tool, input), detail: JSON.stringify(input, undefined, 2) };
}

/** The body of the `control_response`. */
export function decisionOf({ request }: Asked, { behavior, message }: PermissionAnswer): object {
  if (behavior === 'deny') return { behavior, message: message === '' ? 'denied' : message };
  const { input } = request;
  const asks = request.tool_name === QUESTION ? questions.safeParse(input).data : undefined;
  if (asks !== undefined) return { behavior, updatedInput: { ...input, answers: answersTo(asks, message) } };
  return JSON.stringify(input).length > REPEATED_MAX_CHARS ? { behavior } : { behavior, updatedInput: input };
}

/** A line a question, where there are as many; else the whole answer to each. */
function answersTo({ questions: asked }: z.output<typeof questions>, answer: string): Record<string, string> {
  const lines = answer.trim().split('\n');
  return Object.fromEntries(
    asked.map(({ question }, at) => [question, lines.length === asked.length ? (lines[at] ?? '') : answer]),
  );
}

const asText = ({ question, options }: z.output<typeof questions>['questions'][number]): string =>
  [
    question,
    ...options.map(({ label, description }) => `- ${label}${description === undefined ? '' : `: ${description}`}`),
  ].join('\n');

/** What is taken away and what is put there. Where in the file it stands, the tool does not say. */
function diffOf(edit: z.output<typeof edited>): string {
  const path = edit.file_path ?? edit.notebook_path ?? '';
  const single = {
    old_string: edit.old_string ?? '',
    new_string: edit.new_string ?? edit.content ?? edit.new_source ?? '',
  };
  const parts = (edit.edits ?? [single]).flatMap((one) => [
    ...marked('-', one.old_string),
    ...marked('+', one.new_string),
  ]);
  return [path, ...parts].join('\n');
}

const marked = (mark: string, text: string): string[] =>
  text === ''
    ? []
    : text
        .replace(/\n$/, '')
        .split('\n')
        .map((line) => `${mark}${line}`);
