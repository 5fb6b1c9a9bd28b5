/** `skep hive …`: agents in boxes, on the node that is asked. */
import { spawn as spawnProcess } from 'node:child_process';
import { z } from 'zod';
import { read } from '../answers.ts';
import { ask } from '../client.ts';
import type { ExitCode } from '../exit.ts';
import { CommandFailure, EXIT } from '../exit.ts';
import { withNode } from '../find-node.ts';
import type { Given } from '../given.ts';
import { showJson, statusCell } from '../show.ts';
import { table } from '../table.ts';
import { turnsGiven } from '../turns-given.ts';
import { printableLine } from '../text.ts';
import type { Group, Leaf, VerbOption } from '../verb.ts';
import type { World } from '../world.ts';

const NAME: readonly [string, string] = ['<name>', 'of the agent; its box is h-<name>'];
const pathOf = (name: string, rest = ''): string => `/api/boxes/${encodeURIComponent(name)}${rest}`;

const boxSchema = z.object({
  name: z.string(),
  tool: z.string().nullable(),
  state: z.string(),
  why: z.string().nullable(),
  way_out: z.string().nullable(),
  runtime: z.string().nullable(),
  unheld: z.array(z.object({ limit: z.string(), reason: z.string() })),
  home: z.string(),
});
type Box = z.output<typeof boxSchema>;

const CHANGES: readonly VerbOption[] = [
  { flags: '--runtime <kind>', about: 'sandbox, container or nspawn', choices: ['sandbox', 'container', 'nspawn'] },
  { flags: '--image <image>', about: 'what a container is made of; of nspawn, its root folder' },
  {
    flags: '--mount <from:at>',
    about: 'show a folder of the machine; with :rw it can be written to. May be repeated',
    kind: 'list',
  },
  { flags: '--memory <mib>', about: 'at most so much memory, in MiB', kind: 'whole' },
  { flags: '--cpus <n>', about: 'at most so many processors; 0.5 is half of one' },
  { flags: '--processes <n>', about: 'at most so many processes', kind: 'whole' },
  {
    flags: '--secret <name>',
    about: 'a file of <data-dir>/secrets, shown as /run/secrets/<name>. May be repeated',
    kind: 'list',
  },
  {
    flags: '--egress <host:port>',
    about: 'a place that it may reach through its node; may be repeated, and is then all of them. none: nowhere',
    kind: 'list',
  },
];

/** Only what was given. */
function changesOf(given: Given): Record<string, unknown> {
  const [memory, processes, cpus] = [given.whole('memory'), given.whole('processes'), given.text('cpus')];
  const limits = {
    ...(memory === undefined ? {} : { memory_bytes: memory * 1024 * 1024 }),
    ...(cpus === undefined ? {} : { cpus: Number(cpus) }),
    ...(processes === undefined ? {} : { processes }),
  };
  const [mounts, secrets, egress] = [given.list('mount'), given.list('secret'), given.list('egress')];
  return {
    ...(given.text('runtime') === undefined ? {} : { runtime: given.text('runtime') }),
    ...(given.text('image') === undefined ? {} : { image: given.text('image') }),
    ...(mounts.length === 0 ? {} : { mounts: mounts.map(mountOf) }),
    ...(Object.keys(limits).length === 0 ? {} : { limits }),
    ...(secrets.length === 0 ? {} : { secret_names: secrets }),
    ...(egress.length === 0 ? {} : { egress: egress.filter((place) => place !== 'none') }),
  };
}

function mountOf(text: string): { from: string; at: string; writable: boolean } {
  const [from = '', at, mode, ...more] = text.split(':');
  if (from.startsWith('/') && more.length === 0 && (mode === undefined || mode === 'rw' || mode === 'ro'))
    return { from, at: at ?? from, writable: mode === 'rw' };
  throw new CommandFailure(EXIT.usage, `${text} is no mount`, {
    hints: ['expected: /folder:/place, or /folder:/place:rw'],
  });
}

function say(answer: unknown, done: string, world: World): ExitCode {
  const box = read(boxSchema, answer);
  world.out.write(`${printableLine(box.name)} ${done}: ${box.runtime ?? ''}, ${box.state}.\n`);
  for (const line of notesOf(box)) world.err.write(`${printableLine(line)}\n`);
  return box.state === 'broken' ? EXIT.negative : EXIT.ok;
}

const notesOf = ({ why, way_out, unheld }: Box): string[] => [
  ...(why === null ? [] : [`${why}: ${way_out ?? ''}`]),
  ...unheld.map(({ limit, reason }) => `the limit ${limit} does not hold here: ${reason}`),
];

const serve: Leaf = {
  name: 'serve',
  summary: 'open the host’s socket of hyperhive in the node that is asked, also after its next start',
  about:
    'The node is the daemon: there is no second one. The socket takes spawn, kill, rebuild, destroy and list as JSON lines.',
  examples: [['skep hive serve', 'prints the path of the socket']],
  asksNode: true,
  run: (given, world) =>
    withNode(given, world, async (node) => {
      const answer = await ask(node, { method: 'POST', path: '/api/hive/serve' });
      if (given.json) return showJson(answer, world);
      world.out.write(`${read(z.object({ socket: z.string() }), answer).socket}\n`);
      return EXIT.ok;
    }),
};

const spawn: Leaf = {
  name: 'spawn',
  summary: 'register an agent in a box of its own',
  about: 'A home that an earlier one of that name left is its home again.',
  args: [NAME],
  options: [
    { flags: '--tool <tool>', about: 'claude, codex, gemini, shell, acp COMMAND', fallback: 'claude' },
    { flags: '--capability <name>', about: 'what it can do; may be repeated', kind: 'list' },
    { flags: '--turns', about: 'begin a turn of it for each message; it takes no tasks then' },
    { flags: '--echo', about: 'the same, and where no turn succeeds, answer with the message itself' },
    ...CHANGES,
  ],
  examples: [
    ['skep hive spawn alice', 'Claude Code in a sandbox'],
    ['skep hive spawn bob --tool shell --memory 2048 --mount /srv/data:/srv/data', 'scripts, within limits'],
    ['skep hive spawn cid --egress github.com:443 --egress registry.npmjs.org:443', 'it may clone and install there'],
  ],
  asksNode: true,
  run: (given, world) =>
    withNode(given, world, async (node) => {
      const named = { name: given.arg(0), tool: given.text('tool'), capabilities: given.list('capability') };
      const body = { ...named, ...turnsGiven(given), ...changesOf(given) };
      const answer = await ask(node, { method: 'POST', path: '/api/boxes', body });
      return given.json ? showJson(answer, world) : say(answer, 'was spawned', world);
    }),
};

const kill: Leaf = {
  name: 'kill',
  summary: 'end what it is at; it takes nothing until it is rebuilt',
  args: [NAME],
  examples: [['skep hive kill alice', 'its task goes to another agent']],
  asksNode: true,
  run: (given, world) =>
    withNode(given, world, async (node) => {
      const answer = await ask(node, { method: 'POST', path: pathOf(given.arg(0), '/kill') });
      return given.json ? showJson(answer, world) : say(answer, 'was stopped', world);
    }),
};

const rebuild: Leaf = {
  name: 'rebuild',
  summary: 'make what runs equal to what is declared, with what is given here declared first',
  about: 'Done again, it does nothing. What it is at under an older declaration is ended.',
  args: [NAME],
  options: CHANGES,
  examples: [
    ['skep hive rebuild alice', 'after a kill, a missing secret, an update of the machine'],
    ['skep hive rebuild alice --memory 4096 --processes 512', 'these are then all its limits'],
  ],
  asksNode: true,
  run: (given, world) =>
    withNode(given, world, async (node) => {
      const request = { method: 'POST', path: pathOf(given.arg(0), '/rebuild'), body: changesOf(given) } as const;
      const answer = await ask(node, request);
      return given.json ? showJson(answer, world) : say(answer, 'is as declared', world);
    }),
};

const list: Leaf = {
  name: 'list',
  summary: 'boxes of the node that is asked, and the homes that destroyed ones left',
  options: [{ flags: '--kinds', about: 'the kinds of boxes instead, and which of them work there' }],
  examples: [
    ['skep hive list', 'who runs in what, and what is wrong'],
    ['skep hive list --kinds', 'what to install'],
  ],
  asksNode: true,
  run: (given, world) =>
    withNode(given, world, async (node) => {
      if (given.flag('kinds'))
        return showKinds(await ask(node, { method: 'GET', path: '/api/box-kinds' }), given, world);
      const answer = await ask(node, { method: 'GET', path: '/api/boxes' });
      if (given.json) return showJson(answer, world);
      const rows = read(z.array(boxSchema), answer).map((box) => [
        printableLine(box.name),
        statusCell(box.state),
        box.runtime ?? '',
        printableLine(box.tool ?? ''),
        printableLine(notesOf(box).join('; ') || (box.state === 'destroyed' ? `home kept: ${box.home}` : '')),
      ]);
      const columns = [
        { title: 'NAME' },
        { title: 'STATE' },
        { title: 'RUNTIME' },
        { title: 'TOOL' },
        { title: 'NOTE', gives: true },
      ];
      world.out.write(
        rows.length === 0 ? 'No boxes. Make one: skep hive spawn NAME\n' : table(columns, rows, world.out),
      );
      return EXIT.ok;
    }),
};

function showKinds(answer: unknown, given: Given, world: World): ExitCode {
  if (given.json) return showJson(answer, world);
  const maybe = z.string().nullable();
  const kind = z.object({ kind: z.string(), works: z.boolean(), version: maybe, why: maybe, way_out: maybe });
  const rows = read(z.array(kind), answer).map((one) => [
    one.kind,
    one.works ? 'works' : 'does not work',
    printableLine(one.works ? (one.version ?? '') : `${one.why}: ${one.way_out}`),
  ]);
  world.out.write(table([{ title: 'KIND' }, { title: 'HERE' }, { title: 'NOTE', gives: true }], rows, world.out));
  return EXIT.ok;
}

const destroy: Leaf = {
  name: 'destroy',
  summary: 'end it and withdraw its agent; its home stays',
  args: [NAME],
  options: [
    { flags: '--purge', about: 'its home goes, too, with credentials and all; also that of one destroyed before' },
  ],
  examples: [['skep hive destroy alice', 'skep hive spawn alice revives it, logged in as it was']],
  asksNode: true,
  run: (given, world) =>
    withNode(given, world, async (node) => {
      const query = { purge: String(given.flag('purge')) };
      const answer = await ask(node, { method: 'DELETE', path: pathOf(given.arg(0)), query });
      if (given.json) return showJson(answer, world);
      world.out.write(given.flag('purge') ? 'Destroyed and purged.\n' : 'Destroyed; its home stays.\n');
      return EXIT.ok;
    }),
};

const login: Leaf = {
  name: 'login',
  summary: 'a shell in the box, with a network: to log a tool in',
  about:
    'What is stored there stays in the home of the box; models are asked with the credential of the node all the same. Only on the machine of the node; nothing an agent does opens this.',
  args: [NAME],
  examples: [['skep hive login alice', 'then: gh auth login, npm login']],
  asksNode: true,
  run: async (given, world) => {
    const answer = await withNode(given, world, (node) =>
      ask(node, { method: 'GET', path: pathOf(given.arg(0), '/login') }),
    );
    if (given.json) return showJson(answer, world);
    const { argv, env } = read(
      z.object({ argv: z.array(z.string()).min(1), env: z.record(z.string(), z.string()) }),
      answer,
    );
    const [program = '', ...args] = argv;
    return new Promise((resolve, reject) => {
      const term = world.env['TERM'];
      const child = spawnProcess(program, args, {
        stdio: 'inherit',
        env: { ...env, ...(term === undefined ? {} : { TERM: term }) },
      });
      child.on('error', (error) =>
        reject(new CommandFailure(EXIT.negative, `${program} cannot be started: ${error.message}`)),
      );
      child.on('exit', (code) => resolve(code === 0 ? EXIT.ok : EXIT.negative));
    });
  },
};

export const hive: Group = {
  name: 'hive',
  summary: 'agents in boxes: spawn, kill, rebuild, list, destroy, log in',
  leaves: [serve, spawn, kill, rebuild, list, destroy, login],
};
