import { z } from 'zod';
import type { TurnFailure } from '#agent-ports.ts';
import type { RateLimits, TurnError } from './messages.ts';

/** `codexErrorInfo` is a word, or a word with the status that the service answered with. */
const withStatus = z.record(z.string(), z.looseObject({ httpStatusCode: z.number().nullish() }));

const WORDS: Readonly<Record<string, TurnFailure>> = {
  unauthorized: 'login',
  usageLimitExceeded: 'rate_limited',
  rateLimitExceeded: 'rate_limited',
};

export function failureOf(error: TurnError): TurnFailure {
  const { codexErrorInfo: info } = error;
  if (typeof info === 'string') return WORDS[info] ?? 'model';
  const status = statusOf(error);
  if (status === 401 || status === 403) return 'login';
  return status === 429 ? 'rate_limited' : 'model';
}

export function statusOf({ codexErrorInfo: info }: TurnError): number | undefined {
  const told = withStatus.safeParse(info).data;
  return Object.values(told ?? {}).find((one) => typeof one.httpStatusCode === 'number')?.httpStatusCode ?? undefined;
}

/** When the last of the limits that are reached is reset, by the wall clock; undefined where none is, or it is not told. */
export function resetOf({ primary, secondary }: RateLimits): number | undefined {
  const reached = [primary, secondary].filter((one) => (one?.usedPercent ?? 0) >= 100);
  const resets = reached.flatMap((one) => (typeof one?.resetsAt === 'number' ? [one.resetsAt * 1000] : []));
  return resets.length === 0 ? undefined : Math.max(...resets);
}
