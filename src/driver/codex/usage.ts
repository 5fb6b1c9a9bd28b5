import type { Usage } from '#agent-ports.ts';
import type { Tokens } from './messages.ts';

/** What one request to the model used. */
export const usageOf = (o: { last: Tokens; contextMax: number | null; model: string | null }): Usage => ({
  model: o.model,
  inputTokens: o.last.inputTokens - o.last.cachedInputTokens,
  cachedTokens: o.last.cachedInputTokens,
  outputTokens: o.last.outputTokens,
  reasoningTokens: o.last.reasoningOutputTokens,
  costUsd: null,
  contextTokens: o.last.totalTokens,
  contextMax: o.contextMax,
});
