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
 * List prices of the makers, standard tier, as their pages said when they were last looked at; `prices.json` leads. Each row is of one model, with or
 * without the date of a version behind it. A model that is not here costs an unknown sum, never nothing: so do models whose price depends on the length of
 * each request (Claude Haiku 5.5, GPT-5.6 and later, Gemini), which cannot be told from sums.
 */
const DEFAULTS: Readonly<Record<string, Price>> = {
  // https://platform.claude.com/docs/en/about-claude/pricing, a copy of autumn 2026
  'claude-fable-5-1': { input: 10, cached: 0.25, output: 50 },
  'claude-fable-5': { input: 10, cached: 1, output: 50 },
  'claude-opus-5': { input: 5, cached: 0.5, output: 25 },
  'claude-opus-4-8': { input: 5, cached: 0.5, output: 25 },
  'claude-opus-4-7': { input: 5, cached: 0.5, output: 25 },
  'claude-opus-4-6': { input: 5, cached: 0.5, output: 25 },
  'claude-opus-4-5': { input: 5, cached: 0.5, output: 25 },
  'claude-opus-4-1': { input: 15, cached: 1.5, output: 75 },
  'claude-opus-4': { input: 15, cached: 1.5, output: 75 },
  // https://platform.claude.com/docs/about-claude/models (input, output); the cache as two trackers of the price page read it, September and October 2026
  'claude-opus-5-5': { input: 4, cached: 0.2, output: 20 },
  'claude-sonnet-5-5': { input: 2, cached: 0.1, output: 10 },
  // https://platform.claude.com/docs/zh-CN/models/sonnet-5/overview (input, output), summer 2026; the cache at the usual tenth
  'claude-sonnet-5': { input: 2, cached: 0.2, output: 10 },
  // Three copies of the price page, the newest of October 2026
  'claude-sonnet-4-6': { input: 3, cached: 0.3, output: 15 },
  'claude-sonnet-4-5': { input: 3, cached: 0.3, output: 15 },
  // https://docs.anthropic.com/en/docs/about-claude/pricing, a copy of 2025
  'claude-sonnet-4': { input: 3, cached: 0.3, output: 15 },
  // https://platform.claude.com/docs/zh-CN/models/sonnet-5-5/overview (input, output), autumn 2026; the cache at the usual tenth
  'claude-haiku-4-5': { input: 1, cached: 0.1, output: 5 },
  // https://developers.openai.com/api/docs/models/gpt-5-codex, 2026
  'gpt-5-codex': { input: 1.25, cached: 0.125, output: 10 },
  'gpt-5': { input: 1.25, cached: 0.125, output: 10 },
  // Not seen on a page of the maker: several tables of others agree, 2026
  'gpt-5.1': { input: 1.25, cached: 0.125, output: 10 },
  'gpt-5-mini': { input: 0.25, cached: 0.025, output: 2 },
  'gpt-5-nano': { input: 0.05, cached: 0.005, output: 0.4 },
};

/** What may stand behind the name of a model without making it another one: the date of its version, and a larger context at the same price. */
const VERSION = /^(?:-(?:\d{8}|\d{4}-\d\d-\d\d|latest))?(?:\[1m\])?$/;

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
    return longest(this.#own, model) ?? own(DEFAULTS, model);
  }
}

function own(table: Readonly<Record<string, Price>>, model: string): Price | undefined {
  const name = Object.keys(table).find((one) => model.startsWith(one) && VERSION.test(model.slice(one.length)));
  return name === undefined ? undefined : table[name];
}

/** Names of the file stand for all models that begin so: whoever writes one knows what it is for. */
function longest(table: Readonly<Record<string, Price>>, model: string): Price | undefined {
  const names = Object.keys(table).filter((name) => model.startsWith(name));
  const name = names.toSorted((a, b) => b.length - a.length)[0];
  return name === undefined ? undefined : table[name];
}
