/** What a caller gets instead of an answer: one shape at every door, one status for every code. */
import type { z } from 'zod';
import type { Refusal, RefusalCode } from '#core/refusal.ts';

/** The closed list of codes: those of the node, and those that only a door can know. */
export type DoorCode =
  | RefusalCode
  | 'unauthorised'
  | 'method_not_allowed'
  | 'unsupported_type'
  | 'upgrade_required'
  | 'internal';

/** A refusal of the node or of the door itself. Nothing was stored. */
export type DoorRefusal = Omit<Refusal, 'code'> & { code: DoorCode };

/** Every refusal in JSON: all four fields, null where there is nothing to say. */
export type RefusalJson = { error: string; code: DoorCode; expected: string | null; got: string | null };

export const STATUS_OF: Readonly<Record<DoorCode, number>> = {
  invalid: 400,
  unauthorised: 401,
  forbidden: 403,
  not_found: 404,
  method_not_allowed: 405,
  conflict: 409,
  no_work: 409,
  merge_conflict: 409,
  fenced: 409,
  too_large: 413,
  unsupported_type: 415,
  upgrade_required: 426,
  driver_unavailable: 422,
  workspace: 422,
  internal: 500,
  not_supported: 501,
  home_unreachable: 503,
  node_unreachable: 503,
  starting: 503,
  stopping: 503,
  too_many: 503,
};

export const refused = (
  code: DoorCode,
  message: string,
  detail: { expected?: string; got?: string } = {},
): DoorRefusal => ({ refused: true, code, message, ...detail });

export const isRefusal = (value: unknown): value is DoorRefusal =>
  typeof value === 'object' && value !== null && 'refused' in value && value.refused === true;

export const refusalJson = (refusal: DoorRefusal): RefusalJson => ({
  error: refusal.message,
  code: refusal.code,
  expected: refusal.expected ?? null,
  got: refusal.got ?? null,
});

/** The seed's text for a path that is nowhere. */
export const noRoute = (path: string): DoorRefusal =>
  refused('not_found', 'Not found', { expected: 'a route of GET /openapi.json', got: shown(path) });

/** The first thing that is wrong with a caller's input. `place` is where the input stood: `body`, `query` or `path`. */
export function refusalOfIssue(error: z.ZodError, input: unknown, place: string): DoorRefusal {
  const issue = error.issues[0];
  if (issue === undefined) return refused('invalid', `the ${place} is not valid`);
  const name = issue.path.length === 0 ? `the ${place}` : issue.path.map(String).join('.');
  // Messages of our own schemas are whole sentences of the seed; zod's own say only what kind of thing it expected.
  const message = /^(Invalid|Too|Unrecognized)/.test(issue.message) ? `${name}: ${issue.message}` : issue.message;
  return refused('invalid', message, { expected: expectedBy(issue), got: shown(valueAt(input, issue.path)) });
}

function expectedBy(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return issue.expected;
    case 'too_big':
      return `at most ${String(issue.maximum)}${unitOf(issue.origin)}`;
    case 'too_small':
      return `at least ${String(issue.minimum)}${unitOf(issue.origin)}`;
    case 'invalid_value':
      return issue.values.map(String).join(' | ');
    case 'invalid_format':
    case 'not_multiple_of':
    case 'unrecognized_keys':
    case 'invalid_union':
    case 'invalid_key':
    case 'invalid_element':
    case 'custom':
      return issue.message.replace(/^[a-z_]+: /, '').replace(/ is expected$/, '');
  }
}

const unitOf = (origin: string): string => (origin === 'string' ? ' characters' : origin === 'array' ? ' entries' : '');

function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  let value = input;
  for (const key of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = Reflect.get(value, key);
  }
  return value;
}

/** How much of a caller's value is shown back to it. */
const SHOWN_MAX_CHARS = 80;

/** A caller's value as a message shows it: short, on one line. */
export function shown(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (typeof value === 'object' && value !== null) return 'an object';
  if (typeof value === 'string' && value.length > SHOWN_MAX_CHARS) return `${value.length} characters`;
  return JSON.stringify(value);
}
