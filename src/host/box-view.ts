/** What a process of a boxed agent sees of its node's machine, and in which environment it runs. */
import { accessSync, constants, existsSync, realpathSync } from 'node:fs';
import { delimiter, dirname, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { IN_BOX } from '#box-ports.ts';
import type { LiveAgent } from '#core/view/agent.ts';
import type { Seen } from '#core/boxing.ts';
import type { Prepared } from '#workspace/record.ts';
import { commandOf } from './drivers.ts';

/** The socket of its node's tools, inside. */
export const TOOLS_SOCKET = `${IN_BOX.sockets}/tools.sock`;

/** The program that opens the relay in a box and runs another one beside it. A script says `"$SKEP_NODE" "$SKEP_RELAY" COMMAND`. */
const RELAY_PROGRAM = fileURLToPath(new URL('../runtime/box/relay-main.ts', import.meta.url));

/** What `skep` is in a box: `"$SKEP_NODE" "$SKEP_CLI" agent-harness …`, by the node's own Node. */
const CLI = fileURLToPath(new URL('../../bin/skep.mjs', import.meta.url));

/** The same, with the relay at its side. */
export const besideRelay = (argv: readonly [string, ...string[]]): [string, ...string[]] => [
  process.execPath,
  RELAY_PROGRAM,
  ...argv,
];

/** What of skep's own folder its tool server needs: nothing else of it is shown. */
const INSTALLED = ['bin', 'src', 'dist', 'node_modules', 'package.json'];
/** By a file of it: the folder itself, named here, would be an asset, and all that lies in it part of an executable of `skep compile`. */
const PACKAGE = dirname(fileURLToPath(new URL('../../package.json', import.meta.url)));

/** A system shows these by itself. */
const OF_THE_SYSTEM = ['/usr/', '/bin/', '/nix/store/'];

/** Said to an agent that reads, beside all else: what it would otherwise find out by failing. */
export const boxWords = (egress: readonly string[]): string =>
  `${boxReach(egress)} The git repository can be read and not be written to: ` +
  'leave your changes uncommitted in your folder, they are committed for you when your task is complete.';

/** The same, where its work is no repository's. */
export const boxReach = (egress: readonly string[]): string =>
  `You run in a box: ${reach(egress)}, and no files but your own folder.`;

const reach = (egress: readonly string[]): string =>
  egress.length === 0
    ? 'no network but the loopback'
    : `of the network nothing but ${egress.join(', ')}, by the proxy that your environment names`;

/** The attempt's folder to work in; its repository to read. Whoever could write to the repository could make its node run anything. */
export function workSeen(prepared: Prepared): Seen[] {
  const folder = { path: 'root' in prepared ? prepared.root : prepared.cwd, writable: true };
  return 'gitDir' in prepared ? [{ path: prepared.gitDir, writable: false }, folder] : [folder];
}

/** The program of its tool, the node's own Node and skep's tool server: none of them lies where a system has its programs. */
export function toolSeen(agent: LiveAgent): { sees: Seen[]; path: string } {
  const [program = ''] = commandOf(agent.registered.tool).trim().split(/\s+/, 1);
  const found = agent.registered.tool === 'shell' ? undefined : onPath(program);
  const own = INSTALLED.map((name) => join(PACKAGE, name)).filter((path) => existsSync(path));
  const paths = [...own, process.execPath, ...(found === undefined ? [] : placesOf(found))];
  const sees = [...new Set(paths)].filter((path) => !isOfSystem(path)).map((path) => ({ path, writable: false }));
  const folder = found === undefined || isOfSystem(found) ? [] : [dirname(found)];
  return { sees, path: [...folder, IN_BOX.path, dirname(process.execPath)].join(delimiter) };
}

export const boxEnvironment = (path: string): Record<string, string> => ({
  PATH: path,
  HOME: IN_BOX.home,
  USER: 'agent',
  LOGNAME: 'agent',
  LANG: 'C.UTF-8',
  TMPDIR: '/tmp',
  SKEP_NODE: process.execPath,
  SKEP_CLI: CLI,
  SKEP_RELAY: RELAY_PROGRAM,
});

const isOfSystem = (path: string): boolean => OF_THE_SYSTEM.some((folder) => path.startsWith(folder));

function onPath(program: string): string | undefined {
  if (program.includes('/')) return program;
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const path = join(folder, program);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not in this one.
    }
  }
  return undefined;
}

/**
 * A program that a package manager links to lies in `node_modules` with all it needs, and its link in a folder of links. Any other is shown by itself:
 * its folder may be somebody's home.
 */
function placesOf(program: string): string[] {
  const real = realpathSync(program);
  const at = real.lastIndexOf(`${sep}node_modules${sep}`);
  if (at === -1) return [program];
  const home = join(real.slice(0, at), 'node_modules');
  return program.startsWith(`${home}${sep}`) ? [home] : [home, dirname(program)];
}
