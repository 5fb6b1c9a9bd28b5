/** What a box may ask of a model's service: these requests, letter by letter, and no other. */
import type { IncomingHttpHeaders } from 'node:http';

export type ModelService = 'anthropic' | 'openai' | 'gemini';

/** `path`: below the address of the service, with the query that goes on. */
export type ModelPath = { service: ModelService; path: string };

type Allowed = { method: 'GET' | 'POST'; path: RegExp; service: ModelService };

/** Compared with what came, not with what it might mean: nothing is decoded, so no spelling of `..` leads elsewhere. */
const ALLOWED: readonly Allowed[] = [
  { method: 'POST', path: /^\/v1\/messages$/, service: 'anthropic' },
  { method: 'POST', path: /^\/v1\/messages\/count_tokens$/, service: 'anthropic' },
  { method: 'POST', path: /^\/v1\/responses$/, service: 'openai' },
  { method: 'POST', path: /^\/v1\/chat\/completions$/, service: 'openai' },
  {
    method: 'POST',
    path: /^\/v1beta\/models\/[A-Za-z0-9._-]{1,100}:(?:generateContent|streamGenerateContent|countTokens)$/,
    service: 'gemini',
  },
];

/** Without `key`, by which a credential of the box would go along. */
const QUERY: ReadonlySet<string> = new Set(['beta', 'alt', 'limit', 'after_id', 'before_id']);
const URL_MAX_CHARS = 1_000;

/** For a message. */
export const ALLOWED_WORDS =
  'POST /v1/messages, /v1/messages/count_tokens, /v1/responses, /v1/chat/completions, /v1beta/models/MODEL:generateContent; GET /v1/models';

/** Undefined for what no box may ask. */
export function modelPathOf(o: { method: string; url: string; headers: IncomingHttpHeaders }): ModelPath | undefined {
  if (o.url.length > URL_MAX_CHARS) return undefined;
  const [path = '', query = ''] = o.url.split('?', 2);
  const service = serviceOf(o.method, path, o.headers);
  if (service === undefined) return undefined;
  const kept = [...new URLSearchParams(query)].filter(([name]) => QUERY.has(name));
  const rest = kept.length === 0 ? '' : `?${new URLSearchParams(kept).toString()}`;
  // What is set for OpenAI is an address that ends in its version.
  return { service, path: `${service === 'openai' ? path.slice('/v1'.length) : path}${rest}` };
}

function serviceOf(method: string, path: string, headers: IncomingHttpHeaders): ModelService | undefined {
  // Two services have the same list at the same place; only one of them wants to know for which of its versions.
  if (method === 'GET' && path === '/v1/models') return 'anthropic-version' in headers ? 'anthropic' : 'openai';
  return ALLOWED.find((one) => one.method === method && one.path.test(path))?.service;
}
