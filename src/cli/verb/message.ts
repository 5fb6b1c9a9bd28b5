/** `skep message …`: messages between people and agents. */
import { z } from 'zod';
import { read } from '../answers.ts';
import { ask } from '../client.ts';
import { EXIT } from '../exit.ts';
import { withNode } from '../find-node.ts';
import { shortId, shortIds } from '../short-id.ts';
import { showJson, showRows, statusCell } from '../show.ts';
import { ago, printable, printableLine } from '../text.ts';
import type { Group, Leaf } from '../verb.ts';
import { search } from './message-search.ts';

const messageSchema = z.looseObject({
  id: z.string(),
  from: z.string(),
  to: z.string(),
  kind: z.string(),
  body: z.string(),
  sent_at: z.string(),
  state: z.string(),
  question: z.string().nullable(),
});

const list: Leaf = {
  name: 'list',
  summary: 'messages, newest first: those to people, unless said',
  options: [
    { flags: '--to <reader>', about: 'an agent, a #channel, or operator for people', fallback: 'operator' },
    { flags: '--all', about: 'whoever reads them' },
    { flags: '--state <state>', about: 'of one reader', choices: ['open', 'acknowledged', 'bounced'] },
    { flags: '--limit <n>', about: 'show so many', kind: 'whole', fallback: 50 },
  ],
  examples: [
    ['skep message list', 'what agents wrote to people; questions that are open say so'],
    ['skep message list --to bob --state open', 'what bob has not handled'],
  ],
  asksNode: true,
  run: (given, world) =>
    withNode(given, world, async (node) => {
      const reader = given.flag('all') ? {} : { to: given.text('to'), state: given.text('state') };
      const query = { ...reader, limit: given.whole('limit') };
      const body = await ask(node, { method: 'GET', path: '/api/messages', query });
      if (given.json) return showJson(body, world);
      const found = read(z.array(messageSchema), body);
      const short = shortIds(found.map(({ id }) => id));
      const rows = found.map((one) => [
        short(one.id),
        ago(one.sent_at, world.now()),
        printableLine(one.from),
        printableLine(one.to),
        statusCell(one.question ?? one.state),
        printableLine(one.body),
      ]);
      const columns = [
        { title: 'ID' },
        { title: 'SENT' },
        { title: 'FROM' },
        { title: 'TO' },
        { title: 'STATE' },
        { title: 'TEXT', gives: true },
      ];
      return showRows({ columns, rows, none: 'No messages.' }, world);
    }),
};

const show: Leaf = {
  name: 'show',
  summary: 'one message, with its whole text',
  args: [['<id>', 'of the message']],
  examples: [['skep message show 3fa9c1d2-12', 'who wrote it, to whom, what became of it']],
  asksNode: true,
  run: (given, world) =>
    withNode(given, world, async (node) => {
      const body = await ask(node, { method: 'GET', path: `/api/messages/${encodeURIComponent(given.arg(0))}` });
      if (given.json) return showJson(body, world);
      const one = read(messageSchema, body);
      world.out.write(`${printableLine(`${one.from} to ${one.to}, ${one.kind}, ${one.question ?? one.state}`)}\n\n`);
      world.out.write(`${printable(one.body)}\n`);
      return EXIT.ok;
    }),
};

const send: Leaf = {
  name: 'send',
  summary: 'write to an agent; it is stored until the agent has handled it',
  args: [
    ['<to>', 'an agent, a #channel, or * for all agents'],
    ['<text>', 'the message; - for standard input'],
  ],
  options: [{ flags: '--reply-to <id>', about: 'the message that this one answers' }],
  examples: [['skep message send bob "Look at the lexer next."', 'prints the id of the message']],
  asksNode: true,
  run: (given, world) =>
    withNode(given, world, async (node) => {
      const text = given.arg(1) === '-' ? await world.in.readAll() : given.arg(1);
      const request = { to: given.arg(0), body: text, in_reply_to: given.text('replyTo') ?? null };
      const body = await ask(node, { method: 'POST', path: '/api/messages', body: request });
      if (given.json) return showJson(body, world);
      for (const one of read(z.array(messageSchema), body))
        world.out.write(`Sent to ${one.to} as ${shortId(one.id)}.\n`);
      return EXIT.ok;
    }),
};

const answer: Leaf = {
  name: 'answer',
  summary: 'answer a question of an agent, at any node; the first answer counts',
  args: [
    ['<id>', 'of the question'],
    ['<text>', 'the answer; - for standard input'],
  ],
  examples: [['skep message answer 3fa9c1d2-12 main', 'the agent reads it as its next message']],
  asksNode: true,
  run: (given, world) =>
    withNode(given, world, async (node) => {
      const text = given.arg(1) === '-' ? await world.in.readAll() : given.arg(1);
      const path = `/api/messages/${encodeURIComponent(given.arg(0))}/answer`;
      const body = await ask(node, { method: 'POST', path, body: { answer: text } });
      if (given.json) return showJson(body, world);
      world.out.write('Answered.\n');
      return EXIT.ok;
    }),
};

export const message: Group = {
  name: 'message',
  summary: 'messages between people and agents',
  leaves: [list, search, show, send, answer],
};
