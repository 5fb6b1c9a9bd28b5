/** `skep mcp install`: registers the tools in a client's own configuration, for a person's sessions. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CommandFailure, EXIT, usageFailure } from '../exit.ts';
import type { Given } from '../given.ts';
import type { Leaf } from '../verb.ts';
import type { World } from '../world.ts';

const CLIENTS = ['claude', 'codex', 'opencode'] as const;
/** A client's own command only edits a file. */
const CLIENT_WITHIN_MS = 60_000;
const NAME = 'skep';

export const install: Leaf = {
  name: 'install',
  summary: 'register the tools in a client’s configuration, for your own sessions',
  about:
    'The client then runs `skep mcp`, which speaks for you: through the admin socket of a node on this machine, or with --url and\n' +
    '--token-file. The token itself is written nowhere.',
  options: [{ flags: '--client <client>', about: 'claude, codex or opencode', choices: CLIENTS }],
  examples: [
    ['skep mcp install --client claude', 'Claude Code, for all folders of yours'],
    ['skep mcp install --client codex --url https://hive.example --token-file ~/.skep-token', 'a node elsewhere'],
  ],
  asksNode: true,
  run: async (given, world) => {
    const client = CLIENTS.find((one) => one === given.text('client'));
    if (client === undefined) throw usageFailure(`--client is missing: one of ${CLIENTS.join(', ')}`);
    const command = [PROGRAM, 'mcp', ...whichNode(given, world)];
    const where = client === 'opencode' ? await intoOpenCode(command, world) : await byItself(client, command, world);
    const done = { client, name: NAME, command, where };
    if (given.json) world.out.write(`${JSON.stringify(done)}\n`);
    else world.out.write(`Registered "${NAME}" with ${client} (${where}). It runs: ${command.join(' ')}\n`);
    return EXIT.ok;
  },
};

const PROGRAM = fileURLToPath(new URL('../../../bin/skep', import.meta.url));

/** A client starts its servers wherever its user stands: paths are whole. */
function whichNode(given: Given, world: World): string[] {
  const whole = (path: string): string => (isAbsolute(path) ? path : resolve(world.cwd, path));
  const here = join(world.cwd, 'data');
  const url = given.text('url');
  const dataDir = given.text('dataDir') ?? (url === undefined && existsSync(here) ? here : undefined);
  const options: [string, string | undefined, boolean][] = [
    ['--url', url, false],
    ['--token-file', given.text('tokenFile'), true],
    ['--data-dir', dataDir, true],
    ['--p2p-port', given.text('p2pPort'), false],
    ['--config', given.text('config'), true],
  ];
  return options.flatMap(([flag, value, isPath]) => (value === undefined ? [] : [flag, isPath ? whole(value) : value]));
}

/** Claude Code and Codex have a command that edits their configuration: its shape is theirs. */
async function byItself(client: 'claude' | 'codex', command: readonly string[], world: World): Promise<string> {
  const scope = client === 'claude' ? ['--scope', 'user'] : [];
  // One that is there already, of an older path for example, would be kept.
  await run(client, ['mcp', 'remove', ...scope, NAME], world);
  const added = await run(client, ['mcp', 'add', ...scope, NAME, '--', ...command], world);
  if (added === undefined) return `${client} mcp add`;
  throw new CommandFailure(EXIT.negative, `${client} did not take it: ${added}`, {
    hints: [`register it by hand: ${client} mcp add ${[...scope, NAME, '--', ...command].join(' ')}`],
  });
}

/** What it said when it failed, or undefined. */
function run(program: string, args: readonly string[], world: World): Promise<string | undefined> {
  return new Promise((done) => {
    const options = { cwd: world.cwd, env: world.env, timeout: CLIENT_WITHIN_MS };
    execFile(program, args, options, (error, stdout, stderr) => {
      if (error === null) done(undefined);
      else
        done(error.code === 'ENOENT' ? `there is no command ${program}` : `${stderr}${stdout}`.trim() || error.message);
    });
  });
}

async function intoOpenCode(command: readonly string[], world: World): Promise<string> {
  const home = world.env['XDG_CONFIG_HOME'] ?? join(world.home, '.config');
  const path = join(home, 'opencode', 'opencode.json');
  if (existsSync(`${path}c`)) {
    const entry = JSON.stringify({ [NAME]: entryOf(command) });
    throw new CommandFailure(EXIT.negative, `${path}c may have comments, which would be lost`, {
      hints: [`add this under "mcp" by hand: ${entry}`],
    });
  }
  const config = await configIn(path);
  const servers: unknown = Reflect.get(config, 'mcp');
  const others = typeof servers === 'object' && servers !== null ? servers : {};
  const next = { ...config, mcp: { ...others, [NAME]: entryOf(command) } };
  await mkdir(dirname(path), { recursive: true });
  const draft = `${path}.skep-${process.pid}`;
  await writeFile(draft, `${JSON.stringify(next, null, 2)}\n`, { flag: 'wx', mode: 0o600 });
  await rename(draft, path);
  return path;
}

const entryOf = (command: readonly string[]) => ({ type: 'local', command, enabled: true });

async function configIn(path: string): Promise<object> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return '{}';
    throw error;
  });
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    json = undefined;
  }
  if (typeof json === 'object' && json !== null && !Array.isArray(json)) return json;
  throw new CommandFailure(EXIT.negative, `${path} is no JSON object: it was left as it is`);
}
