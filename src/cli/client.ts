/** A node as the verbs see it: requests with one answer each, and a stream of events. The same over the admin socket and over HTTP. */
import { CommandFailure, EXIT } from './exit.ts';

export type Method = 'GET' | 'POST' | 'DELETE';
export type Request = {
  method: Method;
  path: string;
  query?: Readonly<Record<string, string | number | undefined>>;
  body?: unknown;
};
export type Answer = { status: number; body: unknown };
export type NodeEvent = { event: string; data: unknown };

export interface Client {
  /** For messages: the socket's path or the URL. */
  readonly where: string;
  /** Resolves with whatever the node answers, refusals included. Throws {@link NodeGone} when it does not answer. */
  call(request: Request): Promise<Answer>;
  /** Asks for `GET /api/events` at once; the events as they come. Ends when `signal` is aborted, throws {@link NodeGone} when the node goes away. */
  events(query: Request['query'], signal: AbortSignal): AsyncIterable<NodeEvent>;
  /** The same for any route that answers with events. */
  stream(request: Request, signal: AbortSignal): AsyncIterable<NodeEvent>;
  /** Idempotent. */
  close(): void;
}

/** A request takes at most this long: a merge may clone on another machine first. */
export const ANSWER_WITHIN_MS = 180_000;
/** One answer or event; above it something is wrong with the other side. */
export const ANSWER_MAX_BYTES = 256 * 1024 * 1024;

/** No node answers there, or it stopped answering. */
export class NodeGone extends CommandFailure {
  constructor(where: string, why: string, hints: readonly string[] = []) {
    super(EXIT.unreachable, `the node at ${where} does not answer: ${why}`, { hints, detail: { code: 'unreachable' } });
    this.name = 'NodeGone';
  }
}

/** The node said no; nothing was changed. */
export class NodeRefused extends CommandFailure {
  readonly status: number;
  /** One of the codes of docs/protocol.md, `not_found` for example. */
  readonly refusal: string;

  constructor(answer: Answer) {
    const { error, code, expected, got } = refusalOf(answer);
    const hints = [
      ...(expected === undefined ? [] : [`expected: ${expected}`]),
      ...(got === undefined ? [] : [`got: ${got}`]),
      ...(answer.status === 401
        ? ['set SKEP_TOKEN, or make a token on the node’s machine: skep token create NAME']
        : []),
    ];
    super(EXIT.refused, error, {
      hints,
      detail: { code, expected: expected ?? null, got: got ?? null, status: answer.status },
    });
    this.name = 'NodeRefused';
    this.status = answer.status;
    this.refusal = code;
  }
}

/** Asks and expects a yes: the body of a 2xx answer, anything else is thrown as {@link NodeRefused}. */
export async function ask(client: Client, request: Request): Promise<unknown> {
  const answer = await client.call(request);
  if (answer.status < 200 || answer.status > 299) throw new NodeRefused(answer);
  return answer.body;
}

type RefusalBody = { error: string; code: string; expected: string | undefined; got: string | undefined };

function refusalOf({ status, body }: Answer): RefusalBody {
  const field = (name: string): string | undefined => {
    const value: unknown = typeof body === 'object' && body !== null ? Reflect.get(body, name) : undefined;
    return typeof value === 'string' ? value : undefined;
  };
  const error = field('error') ?? `the node answered with status ${status}`;
  return { error, code: field('code') ?? `status_${status}`, expected: field('expected'), got: field('got') };
}

/** `?status=pending&limit=5`, or nothing. */
export function queryText(query: Request['query']): string {
  const given = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) if (value !== undefined) given.set(name, String(value));
  return given.size === 0 ? '' : `?${given.toString()}`;
}
