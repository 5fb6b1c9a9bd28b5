/** What delivered work changes, as text. */
import type { DeliveredWork } from './deliver.ts';
import type { Where } from './place.ts';
import { openPlace } from './place.ts';
import type { WorkspaceRefusal } from './refusal.ts';
import { gitFailed, refusal } from './refusal.ts';
import type { Room } from './room.ts';

/** More than a person reads, and as much as one answer may carry. */
export const DIFF_MAX_BYTES = 1024 * 1024;

/** Computing the diff of a generated file may take git long; the reader waits at a door. */
const DIFF_TIMEOUT_MS = 60_000;

export type DiffFormat = 'patch' | 'stat' | 'name-status';

export type DiffRequest = {
  where: Where;
  work: Pick<DeliveredWork, 'base' | 'head'>;
  format: DiffFormat;
  /** Default {@link DIFF_MAX_BYTES}. */
  maxBytes?: number;
};

/** base..head of the work. `truncated`: the text is its beginning, up to the end of a line. Programs that the repository names are not run. */
export async function diff(
  room: Room,
  request: DiffRequest,
): Promise<{ text: string; truncated: boolean } | WorkspaceRefusal> {
  const place = await openPlace(room, request.where);
  if ('refused' in place) return place;
  const { repository } = place;
  const { base, head } = request.work;
  if ((await repository.commit(head)) === undefined || (await repository.commit(base)) === undefined)
    return refusal('work_missing', 'the commits of the work are not on this node', { expected: `${base}..${head}` });
  const args = ['diff', '--no-ext-diff', '--no-textconv', `--${request.format}`, '--end-of-options', base, head, '--'];
  const made = await repository.run(args, {
    outputMaxBytes: request.maxBytes ?? DIFF_MAX_BYTES,
    timeoutMs: DIFF_TIMEOUT_MS,
  });
  if (made.ok) return { text: made.out, truncated: false };
  if (made.ended !== 'overflowed') return gitFailed('make the diff', made);
  return { text: made.out.slice(0, made.out.lastIndexOf('\n') + 1), truncated: true };
}
