/** `skep message search`, and what it shares with `skep chat search`. */
import { z } from 'zod';
import { read } from '../answers.ts';
import { ask } from '../client.ts';
import { EXIT } from '../exit.ts';
import { withNode } from '../find-node.ts';
import type { Given } from '../given.ts';
import { shortIds } from '../short-id.ts';
import { showJson, showRows } from '../show.ts';
import { ago, printableLine } from '../text.ts';
import type { Leaf, VerbOption } from '../verb.ts';

const LIMIT_DEFAULT = 20;

export const SEARCH_ABOUT =
  'All words have to be in the message, wherever; "a phrase" stands together, begin* goes on (three letters at least), -without is not there.\n' +
  'from:NAME wrote it, in:#channel (in:AGENT, in:operator) has it, after:2026-11-01 and before:2026-11-27T09:30Z say when (UTC).\n' +
  'Put -- before a query that begins with a dash. Of a text above 16 KiB its beginning is looked at.';

export const SEARCH_OPTIONS: readonly VerbOption[] = [
  { flags: '--best', about: 'of the newest that are found, first those that say most of it' },
  { flags: '--limit <n>', about: 'show so many, 100 at most', kind: 'whole', fallback: LIMIT_DEFAULT },
  { flags: '--cursor <cursor>', about: 'go on where the page before ended' },
];

/** What is asked for, in the names of the node's doors. */
export const searchOf = (given: Given) => ({
  query: given.args.join(' '),
  sort: given.flag('best') ? 'best' : 'newest',
  limit: given.whole('limit') ?? LIMIT_DEFAULT,
  cursor: given.text('cursor'),
});

/** What is to be known beside the results; empty where that is nothing. */
export function searchNotes({ next, left }: { next: unknown; left: unknown }): string {
  const more = typeof next === 'string' ? `There may be more: --cursor ${next}\n` : '';
  const late = typeof left === 'number' && left > 0 ? `The index is still being made: ${left} ops are left.\n` : '';
  return `${more}${late}`;
}

const pageSchema = z.object({
  results: z.array(
    z.looseObject({
      id: z.string(),
      from: z.string(),
      from_name: z.string(),
      to: z.string(),
      sent_at: z.string(),
      snippet: z.looseObject({ text: z.string() }),
    }),
  ),
  next: z.string().nullable(),
  left: z.number(),
});

export const search: Leaf = {
  name: 'search',
  summary: 'messages by what they say, newest first; a viewer finds those of open channels',
  about: SEARCH_ABOUT,
  args: [['<query...>', 'words, and what else']],
  options: SEARCH_OPTIONS,
  examples: [
    ['skep message search lexer from:bob', 'what bob said of it, to whomever'],
    ["skep message search '\"merge queue\"' 'in:#general' --best", 'a phrase in one channel'],
  ],
  asksNode: true,
  run: (given, world) =>
    withNode(given, world, async (node) => {
      const { query: q, ...rest } = searchOf(given);
      const body = await ask(node, { method: 'GET', path: '/api/messages/search', query: { q, ...rest } });
      if (given.json) return showJson(body, world);
      const page = read(pageSchema, body);
      const short = shortIds(page.results.map(({ id }) => id));
      const rows = page.results.map((one) => [
        short(one.id),
        ago(one.sent_at, world.now()),
        printableLine(one.from_name === one.from ? one.from : `${one.from_name} (${one.from})`),
        printableLine(one.to),
        printableLine(one.snippet.text),
      ]);
      const columns = [
        { title: 'ID' },
        { title: 'SENT' },
        { title: 'FROM' },
        { title: 'TO' },
        { title: 'TEXT', gives: true },
      ];
      showRows({ columns, rows, none: 'Nothing found.' }, world);
      world.err.write(searchNotes(page));
      return EXIT.ok;
    }),
};
