/**
 * What was said in a channel: the last of it, and what came after a cursor. A cursor is, for each node, the highest number of its
 * log whose message a reader has. Each node's messages arrive everywhere in the order of their numbers, so a cursor leaves nothing out and repeats
 * nothing, at whichever node it is asked.
 */
import type { NodeId } from '../brand.ts';
import { nodeIdOf } from '../brand.ts';
import type { Heads } from '../op.ts';
import { compareStamps } from '../op.ts';
import type { KnownMessage } from '../view/message.ts';
import { isKnownMessage } from '../view/message.ts';
import type { Views } from '../view/views.ts';

/** Messages that whoever joins is shown, as in AgentChat. */
export const REPLAY_MAX = 200;
/** Messages after a cursor; whoever is further behind is told so, and begins with the last ones. */
export const CATCH_UP_MAX = 10_000;
const PAGE = 200;

const byStamp = (a: KnownMessage, b: KnownMessage): number => compareStamps(a.sent.stamp, b.sent.stamp);

/** The newest messages, oldest first. */
export function lastOf(views: Views, channel: string, limit: number): KnownMessage[] {
  const rows = views.list('message', { where: { channel }, order: [['lamport', 'desc']], limit });
  return rows.filter(isKnownMessage).toSorted(byStamp);
}

/** All messages after the cursor, in the order of their stamps; undefined when they are more than {@link CATCH_UP_MAX}. `nodes`: all authors. */
export function after(
  views: Views,
  o: { channel: string; cursor: Heads; nodes: Iterable<NodeId> },
): KnownMessage[] | undefined {
  const found: KnownMessage[] = [];
  for (const node of o.nodes) {
    const from = o.cursor[node] ?? 0;
    for (let offset = 0; ; offset += PAGE) {
      const where = { channel: o.channel, node };
      const rows = views.list('message', { where, order: [['seq', 'desc']], limit: PAGE, offset });
      const fresh = rows.filter(isKnownMessage).filter(({ sent }) => sent.stamp.seq > from);
      found.push(...fresh);
      if (found.length > CATCH_UP_MAX) return undefined;
      if (fresh.length < PAGE) break;
    }
  }
  return found.toSorted(byStamp);
}

/** The cursor that also covers this message. */
export const advanced = (cursor: Heads, { sent }: KnownMessage): Heads => ({
  ...cursor,
  [sent.stamp.node]: Math.max(cursor[sent.stamp.node] ?? 0, sent.stamp.seq),
});

export const covers = (cursor: Heads, { sent }: KnownMessage): boolean =>
  (cursor[sent.stamp.node] ?? 0) >= sent.stamp.seq;

const ID = /^([0-9a-f]{32})-([1-9][0-9]{0,15})$/;
/** Nodes in one cursor. */
const NODES_MAX = 1_024;

/** The last message of each node, by id, with commas between; empty for the beginning. */
export const cursorText = (cursor: Heads): string =>
  Object.entries(cursor)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([node, seq]) => `${node}-${seq}`)
    .join(',');

/** Undefined for a text that is no cursor. */
export function parseCursor(text: string): Heads | undefined {
  if (text === '') return {};
  const parts = text.split(',');
  if (parts.length > NODES_MAX) return undefined;
  const cursor: Heads = {};
  for (const part of parts) {
    const [, node, seq] = ID.exec(part) ?? [];
    if (node === undefined || seq === undefined) return undefined;
    cursor[nodeIdOf(node)] = Number(seq);
  }
  return cursor;
}
