/** Reading one line of the admin socket. By hand: it is the hot path, and the route parses what matters. */
import type { DoorRefusal } from './refusal.ts';
import { refused, shown } from './refusal.ts';
import type { DoorRequest } from './route.ts';

export type SocketRequest = {
  id: string | number | null;
  method: string;
  path: string;
  query: Record<string, string>;
  body: unknown;
  /** As the header `Idempotency-Key`. */
  key: string | undefined;
  /** Who asks, at a socket that does not say so by itself. */
  token: string | undefined;
  /** Ends the stream of that id. */
  cancel: boolean;
};

const KEY_MAX_CHARS = 255;
const EXPECTED = '{"id":1,"method":"GET","path":"/api/swarm/status"}';

/** `id` null: not even that could be read. */
export type Refused = { id: SocketRequest['id']; refusal: DoorRefusal };

export function readRequest(line: string): SocketRequest | Refused {
  let json: unknown;
  try {
    json = JSON.parse(line);
  } catch {
    return { id: null, refusal: refused('invalid', 'the line is no JSON', { expected: EXPECTED, got: shown(line) }) };
  }
  if (typeof json !== 'object' || json === null) return malformed(null, json);
  const of = (name: string): unknown => Reflect.get(json, name);
  const [id, method, path, key, token] = [of('id'), of('method'), of('path'), of('key'), of('token')];
  if (typeof id !== 'string' && typeof id !== 'number') return malformed(null, json);
  if (of('cancel') === true)
    return { id, method: '', path: '', query: {}, body: undefined, key: undefined, token: undefined, cancel: true };
  if (typeof method !== 'string' || typeof path !== 'string') return malformed(id, json);
  if (key !== undefined && (typeof key !== 'string' || key === '' || key.length > KEY_MAX_CHARS)) {
    const detail = { expected: `1 to ${KEY_MAX_CHARS} characters`, got: shown(key) };
    return { id, refusal: refused('invalid', 'key is not usable', detail) };
  }
  const { plain, query } = cutQuery(path, queryOf(of('query')));
  const shownToken = typeof token === 'string' ? token : undefined;
  return { id, method, path: plain, query, body: of('body'), key, token: shownToken, cancel: false };
}

const malformed = (id: SocketRequest['id'], json: unknown): Refused => ({
  id,
  refusal: refused('invalid', 'the line is no request', { expected: EXPECTED, got: shown(json) }),
});

/** A query may also stand in the path, as in a URL. */
function cutQuery(path: string, query: Record<string, string>): { plain: string; query: Record<string, string> } {
  const at = path.indexOf('?');
  if (at === -1) return { plain: path, query };
  return {
    plain: path.slice(0, at),
    query: { ...Object.fromEntries(new URLSearchParams(path.slice(at + 1))), ...query },
  };
}

const NO_QUERY: Record<string, string> = {};

/** Numbers are welcome here; in a URL they would be digits. */
function queryOf(query: unknown): Record<string, string> {
  if (typeof query !== 'object' || query === null) return NO_QUERY;
  const entries = Object.entries(query).filter(([, value]) => value !== undefined && value !== null);
  return Object.fromEntries(entries.map(([name, value]) => [name, String(value)]));
}

export const doorRequestOf = (request: SocketRequest, params: Record<string, string>): DoorRequest => ({
  params,
  query: request.query,
  body: request.body === undefined ? { kind: 'none' } : { kind: 'json', value: request.body },
  idempotencyKey: request.key,
  lastEventId: undefined,
});
