/** `skep chat …`: a client of a hub for people and pipes. What it hears it prints as JSON lines. */
import { ReadCursor } from '../chat/cursor.ts';
import type { HubFrame } from '../chat/hub-client.ts';
import { HubClient } from '../chat/hub-client.ts';
import { identityPath, makeIdentity, readIdentity } from '../chat/identity.ts';
import { Listener } from '../chat/listener.ts';
import { hook } from './chat-hook.ts';
import { OPERATOR_LEAVES } from './chat-operator.ts';
import { cursorOf, PLACE_OPTIONS, placeOf } from '../chat/place.ts';
import type { ExitCode } from '../exit.ts';
import { EXIT, usageFailure } from '../exit.ts';
import type { Given } from '../given.ts';
import { printable, printableLine } from '../text.ts';
import type { Group, Leaf } from '../verb.ts';
import type { World } from '../world.ts';
import { SEARCH_ABOUT, SEARCH_OPTIONS, searchNotes, searchOf } from './message-search.ts';

async function asked(
  given: Given,
  world: World,
  run: (hub: HubClient) => Promise<object | readonly object[]>,
): Promise<ExitCode> {
  const hub = await HubClient.connect(placeOf(given, world));
  try {
    const answer = await run(hub);
    for (const line of Array.isArray(answer) ? answer : [answer]) world.out.write(`${JSON.stringify(line)}\n`);
    return EXIT.ok;
  } finally {
    hub.close();
  }
}

const listOf = (frame: HubFrame): readonly object[] => (Array.isArray(frame['list']) ? frame['list'] : []);
const joining = (hub: HubClient, channel: string): Promise<HubFrame> =>
  hub.ask({ type: 'JOIN', channel }, (frame) => frame.type === 'JOINED' && frame['channel'] === channel);

const send: Leaf = {
  name: 'send',
  summary: 'say something in a channel, or to one',
  about: 'Prints the message as the hub took it, a line of JSON: then it is on disk there.',
  args: [
    ['<to>', 'a #channel, or an @id'],
    ['<text>', 'the message; - for standard input'],
  ],
  options: [...PLACE_OPTIONS, { flags: '--reply-to <id>', about: 'the message that this one answers' }],
  examples: [
    ["skep chat send '#general' 'The parser is in.'", 'prints it with its msg_id'],
    ["git log -1 | skep chat send '#pull-requests' -", 'what a program printed'],
  ],
  run: async (given, world) => {
    const [to, text] = [given.arg(0), given.arg(1)];
    const content = text === '-' ? await world.in.readAll() : text;
    return asked(given, world, async (hub) => {
      if (to.startsWith('#')) await joining(hub, to);
      const message = { type: 'MSG', to, content, in_reply_to: given.text('replyTo') };
      const isOwn = (frame: HubFrame): boolean =>
        frame.type === 'MSG' && frame['from'] === hub.agentId && frame['to'] === to && frame['replay'] !== true;
      return hub.ask(message, isOwn);
    });
  },
};

/** `#general ann: The parser is in.`: for people, who need neither ids nor marks. */
function spoken({ to, from, from_name: name, content }: HubFrame): string {
  const text = printable(String(content)).trimEnd().replaceAll('\n', '\n    ');
  return `${printableLine(String(to))} ${printableLine(String(name ?? from))}: ${text}\n`;
}

const isOf = (message: HubFrame, thread: string | undefined): boolean =>
  thread === undefined || message['msg_id'] === thread || message['thread_id'] === thread;

const listen: Leaf = {
  name: 'listen',
  summary: 'print what is said in channels, and to this client, until Ctrl-C',
  about:
    'One line of JSON a message; at a terminal, who said what where, unless --json is given. How far it came is kept for a key (or in --cursor): after a restart of this program, or of the hub, it goes on there\n' +
    'and repeats nothing; killed between printing and noting, it repeats that one message.',
  args: [['[channel...]', 'names with #; #general where none is given']],
  options: [
    ...PLACE_OPTIONS,
    { flags: '--cursor <file>', about: 'keep there how far it came' },
    { flags: '--limit <n>', about: 'end after so many messages', kind: 'whole' },
    {
      flags: '--thread <id>',
      about: 'only one conversation, by the message that began it; of the others none counts as read',
    },
  ],
  examples: [
    ["skep chat listen '#general' '#help'", 'everything from the last 200 messages on'],
    ["skep chat listen '#general' | jq -r .content", 'for a program'],
    [
      "skep chat listen '#general' --thread 5064c63a9591f3117cd772b07fffdd1e-81",
      'what is answered to it, and to the answers',
    ],
  ],
  run: async (given, world) => {
    const place = placeOf(given, world);
    const limit = given.whole('limit') ?? Infinity;
    let shown = 0;
    const [thread, file] = [given.text('thread'), given.text('cursor')];
    const channels = given.args.length === 0 ? ['#general'] : given.args;
    const listener: Listener = new Listener({
      place,
      channels,
      // A kept cursor passes over all of a channel: a look at one conversation does not move it.
      cursor: thread === undefined || file !== undefined ? cursorOf(place, world, file) : new ReadCursor(undefined),
      onMessage: (message) => {
        if (shown >= limit || !isOf(message, thread)) return;
        shown += 1;
        world.out.write(world.out.isTerminal && !given.json ? spoken(message) : `${JSON.stringify(message)}\n`);
        if (shown >= limit) listener.close();
      },
    });
    let isInterrupted = false;
    const off = world.onInterrupt(() => {
      isInterrupted = true;
      listener.close();
    });
    try {
      await listener.connect();
      const why = await listener.run();
      if (isInterrupted) return EXIT.interrupted;
      if (shown >= limit) return EXIT.ok;
      world.err.write(`${why}\n`);
      return EXIT.refused;
    } finally {
      off();
      listener.close();
    }
  },
};

const search: Leaf = {
  name: 'search',
  summary: 'what was said, as far as this client may read it, newest first',
  about: `${SEARCH_ABOUT}\nOne line of JSON a message, with the piece of it that was found; at a terminal, who said what where, unless --json is given.`,
  args: [['<query...>', 'words, and what else']],
  options: [...PLACE_OPTIONS, ...SEARCH_OPTIONS],
  examples: [
    ["skep chat search lexer 'in:#parsers' after:2026-11-01", 'in one channel, since a day'],
    ['skep chat search \'"merge queue" from:ann\' | jq -r .snippet.text', 'a phrase, for a program'],
  ],
  run: (given, world) =>
    asked(given, world, async (hub) => {
      const { limit, ...rest } = searchOf(given);
      const frame = { type: 'SEARCH_MESSAGES', ...rest, limit };
      const page = await hub.ask(frame, ({ type }) => type === 'MESSAGES_FOUND');
      world.err.write(searchNotes({ next: page['next'], left: page['left'] }));
      const results: HubFrame[] = Array.isArray(page['results']) ? page['results'] : [];
      if (!world.out.isTerminal || given.json) return results;
      for (const one of results) world.out.write(spoken({ ...one, content: Object(one['snippet']).text }));
      if (results.length === 0) world.out.write('Nothing found.\n');
      return [];
    }),
};

const channels: Leaf = {
  name: 'channels',
  summary: 'the channels that anybody may join',
  options: PLACE_OPTIONS,
  examples: [['skep chat channels | jq -r .name', 'their names']],
  run: (given, world) =>
    asked(given, world, async (hub) =>
      listOf(await hub.ask({ type: 'LIST_CHANNELS' }, ({ type }) => type === 'CHANNELS')),
    ),
};

const agents: Leaf = {
  name: 'agents',
  summary: 'who is in a channel',
  args: [['<channel>', 'its name with #']],
  options: PLACE_OPTIONS,
  examples: [["skep chat agents '#general'", 'a line each, with presence']],
  run: (given, world) =>
    asked(given, world, async (hub) =>
      listOf(await hub.ask({ type: 'LIST_AGENTS', channel: given.arg(0) }, ({ type }) => type === 'AGENTS')),
    ),
};

const identity: Leaf = {
  name: 'identity',
  summary: 'show the key of this client; make one',
  about: 'The private half stays in its file (mode 0600) and is never printed.',
  options: [
    { flags: '--identity <file>', about: 'its file (~/.agentchat/identity.json)' },
    { flags: '--create', about: 'make one; a file that is there is left alone' },
    { flags: '--name <name>', about: 'what to be called', fallback: 'agent' },
  ],
  examples: [
    ['skep chat identity --create --name ann', 'prints id and public key, which an operator may approve'],
    ['skep chat identity', 'the same, of the one that is there'],
  ],
  run: async (given, world) => {
    const path = given.text('identity') ?? identityPath(world.home);
    const held = readIdentity(path);
    if (given.flag('create') && held !== undefined) throw usageFailure(`${path} is there already`);
    const made = held ?? (given.flag('create') ? makeIdentity(path, given.text('name') ?? 'agent') : undefined);
    if (made === undefined) throw usageFailure(`there is no identity at ${path}`, 'skep chat identity --create');
    const { agentId, name, publicKey } = made;
    world.out.write(`${JSON.stringify({ agent_id: `@${agentId}`, name, pubkey: publicKey, file: path })}\n`);
    return EXIT.ok;
  },
};

export const chat: Group = {
  name: 'chat',
  summary: 'speak and listen in the channels of a hub',
  leaves: [send, listen, search, channels, agents, identity, ...OPERATOR_LEAVES, hook],
};
