import type { AgentEvent } from '#agent-ports.ts';
import { toolInput, toolOutput } from '../tool-text.ts';
import { oneLine, toolTitle } from '../tool-title.ts';
import type { Item } from './messages.ts';

type Call = Extract<AgentEvent, { kind: 'tool' }>;

const ENDS: Readonly<Record<string, Call['state']>> = { completed: 'completed', declined: 'denied', failed: 'failed' };

/** What an item says of a tool that is used; undefined for words and thoughts. */
export function itemCall(item: Item, isOver: boolean): Call | undefined {
  const told = nameOf(item);
  if (told === undefined) return undefined;
  const state = isOver ? (ENDS[item.status ?? 'completed'] ?? 'failed') : 'running';
  const { name, title, input } = told;
  const call: Call = { kind: 'tool', id: item.id, name, title, state, input: toolInput(input) };
  return isOver ? { ...call, output: toolOutput(answerOf(item)) } : call;
}

/** The exit code is a part of what a command answers. */
function answerOf({ aggregatedOutput, exitCode, result, error, contentItems }: Item): unknown {
  if (error !== undefined && error !== null) return error.message;
  if (typeof exitCode !== 'number' || exitCode === 0) return aggregatedOutput ?? result?.content ?? contentItems;
  return `${aggregatedOutput ?? ''}\n[exit code ${exitCode}]`.trimStart();
}

function nameOf(item: Item): { name: string; title: string; input: unknown } | undefined {
  switch (item.type) {
    case 'commandExecution':
      return titled('exec_command', { command: bare(item.command ?? '') });
    case 'fileChange': {
      const paths = (item.changes ?? []).map(({ path }) => path).join(', ');
      const input = (item.changes ?? []).map(({ path, diff }) => `${path}\n${diff}`).join('\n');
      return { name: 'apply_patch', title: oneLine(`apply_patch: ${paths}`), input };
    }
    case 'mcpToolCall':
      return titled(`mcp__${item.server ?? ''}__${item.tool ?? ''}`, item.arguments);
    case 'dynamicToolCall':
      return titled(item.tool ?? 'tool', item.arguments);
    case 'webSearch':
      return titled('web_search', { query: item.query });
    default:
      return undefined;
  }
}

const titled = (name: string, input: unknown) => ({ name, title: toolTitle(name, input), input });

/** Codex wraps each command into its shell. */
const bare = (command: string): string => /^\S*sh -l?c '(.*)'$/s.exec(command)?.[1] ?? command;
