/** What models cost, for tools that count tokens and no money: a table that people edit. */
import { readFile, stat } from 'node:fs/promises';
import { z } from 'zod';
import type { Usage } from '#agent-ports.ts';

/** US dollars a million tokens. */
const priceSchema = z.object({
  input: z.number().nonnegative(),
  /** Read from a cache. */
  cached: z.number().nonnegative(),
  output: z.number().nonnegative(),
});
type Price = z.output<typeof priceSchema>;
const fileSchema = z.object({ models: z.record(z.string().min(1), priceSchema) });

/**
 * List prices of the makers as far as they were known when this was written; the file leads. A name stands for all models whose names begin so, and
 * the longest one counts. A model that is not here costs an unknown sum, never nothing.
 */
const DEFAULTS: Readonly<Record<string, Price>> = {
  'claude-opus-4': { input: 15, cached: 1.5, output: 75 },
  'claude-opus-4-5': { input: 5, cached: 0.5, output: 25 },
  'claude-sonnet-4': { input: 3, cached: 0.3, output: 15 },
  'claude-haiku-4-5': { input: 1, cached: 0.1, output: 5 },
  'gpt-5': { input: 1.25, cached: 0.125, output: 10 },
  'gpt-5-mini': { input: 0.25, cached: 0.025, output: 2 },
  'gpt-5-nano': { input: 0.05, cached: 0.005, output: 0.4 },
  'gemini-2.5-pro': { input: 1.25, cached: 0.31, output: 10 },
  'gemini-2.5-flash': { input: 0.3, cached: 0.075, output: 2.5 },
};

/** A billionth of a dollar: sums of many small costs stay readable. */
const ROUND = 1e9;
const MILLION = 1e6;

export class Prices {
  readonly #path: string;
  readonly #log: (line: string) => void;
  #own: Readonly<Record<string, Price>> = {};
  #readMs = 0;

  /** `path`: the file may not be there. */
  constructor(o: { path: string; log: (line: string) => void }) {
    this.#path = o.path;
    this.#log = o.log;
  }

  /** Takes in what was edited. A file that cannot be read is told of once an edit, and what was read before stays. */
  async refresh(): Promise<void> {
    const mtimeMs = await stat(this.#path).then(
      (found) => found.mtimeMs,
      () => 0,
    );
    if (mtimeMs === this.#readMs) return;
    this.#readMs = mtimeMs;
    try {
      this.#own = mtimeMs === 0 ? {} : fileSchema.parse(JSON.parse(await readFile(this.#path, 'utf8'))).models;
    } catch (error) {
      const why = error instanceof z.ZodError ? z.prettifyError(error) : String(error);
      this.#log(`${this.#path} is no table of prices, so the one before stays: ${why}`);
    }
  }

  /** Undefined: nobody knows what this model costs. */
  costOf(usage: Pick<Usage, 'model' | 'inputTokens' | 'cachedTokens' | 'outputTokens'>): number | undefined {
    const price = usage.model === null ? undefined : this.#priceOf(usage.model);
    if (price === undefined) return undefined;
    const { inputTokens, cachedTokens, outputTokens } = usage;
    const sum = inputTokens * price.input + cachedTokens * price.cached + outputTokens * price.output;
    return Math.round((sum / MILLION) * ROUND) / ROUND;
  }

  #priceOf(model: string): Price | undefined {
    return longest(this.#own, model) ?? longest(DEFAULTS, model);
  }
}

function longest(table: Readonly<Record<string, Price>>, model: string): Price | undefined {
  const names = Object.keys(table).filter((name) => model.startsWith(name));
  const name = names.toSorted((a, b) => b.length - a.length)[0];
  return name === undefined ? undefined : table[name];
}
