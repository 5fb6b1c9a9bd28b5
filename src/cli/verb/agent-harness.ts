/** `skep agent-harness …`: what stands beside an agent, in its box or outside, and speaks at its socket. */
import { AgentLine } from '../agent-line.ts';
import type { ExitCode } from '../exit.ts';
import { EXIT, usageFailure } from '../exit.ts';
import type { Given } from '../given.ts';
import { serve as serveTurns } from '../harness.ts';
import type { Group, Leaf, VerbOption } from '../verb.ts';
import type { World } from '../world.ts';

/** Where a box shows the socket of its agent. */
const SOCKET_IN_BOX = '/run/hive/mcp.sock';

const SOCKET: VerbOption = {
  flags: '--socket <path>',
  about: `the agent's socket (SKEP_AGENT_SOCKET, then ${SOCKET_IN_BOX})`,
};
const pathOf = (given: Given, world: World): string =>
  given.text('socket') ?? world.env['SKEP_AGENT_SOCKET'] ?? SOCKET_IN_BOX;

/** Prints the answer as one JSON line. */
async function asked(given: Given, world: World, request: Record<string, unknown>): Promise<ExitCode> {
  const line = await AgentLine.open(pathOf(given, world));
  try {
    const { ok: _ok, ...answer } = await line.ask(request);
    world.out.write(`${JSON.stringify(answer)}\n`);
    return EXIT.ok;
  } finally {
    line.close();
  }
}

const textOf = async (text: string, world: World): Promise<string> => (text === '-' ? world.in.readAll() : text);

const send: Leaf = {
  name: 'send',
  summary: 'send a message as the agent whose socket it is',
  args: [
    ['<to>', 'an agent, operator, or * for all others'],
    ['<text>', 'the message; - for standard input'],
  ],
  options: [SOCKET, { flags: '--reply-to <id>', about: 'the message that this one answers' }],
  examples: [['skep agent-harness send bob "The parser is in."', 'prints the id of the message']],
  run: async (given, world) => {
    const body = await textOf(given.arg(1), world);
    return asked(given, world, { cmd: 'send', to: given.arg(0), body, in_reply_to: given.text('replyTo') ?? null });
  },
};

const recv: Leaf = {
  name: 'recv',
  summary: 'take messages out of the mailbox of the agent; they are acknowledged unless --keep is given',
  options: [
    SOCKET,
    { flags: '--wait <seconds>', about: 'wait so long for the first one, at most 180', kind: 'whole', fallback: 0 },
    { flags: '--max <n>', about: 'at most so many, up to 32', kind: 'whole', fallback: 1 },
    { flags: '--keep', about: 'leave them in hand: skep agent-harness ack closes them' },
  ],
  examples: [['skep agent-harness recv --wait 30', 'one JSON object a message, none when none came']],
  run: async (given, world) => {
    const line = await AgentLine.open(pathOf(given, world));
    try {
      const { messages } = await line.ask({ cmd: 'recv', wait_seconds: given.whole('wait'), max: given.whole('max') });
      for (const message of Array.isArray(messages) ? messages : []) world.out.write(`${JSON.stringify(message)}\n`);
      if (!given.flag('keep')) await line.ask({ cmd: 'ack_turn' });
      return EXIT.ok;
    } finally {
      line.close();
    }
  },
};

const ack: Leaf = {
  name: 'ack',
  summary: 'close what the agent has in hand, or the messages that are named',
  args: [['[id...]', 'of messages']],
  options: [SOCKET],
  examples: [['skep agent-harness ack', 'all that was received with --keep']],
  run: (given, world) => asked(given, world, { cmd: 'ack', ids: given.args.length === 0 ? null : [...given.args] }),
};

const wake: Leaf = {
  name: 'wake',
  summary: 'tell the agent of something that happened outside: a turn follows',
  options: [
    SOCKET,
    { flags: '--from <name>', about: 'where it happened, in a word' },
    { flags: '--body <text>', about: 'what happened; - for standard input' },
  ],
  examples: [
    [
      'make test; skep agent-harness wake --from make --body "make test ended with $?"',
      'a command that outlives a turn',
    ],
  ],
  run: async (given, world) => {
    const [from, body] = [given.text('from'), given.text('body')];
    if (from === undefined || body === undefined) throw usageFailure('--from and --body are needed');
    return asked(given, world, { cmd: 'wake', from, body: await textOf(body, world) });
  },
};

const serve: Leaf = {
  name: 'serve',
  summary: 'run the agent: a turn for each message, its output sent back as the answer',
  about:
    'The message is the prompt, on standard input of the command; what it prints is the answer. A message is acknowledged when its turn succeeded, and goes back when it failed. No answer follows on an answer, an event, a reminder or an echo.',
  args: [['[command...]', 'what takes a prompt and prints an answer (claude --print)']],
  options: [
    SOCKET,
    { flags: '--echo', about: 'where the command fails, answer with the message itself' },
    { flags: '--once', about: 'end after one turn' },
  ],
  examples: [
    ['skep agent-harness serve', 'Claude Code, one turn a message'],
    ['skep agent-harness serve -- claude --print --continue', 'the turns as one conversation'],
  ],
  run: async (given, world) => {
    const [program = 'claude', ...args] = given.args.length === 0 ? ['claude', '--print'] : given.args;
    const ending = new AbortController();
    const stop = world.onInterrupt(() => ending.abort());
    try {
      await serveTurns({
        path: pathOf(given, world),
        command: [program, ...args],
        echo: given.flag('echo'),
        once: given.flag('once'),
        signal: ending.signal,
        env: world.env,
        log: (line) => world.err.write(`${line}\n`),
      });
      return EXIT.ok;
    } finally {
      stop();
    }
  },
};

export const agentHarness: Group = {
  name: 'agent-harness',
  summary: 'speak as an agent, at its socket',
  leaves: [serve, send, recv, ack, wake],
};
