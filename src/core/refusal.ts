/** Refusals: the caller's fault, as values. */

/** The caller's fault: what was expected, what came, and what to do. Nothing was stored. `code` is a closed list in `src/door/refusal.ts`. */
export type Refusal = { refused: true; code: RefusalCode; message: string; expected?: string; got?: string };

export type RefusalCode =
  | 'invalid'
  | 'not_found'
  | 'forbidden'
  | 'conflict'
  | 'too_large'
  | 'too_many'
  | 'driver_unavailable'
  | 'not_supported'
  | 'home_unreachable'
  | 'node_unreachable'
  | 'no_work'
  | 'merge_conflict'
  | 'fenced'
  | 'workspace'
  | 'starting'
  | 'stopping';

export const refusal = (
  code: RefusalCode,
  message: string,
  detail: { expected?: string; got?: string } = {},
): Refusal => ({
  refused: true,
  code,
  message,
  ...detail,
});
