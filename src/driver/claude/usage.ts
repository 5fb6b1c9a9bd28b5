import type { AgentEvent } from '#agent-ports.ts';
import type { ApiUsage, Result } from './messages.ts';

/** What the last answer of the model was made from, and that answer. Undefined: it has not said. */
export function contextTokensOf(context: ApiUsage | undefined): number | undefined {
  if (typeof context?.input_tokens !== 'number') return undefined;
  const { cache_read_input_tokens: read, cache_creation_input_tokens: made, output_tokens: output } = context;
  return context.input_tokens + (read ?? 0) + (made ?? 0) + (output ?? 0);
}

/** Of the model that was asked for most of it: others are helpers for titles and the like. */
export function contextMaxOf({ model_usage_since_last_result: since = {} }: Result): number | undefined {
  const [most] = Object.values(since).toSorted((a, b) => b.outputTokens - a.outputTokens);
  return most?.contextWindow ?? undefined;
}

/** One event a model, with the name of the result that told it. */
export function usageOf(result: Result): Extract<AgentEvent, { kind: 'usage' }>[] {
  const since = Object.entries(result.model_usage_since_last_result ?? {});
  if (result.model_usage_since_last_result === undefined && result.usage !== undefined && result.usage !== null) {
    return [{ kind: 'usage', id: result.uuid, usage: olderUsage(result.usage) }];
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
    },
  }));
}

/** Older versions tell the turn's tokens, and the cost only as a sum over the session. */
const olderUsage = (usage: ApiUsage) => ({
  model: null,
  inputTokens: (usage.input_tokens ?? 0) + (usage.cache_creation_input_tokens ?? 0),
  cachedTokens: usage.cache_read_input_tokens ?? 0,
  outputTokens: usage.output_tokens ?? 0,
  reasoningTokens: 0,
  costUsd: null,
});
