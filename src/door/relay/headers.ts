/** Headers that pass between a box and the world: lists of what may, so that what nobody thought of does not. */
import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http';

/** Towards a model. No credential and no cookie of the box, no word on where it comes from. */
const ASKED =
  /^(?:accept|accept-encoding|content-encoding|content-length|content-type|user-agent|anthropic-beta|anthropic-version|openai-beta|originator|x-app)$/;

/** Back from it. Nothing that sets a cookie, or sends the box elsewhere. */
const ANSWERED =
  /^(?:cache-control|content-encoding|content-length|content-type|date|openai-processing-ms|openai-version|request-id|retry-after|retry-after-ms|x-request-id|x-should-retry|(?:anthropic-|x-)ratelimit-[a-z-]+)$/;

const passed = (headers: IncomingHttpHeaders, may: RegExp): OutgoingHttpHeaders =>
  Object.fromEntries(Object.entries(headers).filter(([name, value]) => value !== undefined && may.test(name)));

/** With one more of Anthropic's betas, after those that are asked for. */
export function withBeta(headers: OutgoingHttpHeaders, beta: string | undefined): OutgoingHttpHeaders {
  if (beta === undefined) return headers;
  const asked = String(headers['anthropic-beta'] ?? '')
    .split(',')
    .map((one) => one.trim());
  return { ...headers, 'anthropic-beta': [...new Set([...asked, beta])].filter((one) => one !== '').join(',') };
}

export const askedHeaders = (headers: IncomingHttpHeaders): OutgoingHttpHeaders => passed(headers, ASKED);
export const answeredHeaders = (headers: IncomingHttpHeaders): OutgoingHttpHeaders => passed(headers, ANSWERED);

/** Of one connection alone (RFC 9110, 7.6.1), or set anew for the next one. */
const OF_A_CONNECTION = /^(?:connection|expect|host|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade)$/;

/** To and from a place that an operator listed: all but what is of the connection. What the box says to it, also by what credential, is the box's. */
export function forwardedHeaders(headers: IncomingHttpHeaders): OutgoingHttpHeaders {
  const named = new Set(
    (headers.connection ?? '')
      .toLowerCase()
      .split(',')
      .map((name) => name.trim()),
  );
  const kept = Object.entries(headers).filter(
    ([name, value]) => value !== undefined && !OF_A_CONNECTION.test(name) && !named.has(name),
  );
  // A body without a length keeps its frames, whatever the method: else its rest would be read as another request.
  const framed = headers['transfer-encoding'] === undefined ? {} : { 'transfer-encoding': 'chunked' };
  return { ...Object.fromEntries(kept), ...framed };
}
