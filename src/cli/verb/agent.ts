/** `skep agent …`: agents of the whole swarm. */
import { z } from 'zod';
import { agentSchema, outputSchema, read } from '../answers.ts';
import { ask } from '../client.ts';
import { attach } from './agent-attach.ts';
import { agentTranscript } from './transcript.ts';
import { admit, interrupt, restart, steer } from './agent-control.ts';
import { turns } from './agent-turns.ts';
import { dollarsOf } from '../dollars.ts';
import { EXIT } from '../exit.ts';
import { withNode } from '../find-node.ts';
import { shortId, shortIds, shortNode } from '../short-id.ts';
import { showJson, showRows, showText, statusCell } from '../show.ts';
import { turnsGiven } from '../turns-given.ts';
import { printable, printableLine } from '../text.ts';
import type { Group, Leaf } from '../verb.ts';

const AGENT: readonly [string, string] = ['<agent>', 'its id, short id or name'];
const LINES_DEFAULT = 50;

const pathOf = (agent: string, rest = ''): string => `/api/swarm/agents/${encodeURIComponent(agent)}${rest}`;

const list: Leaf = {
  name: 'list',
  summary: 'agents of the whole swarm, oldest first',
  examples: [['skep agent list', 'who is there, and at what']],
  asksNode: true,
  run: (given, world) =>
    withNode(given, world, async (node) => {
      const body = await ask(node, { method: 'GET', path: '/api/swarm/agents' });
      if (given.json) return showJson(body, world);
      const agents = read(z.array(agentSchema), body);
      const short = shortIds(agents.map((agent) => agent.id));
      const rows = agents.map((agent) => [
        short(agent.id),
        printableLine(agent.name),
        printableLine(agent.tool),
        agent.box ?? 'unboxed',
        statusCell(agent.paused && agent.status === 'offline' ? 'paused' : agent.status),
        printableLine(agent.node_name ?? shortNode(agent.node_id)),
        agent.current_task_id === undefined ? '' : shortId(agent.current_task_id),
        printableLine(agent.capabilities.join(', ')),
      ]);
      const columns = ['ID', 'NAME', 'TOOL', 'BOX', 'STATUS', 'NODE', 'TASK', 'CAPABILITIES'].map((title) => ({
        title,
        gives: title === 'CAPABILITIES' || title === 'NAME',
      }));
      return showRows(
        { columns, rows, none: 'No agents. Add one to this node: skep agent add shell-1 --tool shell' },
        world,
      );
    }),
};

const add: Leaf = {
  name: 'add',
  summary: 'register an agent of the node that is asked',
  args: [['<name>', 'what people call it']],
  options: [
    {
      flags: '--tool <tool>',
      about: 'what runs: claude, codex, any command line; shell runs scripts',
      fallback: 'claude',
    },
    {
      flags: '--drive <how>',
      about:
        "terminal: typed to in tmux; protocol: by the tool's own (claude, codex, opencode), or ACP (gemini, 'acp COMMAND')",
      fallback: 'terminal',
    },
    { flags: '--capability <name>', about: 'what it can do; may be repeated', kind: 'list' },
    { flags: '--budget-usd-day <usd>', about: 'what it may cost a day (UTC), as far as it is known' },
    { flags: '--project-path <dir>', about: 'directory it works in' },
    {
      flags: '--home <whose>',
      about:
        'whose configuration its tool uses: person, or own, a directory of its own (claude, codex, opencode, gemini)',
      fallback: 'person',
    },
    {
      flags: '--account <name>',
      about: 'what its tool is logged in to, by any name: agents of one account share its cap',
    },
    { flags: '--turns', about: 'begin a turn of it for each message (with --drive protocol); it takes no tasks then' },
    { flags: '--echo', about: 'the same, and where no turn succeeds, answer with the message itself' },
    {
      flags: '--tmux-session <id>',
      about: 'a tmux session of yours that it is in; else skep makes one and starts the tool',
    },
  ],
  examples: [['skep agent add shell-1 --tool shell --capability docker', 'runs scripts of tasks that ask for shell']],
  asksNode: true,
  run: (given, world) =>
    withNode(given, world, async (node) => {
      const body = {
        name: given.arg(0),
        tool: given.text('tool'),
        drive: given.text('drive'),
        capabilities: given.list('capability'),
        project_path: given.text('projectPath') ?? null,
        tmux_session_id: given.text('tmuxSession') ?? null,
        account: given.text('account') ?? null,
        budget_usd_day: dollarsOf('--budget-usd-day', given.text('budgetUsdDay')) ?? null,
        home: given.text('home'),
        ...turnsGiven(given),
      };
      const answer = await ask(node, { method: 'POST', path: '/api/swarm/agents', body });
      if (given.json) return showJson(answer, world);
      world.out.write(`${read(agentSchema, answer).id}\n`);
      return EXIT.ok;
    }),
};

const remove: Leaf = {
  name: 'remove',
  summary: 'withdraw an agent; its node stops it',
  args: [AGENT],
  options: [{ flags: '--with-home', about: 'with the configuration directory that was its own; else that stays' }],
  examples: [['skep agent remove shell-1', 'by its name']],
  asksNode: true,
  run: (given, world) =>
    withNode(given, world, async (node) => {
      const query = given.flag('withHome') ? { home: 'removed' } : {};
      const answer = await ask(node, { method: 'DELETE', path: pathOf(given.arg(0)), query });
      if (given.json) return showJson(answer, world);
      world.out.write('Removed.\n');
      return EXIT.ok;
    }),
};

const pauseLeaf = (name: 'pause' | 'resume', said: string, summary: string, example: string): Leaf => ({
  name,
  summary,
  args: [AGENT],
  examples: [[`skep agent ${name} worker-1-claude`, example]],
  asksNode: true,
  run: (given, world) =>
    withNode(given, world, async (node) => {
      const answer = await ask(node, { method: 'POST', path: pathOf(given.arg(0), `/${name}`) });
      if (given.json) return showJson(answer, world);
      world.out.write(`${said}\n`);
      return EXIT.ok;
    }),
});

const pause = pauseLeaf('pause', 'Paused.', 'let it take nothing more; what it is at goes on', 'until it is resumed');
const resume = pauseLeaf('resume', 'Resumed.', 'let a paused agent take tasks again', 'it takes what waits and fits');

const budget: Leaf = {
  name: 'budget',
  summary: 'say what it may cost a day: above it an attempt is ended, and it waits for the next day (UTC)',
  args: [AGENT, ['<usd>', 'US dollars a day; none for no limit']],
  examples: [['skep agent budget worker-1-claude 5', 'of what has a known price']],
  asksNode: true,
  run: (given, world) =>
    withNode(given, world, async (node) => {
      const usd = given.arg(1);
      const body = { usd_day: usd === 'none' ? null : (dollarsOf('usd', usd) ?? null) };
      const answer = await ask(node, { method: 'POST', path: pathOf(given.arg(0), '/budget'), body });
      if (given.json) return showJson(answer, world);
      world.out.write(body.usd_day === null ? 'No budget.\n' : `At most $${body.usd_day} a day.\n`);
      return EXIT.ok;
    }),
};

const send: Leaf = {
  name: 'send',
  summary: 'say something to an agent, wherever it runs',
  args: [AGENT, ['<text...>', 'what to say; - takes it from standard input']],
  examples: [['skep agent send shell-1 yes', 'a line on the standard input of what it runs']],
  asksNode: true,
  run: (given, world) =>
    withNode(given, world, async (node) => {
      const words = given.args.slice(1).join(' ');
      const body = { text: words === '-' ? await world.in.readAll() : words };
      const answer = await ask(node, { method: 'POST', path: pathOf(given.arg(0), '/send'), body });
      if (given.json) showJson(answer, world);
      const { sent } = read(z.object({ sent: z.boolean() }), answer);
      if (!given.json) world.out.write(sent ? 'Sent.\n' : 'Not sent: it is not listening now.\n');
      return sent ? EXIT.ok : EXIT.negative;
    }),
};

const output: Leaf = {
  name: 'output',
  summary: 'the last lines of an agent, wherever it runs',
  args: [AGENT],
  options: [{ flags: '--lines <n>', about: 'so many lines', kind: 'whole', fallback: LINES_DEFAULT }],
  examples: [['skep agent output shell-1 --lines 200', 'what it printed lately']],
  asksNode: true,
  run: (given, world) =>
    withNode(given, world, async (node) => {
      const query = { lines: given.whole('lines') };
      const answer = await ask(node, { method: 'GET', path: pathOf(given.arg(0), '/output'), query });
      if (given.json) return showJson(answer, world);
      showText(printable(read(outputSchema, answer).output), world);
      return EXIT.ok;
    }),
};

export const agent: Group = {
  name: 'agent',
  summary: 'list, add and remove agents; talk to them',
  leaves: [
    list,
    add,
    remove,
    pause,
    resume,
    budget,
    admit,
    send,
    steer,
    interrupt,
    restart,
    output,
    turns,
    agentTranscript,
    attach,
  ],
};
