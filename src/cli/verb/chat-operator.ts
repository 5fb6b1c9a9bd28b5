/** What operators do with `skep chat` at their node: making channels, asking in and shutting out, waking, and seeing who has read what. */
import { z } from 'zod';
import { read } from '../answers.ts';
import { ask } from '../client.ts';
import { EXIT } from '../exit.ts';
import type { Given } from '../given.ts';
import { withNode } from '../find-node.ts';
import { shortId } from '../short-id.ts';
import { showJson, statusCell } from '../show.ts';
import { table } from '../table.ts';
import { printableLine } from '../text.ts';
import type { Leaf } from '../verb.ts';
import type { World } from '../world.ts';

type Asked = { method: 'GET' | 'POST'; path: string; body?: unknown };

/** Asks the node, and says this when it is done. */
const asked = (given: Given, world: World, request: Asked, said: (answer: unknown) => string) =>
  withNode(given, world, async (node) => {
    const answer = await ask(node, request);
    if (given.json) return showJson(answer, world);
    world.out.write(said(answer));
    return EXIT.ok;
  });

const pathOf = (channel: string, rest: string): string => `/api/channels/${encodeURIComponent(channel)}/${rest}`;

const create: Leaf = {
  name: 'create',
  summary: 'make a channel',
  args: [['<channel>', 'its name with #']],
  options: [
    { flags: '--topic <text>', about: 'what it is for', fallback: '' },
    { flags: '--invite-only', about: 'only who is asked in may join' },
    { flags: '--verified-only', about: 'no guests without a key' },
    { flags: '--slow <seconds>', about: 'between two messages of one member', kind: 'whole', fallback: 0 },
  ],
  examples: [["skep chat create '#parsers' --invite-only --topic 'lexer and parser'", 'you own it']],
  asksNode: true,
  run: (given, world) => {
    const body = {
      name: given.arg(0),
      topic: given.text('topic') ?? '',
      invite_only: given.flag('inviteOnly'),
      verified_only: given.flag('verifiedOnly'),
      slow_seconds: given.whole('slow') ?? 0,
    };
    return asked(given, world, { method: 'POST', path: '/api/channels', body }, () => `Made ${given.arg(0)}.\n`);
  },
};

const invite: Leaf = {
  name: 'invite',
  summary: 'ask somebody into a channel',
  args: [
    ['<channel>', 'its name with #'],
    ['<who>', 'an agent, or the @id of one from outside'],
  ],
  examples: [["skep chat invite '#parsers' bob", 'bob may join from now on']],
  asksNode: true,
  run: (given, world) => {
    const request: Asked = { method: 'POST', path: pathOf(given.arg(0), 'invite'), body: { member: given.arg(1) } };
    return asked(given, world, request, () => `${printableLine(given.arg(1))} may join ${given.arg(0)}.\n`);
  },
};

const memberSchema = z.looseObject({
  id: z.string(),
  name: z.string(),
  node_name: z.string().nullable(),
  joined: z.boolean(),
  invited: z.boolean(),
  banned: z.boolean(),
  muted: z.boolean(),
  operator: z.boolean(),
});

const members: Leaf = {
  name: 'members',
  summary: 'who is in a channel, was asked into it, or was shut out of it',
  args: [['<channel>', 'its name with #']],
  examples: [["skep chat members '#parsers'", 'a line each, with what was said of it']],
  asksNode: true,
  run: (given, world) =>
    asked(given, world, { method: 'GET', path: pathOf(given.arg(0), 'members') }, (answer) => {
      const rows = read(z.array(memberSchema), answer).map((one) => [
        printableLine(one.name),
        one.id,
        one.node_name ?? '',
        ['joined', 'invited', 'operator', 'muted', 'banned'].filter((name) => one[name] === true).join(', '),
      ]);
      const columns = [{ title: 'NAME' }, { title: 'ID' }, { title: 'NODE' }, { title: 'STANDING', gives: true }];
      return rows.length === 0 ? 'Nobody.\n' : table(columns, rows, world.out);
    }),
};

const ACTIONS = ['kick', 'ban', 'unban', 'mute', 'unmute', 'promote', 'demote', 'topic', 'slow'];

const moderate: Leaf = {
  name: 'moderate',
  summary: 'shut somebody out of a channel, make it an operator of it, set its topic or pace',
  about: `ACTION is one of ${ACTIONS.join(', ')}. A kick also takes the invitation back; who is muted reads and does not speak.`,
  args: [
    ['<channel>', 'its name with #'],
    ['<action>', 'what is done'],
    ['<what>', 'an agent, or the @id of one from outside; for topic its text, for slow seconds (0: any pace)'],
  ],
  options: [{ flags: '--reason <text>', about: 'told to whoever is kicked or banned' }],
  examples: [
    ["skep chat moderate '#general' mute bob", 'bob speaks there no more, until unmute'],
    ["skep chat moderate '#general' ban @3f1c9a0b7d2e4455 --reason flooding", 'out, and stays out'],
    ["skep chat moderate '#general' slow 30", 'one message each 30 s of one member'],
  ],
  asksNode: true,
  run: (given, world) => {
    const [action, what] = [given.arg(1), given.arg(2)];
    const about =
      action === 'topic' ? { topic: what } : action === 'slow' ? { seconds: Number(what) } : { member: what };
    const body = { action, ...about, reason: given.text('reason') };
    return asked(given, world, { method: 'POST', path: pathOf(given.arg(0), 'moderate'), body }, () => 'Done.\n');
  },
};

const nudge: Leaf = {
  name: 'nudge',
  summary: 'wake an agent that waits for messages',
  about: 'Its listen returns with a nudge. Nobody but an operator sends one: it may cost a turn of a model.',
  args: [
    ['<agent>', 'its name, or the @id of one from outside with a key'],
    ['[text]', 'what it is to do; - for standard input'],
  ],
  examples: [["skep chat nudge bob 'The review waits for you.'", 'prints the id of the message']],
  asksNode: true,
  run: async (given, world) => {
    const text = given.args[1] === '-' ? await world.in.readAll() : (given.args[1] ?? '');
    const path = `/api/swarm/agents/${encodeURIComponent(given.arg(0))}/nudge`;
    return asked(given, world, { method: 'POST', path, body: { text } }, (answer) => {
      const { id } = read(z.looseObject({ id: z.string() }), answer);
      return `Nudged ${printableLine(given.arg(0))}: ${shortId(id)}.\n`;
    });
  },
};

const readerSchema = z.looseObject({
  id: z.string(),
  name: z.string(),
  kind: z.string(),
  state: z.string(),
  reason: z.string().nullable(),
});

const readers: Leaf = {
  name: 'readers',
  summary: 'what became of a message at each of its readers',
  about:
    'read: handled, or passed by its cursor; delivered: handed out; open: not yet; sent: at the hub of another node, which alone knows;\n' +
    'bounced, and why; later: joined after it.',
  args: [['<message>', 'its id']],
  examples: [['skep chat readers 3fa9c1d2-12', 'a line each']],
  asksNode: true,
  run: (given, world) =>
    asked(
      given,
      world,
      { method: 'GET', path: `/api/messages/${encodeURIComponent(given.arg(0))}/readers` },
      (answer) => {
        const rows = read(z.array(readerSchema), answer).map((one) => [
          printableLine(one.name),
          one.kind,
          statusCell(one.state),
          printableLine(one.reason ?? ''),
        ]);
        const columns = [{ title: 'READER' }, { title: 'KIND' }, { title: 'STATE' }, { title: 'WHY', gives: true }];
        return rows.length === 0 ? 'Nobody was there to read it.\n' : table(columns, rows, world.out);
      },
    ),
};

export const OPERATOR_LEAVES: readonly Leaf[] = [create, invite, members, moderate, nudge, readers];
