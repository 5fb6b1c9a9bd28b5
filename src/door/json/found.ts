/** What a search found, in JSON. */
import { z } from 'zod';
import type { FoundMessage, FoundPage } from '#core/search/search.ts';
import { searchCursorText } from '#core/search/search.ts';
import type { Door } from '../door.ts';
import { messageJson, messageJsonSchema } from './message.ts';

const place = z.number().int();

export const foundJsonSchema = messageJsonSchema
  .pick({ id: true, from: true, from_name: true, from_id: true, to: true, kind: true, in_reply_to: true, thread: true })
  .extend({
    channel: z.string().describe('#channel, or the mailbox: @operator, @ and the id of its reader'),
    sent_at: z.string(),
    snippet: z
      .object({
        text: z.string().describe('A piece of the message in one line, as it was written: text, never markup'),
        marks: z.array(z.tuple([place, place])).describe('Where in it stands what was looked for, in UTF-16 units'),
      })
      .describe('The piece of the message around the first place'),
  })
  .meta({ id: 'FoundMessage' });
export type FoundJson = z.output<typeof foundJsonSchema>;

export const foundPageSchema = z.object({
  results: z.array(foundJsonSchema),
  next: z.string().nullable().describe('The cursor of the next page; null where this is the last'),
  left: place.describe('Ops that the index has not looked at yet: what is in them is found a little later'),
});
export type FoundPageJson = z.output<typeof foundPageSchema>;

export const foundPageJson = ({ found, next, left }: FoundPage, door: Door): FoundPageJson => ({
  results: found.map((one) => foundJson(one, door)),
  next: next === undefined ? null : searchCursorText(next),
  left,
});

function foundJson({ row, snippet }: FoundMessage, door: Door): FoundJson {
  const { id, from, from_name, from_id, to, kind, in_reply_to, thread, sent_at } = messageJson(row, door);
  const marks = snippet.marks.map(([start, end]): [number, number] => [start, end]);
  const piece = { text: snippet.text, marks };
  return {
    id,
    from,
    from_name,
    from_id,
    to,
    channel: row.sent.channel,
    kind,
    in_reply_to,
    thread,
    sent_at,
    snippet: piece,
  };
}
