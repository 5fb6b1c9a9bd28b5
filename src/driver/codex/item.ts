import type { AgentEvent } from '#agent-ports.ts';
import { oneLine, toolTitle } from '../tool-title.ts';
import type { Item } from './messages.ts';

type Call = Extract<AgentEvent, { kind: 'tool' }>;

const ENDS: Readonly<Record<string, Call['state']>> = { completed: 'completed', declined: 'denied', failed: 'failed' };

/** What an item says of a tool that is used; undefined for words and thoughts. */
export function itemCall(item: Item, isOver: boolean): Call | undefined {
  const told = nameOf(item);
  if (told === undefined) return undefined;
  const state = isOver ? (ENDS[item.status ?? 'completed'] ?? 'failed') : 'running';
  return { kind: 'tool', id: item.id, name: told.name, title: told.title, state };
}

function nameOf(item: Item): { name: string; title: string } | undefined {
  switch (item.type) {
    case 'commandExecution':
      return titled('exec_command', { command: bare(item.command ?? '') });
    case 'fileChange': {
      const paths = (item.changes ?? []).map(({ path }) => path).join(', ');
      return { name: 'apply_patch', title: oneLine(`apply_patch: ${paths}`) };
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

const titled = (name: string, input: unknown) => ({ name, title: toolTitle(name, input) });

/** Codex wraps each command into its shell. */
const bare = (command: string): string => /^\S*sh -l?c '(.*)'$/s.exec(command)?.[1] ?? command;
