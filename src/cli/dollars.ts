import { usageFailure } from './exit.ts';

/** A sum of money that was typed; undefined where none was. Throws a usage failure that names `what` it was typed for. */
export function dollarsOf(what: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const usd = /^\d+(\.\d+)?$/.test(text) ? Number(text) : 0;
  if (usd > 0) return usd;
  throw usageFailure(`${what}: expected a sum in US dollars above 0, got ${text}`);
}
