import type { AgentEvent, Usage } from '#agent-ports.ts';
import type { Notification, Tokens } from './messages.ts';

type Updated = Extract<Notification, { method: 'thread/tokenUsage/updated' }>['params'];

/** What one request to the model used, and what is in the conversation since. */
export function usedBy({ threadId, tokenUsage }: Updated, model: string | null): AgentEvent[] {
  const { total, last, modelContextWindow } = tokenUsage;
  return [
    { kind: 'usage', id: `${threadId} ${total.totalTokens}`, usage: usageOf(last, model) },
    { kind: 'context', tokens: last.totalTokens, max: modelContextWindow ?? null },
  ];
}

const usageOf = (last: Tokens, model: string | null): Usage => ({
  model,
  inputTokens: last.inputTokens - last.cachedInputTokens,
  cachedTokens: last.cachedInputTokens,
  outputTokens: last.outputTokens,
  reasoningTokens: last.reasoningOutputTokens,
  costUsd: null,
});
