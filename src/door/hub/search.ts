/** SEARCH_MESSAGES: what was said, as far as this one may read it. A frame of skep's own. */
import type { FoundMessage } from '#core/search/search.ts';
import { searchCursorText } from '#core/search/search.ts';
import { search } from '../message/search-desk.ts';
import { isRefusal } from '../refusal.ts';
import type { At } from './channels.ts';
import type { FrameOf, Refused } from './frames.ts';
import { bad } from './frames.ts';
import { hubId } from './key.ts';

export async function searchSaid(frame: FrameOf<'SEARCH_MESSAGES'>, at: At): Promise<Refused | undefined> {
  const { member, session, hub } = at;
  if (!session.maySearch()) return bad('RATE_LIMITED', 'too many searches: one a second');
  const { query_id, ...asked } = frame;
  const reader = { by: member.by, mailbox: member.id, isVerified: member.verified };
  const page = await search(asked, { reader, door: hub.door });
  if (isRefusal(page))
    return bad(page.code === 'not_found' ? 'CHANNEL_NOT_FOUND' : 'INVALID_MSG', told(page.message, page.expected));
  session.send('MESSAGES_FOUND', {
    query_id: query_id ?? null,
    query: frame.query,
    results: page.found.map(({ row, snippet }: FoundMessage) => ({
      msg_id: row.id,
      from: hubId(row.sent.from),
      from_name: hub.nameOf(row.sent.from),
      to: row.sent.channel,
      thread: row.sent.thread ?? row.id,
      sent_at: row.sent.wallMs,
      snippet,
    })),
    next: page.next === undefined ? null : searchCursorText(page.next),
    left: page.left,
  });
  return undefined;
}

const told = (message: string, expected: string | undefined): string =>
  expected === undefined ? message : `${message}; expected: ${expected}`;
