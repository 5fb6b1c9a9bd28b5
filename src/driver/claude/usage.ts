import type { AgentEvent } from '#agent-ports.ts';
import type { ApiUsage, Result } from './messages.ts';

/** One event a model, with the name of the result that told it. `context`: what the last answer of the model was made from. */
export function usageOf(result: Result, context: ApiUsage | undefined): Extract<AgentEvent, { kind: 'usage' }>[] {
  const contextTokens =
    context === undefined
      ? null
      : (context.input_tokens ?? 0) +
        (context.cache_read_input_tokens ?? 0) +
        (context.cache_creation_input_tokens ?? 0) +
        (context.output_tokens ?? 0);
  const since = Object.entries(result.model_usage_since_last_result ?? {});
  if (result.model_usage_since_last_result === undefined && result.usage !== undefined && result.usage !== null) {
    return [{ kind: 'usage', id: result.uuid, usage: olderUsage(result.usage, contextTokens) }];
  }
  return since.map(([model, used]) => ({
    kind: 'usage',
    id: `${result.uuid} ${model}`,
    usage: {
      model,
      inputTokens: used.inputTokens + used.cacheCreationInputTokens,
      cachedTokens: used.cacheReadInputTokens,
      outputTokens: used.outputTokens,
      reasoningTokens: used.thinkingTokens,
      costUsd: used.costUSD ?? null,
      contextTokens,
      contextMax: used.contextWindow ?? null,
    },
  }));
}

/** Older versions tell the turn's tokens, and the cost only as a sum over the session. */
const olderUsage = (usage: ApiUsage, contextTokens: number | null) => ({
  model: null,
  inputTokens: (usage.input_tokens ?? 0) + (usage.cache_creation_input_tokens ?? 0),
  cachedTokens: usage.cache_read_input_tokens ?? 0,
  outputTokens: usage.output_tokens ?? 0,
  reasoningTokens: 0,
  costUsd: null,
  contextTokens,
  contextMax: null,
});
