/** Who is in channels now, as far as this node knows. */
import type { NodeId } from '#core/brand.ts';
import type { MemberRow } from '#core/view/member.ts';
import type { Door } from './door.ts';

/** Tells of a member whether the door through which it came is there: a hub that died took its members with it, and cannot say so. */
export function hereNow({ node }: Door): (row: MemberRow) => boolean {
  const standings = node.standings();
  const isThere = (at: NodeId | undefined): boolean =>
    at === undefined || at === node.info.self || standings.get(at) !== 'dead';
  return ({ joined }) => isThere(joined?.value.node);
}
