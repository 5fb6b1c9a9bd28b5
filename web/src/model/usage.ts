/** Tokens and money as people read them. */
import type { UsageSum as Sum } from '../../../src/door/json/usage.ts';

export type UsageSum = Sum;

/** `12,345 tokens in, 678 out, $0.0123`; a plus where a part has no known price. */
export function usedText(usage: UsageSum): string {
  const tokens = `${(usage.input_tokens + usage.cached_tokens).toLocaleString('en')} tokens in, ${usage.output_tokens.toLocaleString('en')} out`;
  if (usage.cost_usd === null) return `${tokens}, at an unknown price`;
  return `${tokens}, $${usage.cost_usd.toFixed(4)}${usage.unpriced_records > 0 ? '+' : ''}`;
}
