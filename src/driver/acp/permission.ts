/** `session/request_permission` as a question for people, and their answer in its words. */
import { isAbsolute } from 'node:path';
import { z } from 'zod';
import type { PermissionAnswer, PermissionRequest } from '#agent-ports.ts';
import { oneLine } from '../tool-title.ts';
import type { permissionParams, RequestId, ToolCall } from './messages.ts';

type Asked = z.output<typeof permissionParams>;

const commandInput = z.looseObject({ command: z.union([z.string(), z.array(z.string())]) });

/** Request ids are counted anew in each process; with the call they name one request of the conversation. */
export function permissionOf(id: RequestId, { toolCall }: Asked, cwd: string): PermissionRequest {
  const command = commandOf(toolCall);
  const diffs = (toolCall.content ?? []).filter(({ type }) => type === 'diff');
  const paths = [...diffs.flatMap(({ path }) => path ?? []), ...(toolCall.locations ?? []).map(({ path }) => path)];
  const title = oneLine(command ?? toolCall.title ?? toolCall.kind ?? 'a tool');
  const base = {
    request: `${toolCall.toolCallId} ${JSON.stringify(id)}`,
    tool: toolCall.kind ?? 'tool',
    title,
    cwd,
    paths: [...new Set(paths.filter(isAbsolute))],
  };
  if (command !== undefined) return { ...base, kind: 'command', detail: command };
  if (diffs.length > 0 || toolCall.kind === 'edit') {
    return { ...base, kind: 'edit', detail: diffs.map(asDiff).join('\n') || JSON.stringify(toolCall.rawInput ?? {}) };
  }
  return { ...base, kind: 'tool', detail: JSON.stringify(toolCall.rawInput ?? toolCall, undefined, 2) };
}

/**
 * True when it is a tool of one of these servers that is to be called. The protocol has no word for that; Gemini CLI says it by the title that it makes of
 * both names (`DiscoveredMCPTool`), in which a name of another server stands last, too.
 */
export function callsServer({ toolCall: { kind, title } }: Asked, servers: readonly { name: string }[]): boolean {
  const called = kind === 'other' ? /^\w+ \((\S+) MCP Server\)$/.exec(title ?? '')?.[1] : undefined;
  return servers.some(({ name }) => name === called);
}

/** Options are chosen by their kind: their ids are each agent's own. Without one of the kind the request is cancelled, which allows nothing. */
export function outcomeOf({ options }: Asked, { behavior }: Pick<PermissionAnswer, 'behavior'>): object {
  const wanted = behavior === 'allow' ? 'allow_once' : 'reject_once';
  const option = options.find(({ kind }) => kind === wanted);
  return {
    outcome: option === undefined ? { outcome: 'cancelled' } : { outcome: 'selected', optionId: option.optionId },
  };
}

/**
 * Undefined where the call does not say exactly what it would run: a title is for people, and words without their quotes are another command. Rules
 * for commands then do not allow it.
 */
function commandOf({ kind, rawInput }: ToolCall): string | undefined {
  if (kind !== 'execute') return undefined;
  const input = commandInput.safeParse(rawInput).data?.command;
  if (input === undefined || typeof input === 'string') return input;
  const [shell, option, script, ...more] = input;
  const isScript = /(^|\/)(ba|z|da)?sh$/.test(shell ?? '') && /^-l?c$/.test(option ?? '') && more.length === 0;
  return isScript ? script : undefined;
}

type Diff = NonNullable<ToolCall['content']>[number];

/** As people read it, a line each of what goes and what comes. */
export const asDiff = ({ path = '', oldText, newText = '' }: Diff): string =>
  [path, ...marked('-', oldText ?? ''), ...marked('+', newText)].join('\n');

const marked = (mark: string, text: string): string[] =>
  text === ''
    ? []
    : text
        .replace(/\n$/, '')
        .split('\n')
        .map((line) => `${mark}${line}`);
