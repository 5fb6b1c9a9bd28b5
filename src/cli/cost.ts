/** Sums of what agents used, as terminals show them. */
import { z } from 'zod';

export const sumSchema = z.object({
  input_tokens: z.number(),
  cached_tokens: z.number(),
  output_tokens: z.number(),
  cost_usd: z.number().nullable(),
  unpriced_records: z.number(),
});
export type Sum = z.output<typeof sumSchema>;

/** US dollars; `+` where a part has no known price. */
export const costText = ({ cost_usd: cost, unpriced_records: unpriced }: Sum): string =>
  cost === null ? 'unknown' : `${cost.toFixed(4)}${unpriced > 0 ? '+' : ''}`;

/** One line for one task; empty where nothing was recorded. */
export const usedText = (sum: Sum | null | undefined): string =>
  sum === null || sum === undefined
    ? ''
    : `${sum.input_tokens + sum.cached_tokens} tokens in, ${sum.output_tokens} out, ${costText(sum)} USD`;
