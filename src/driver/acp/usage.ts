import type { z } from 'zod';
import type { AgentEvent } from '#agent-ports.ts';
import type { promptResult } from './messages.ts';

type Result = z.output<typeof promptResult>;
type UsageEvent = Extract<AgentEvent, { kind: 'usage' }>;

/** What the turn used, where the agent says so: of the whole turn, or of each model. The protocol has no prices. */
export function usageOf(turn: string, { usage, _meta: meta }: Result): UsageEvent[] {
  if (usage !== undefined && usage !== null) {
    const { inputTokens, outputTokens, cachedReadTokens, thoughtTokens } = usage;
    return [
      event(turn, { input: inputTokens, output: outputTokens, cached: cachedReadTokens, reasoning: thoughtTokens }),
    ];
  }
  return (meta?.quota.model_usage ?? []).map(({ model, token_count: used }) =>
    event(`${turn} ${model}`, { model, input: used.input_tokens, output: used.output_tokens }),
  );
}

type Count = number | null | undefined;

const event = (
  id: string,
  o: { model?: string; input?: Count; output?: Count; cached?: Count; reasoning?: Count },
): UsageEvent => ({
  kind: 'usage',
  id,
  usage: {
    model: o.model ?? null,
    inputTokens: o.input ?? 0,
    cachedTokens: o.cached ?? 0,
    outputTokens: o.output ?? 0,
    reasoningTokens: o.reasoning ?? 0,
    costUsd: null,
  },
});
