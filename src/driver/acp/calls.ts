import type { AgentEvent } from '#agent-ports.ts';
import { toolInput, toolOutput } from '../tool-text.ts';
import { oneLine } from '../tool-title.ts';
import type { ToolCall } from './messages.ts';
import { asDiff } from './permission.ts';

type Event = Extract<AgentEvent, { kind: 'tool' }>;

/** Calls of one turn, as their updates tell of them: each says only what is new. */
export class Calls {
  readonly #calls = new Map<string, ToolCall>();

  /** Undefined where it is no news: it runs, as it did. */
  updated(update: ToolCall): Event | undefined {
    const { toolCallId: id, status } = update;
    const before = this.#calls.get(id);
    const call = { ...before, ...definedOf(update), toolCallId: id };
    this.#calls.set(id, call);
    const state = status === 'completed' ? 'completed' : status === 'failed' ? 'failed' : 'running';
    if (before !== undefined && state === 'running') return undefined;
    const event: Event = {
      kind: 'tool',
      id,
      name: call.kind ?? 'tool',
      title: oneLine(call.title ?? call.kind ?? 'tool'),
      state,
      input: toolInput(call.rawInput),
    };
    return state === 'running' ? event : { ...event, output: toolOutput(answerOf(call)) };
  }

  clear(): void {
    this.#calls.clear();
  }
}

/** What people are shown of it; where there is nothing, what the tool itself returned. */
function answerOf({ content, rawOutput }: ToolCall): unknown {
  if (content === undefined || content === null || content.length === 0) return rawOutput;
  return content.map((one) => (one.type === 'diff' ? { type: 'text', text: asDiff(one) } : (one.content ?? one)));
}

const definedOf = (update: ToolCall): Partial<ToolCall> =>
  Object.fromEntries(Object.entries(update).filter(([, value]) => value !== undefined && value !== null));
