import type { TurnFailure } from '#agent-ports.ts';
import type { RpcError } from './messages.ts';

const RATE_LIMIT = /\b429\b|rate.?limit|quota|exhausted/i;
const LOGIN = /\b401\b|auth/i;

/** Agents differ in how they tell it: an HTTP status as the code, or words in the data. */
export function failureOf({ code, message, data }: RpcError): TurnFailure {
  const words = `${message} ${JSON.stringify(data ?? '')}`;
  if (code === 429 || RATE_LIMIT.test(words)) return 'rate_limited';
  if (code === 401 || code === 403 || LOGIN.test(words)) return 'login';
  return 'model';
}
