/** Sums of what agents used, as terminals show them. */
import { z } from 'zod';

export const sumSchema = z.object({
  input_tokens: z.number(),
  cached_tokens: z.number(),
  output_tokens: z.number(),
  cost_usd: z.number().nullable(),
  turns: z.number().default(0),
  time_ms: z.number().default(0),
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

/** `1:02:03` or `2:03`: hours where there are any, minutes, seconds. */
export function timeText({ time_ms: timeMs }: Sum): string {
  const seconds = Math.round(timeMs / 1_000);
  const two = (value: number): string => String(value).padStart(2, '0');
  const [hours, minutes] = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60];
  return `${hours > 0 ? `${hours}:${two(minutes)}` : minutes}:${two(seconds % 60)}`;
}
