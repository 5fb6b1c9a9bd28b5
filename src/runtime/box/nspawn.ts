/**
 * Boxes by systemd-nspawn, directly and without a systemd of this machine: a root folder, read-only, with a network of its own. It needs root; the
 * programs by which the box shuts itself are those of the folder, before the agent's first word.
 */
import { lstatSync, mkdirSync, realpathSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Boxes, BoxProbe, BoxSpec, UnheldLimit } from '#box-ports.ts';
import { IN_BOX } from '#box-ports.ts';
import type { Seen } from '#core/boxing.ts';
import type { Runtime } from '#ports.ts';
import { HOLDER_VARIABLE, PROC_VARIABLE } from '../proc-table.ts';
import { boxedRuntime, type BoxedRun } from './boxed.ts';
import { AGENT_ID, layFolder } from './folder.ts';
import { dropGroups, limitGroups } from './limits.ts';
import { missingNeed } from './needs.ts';
import { HOLD, INSIDE, LIMIT_FOLDER, OPEN } from './nspawn-scripts.ts';
import { firstLine, tryOut } from './trial.ts';
import { words } from './words.ts';

/** `/tmp` inside is memory: more than a build writes there, less than fills a machine. */
const TMP_MAX_BYTES = 2 * 1024 * 1024 * 1024;

/** No word to a machined, no unit, no journal, nothing of this machine's `/etc`: all that nspawn does by itself where a systemd runs. */
const FIXED = [
  ...words('-q --register=no --keep-unit --as-pid2 --read-only --no-new-privileges=yes --link-journal=no'),
  ...words(`--timezone=off --bind=/proc/sys/user:${LIMIT_FOLDER}`),
];

/** Set by nspawn in each box. */
const SAID = words('HOME LOGNAME USER TERM LANG NOTIFY_SOCKET container container_uuid');
const ALWAYS_SAID = words('container_host_id container_host_version_id OLDPWD SHLVL _');

/** Parts the layers of the root from one another, and options of a mount. */
const UNMOUNTABLE = /[:,\\]/;

/** What a box is shut with, from its own root folder, by the Debian packages that have them. */
const NEEDED = words('sh env mount unshare setpriv');

/** Where nspawn mounts what each system has. */
const OF_EACH_SYSTEM = words('dev proc run sys tmp');

/** By what a person's shell in the box finds names. */
const RESOLVER = '/etc/resolv.conf';

/** Folders that the box makes anew: what is to be shown beneath needs no place in the root. */
const MADE_ANEW = ['/tmp/', '/run/'];

export class NspawnBoxes implements Boxes {
  readonly kind = 'nspawn';
  readonly #program: string;
  readonly #userId: number;
  /** Root folders in which a box was seen to start. */
  readonly #seen = new Set<string>();

  /** `program`: where it is not `systemd-nspawn` on PATH. `userId`: who runs the node. */
  constructor(o: { program?: string; userId?: number } = {}) {
    this.#program = o.program ?? 'systemd-nspawn';
    this.#userId = o.userId ?? process.getuid?.() ?? -1;
  }

  async probe(): Promise<BoxProbe> {
    const version = await tryOut([this.#program, '--version']);
    if (version.missing)
      return {
        works: false,
        reason: 'systemd-nspawn is not installed',
        wayOut: 'apt-get install systemd-container',
      };
    if (this.#userId !== 0)
      return {
        works: false,
        reason: 'systemd-nspawn is for root alone',
        wayOut: 'run the node as root, or declare the box as a sandbox or a container',
      };
    return { works: true, version: firstLine(version.said) };
  }

  /** Starts a box of the root folder once: a folder in which something is missing is told of here, and not in an attempt. */
  async check(spec: BoxSpec): Promise<BoxProbe> {
    const wrong = wrongImage(spec);
    if (wrong !== undefined) return wrong;
    const probe = missingNeed(spec) ?? (await this.probe());
    const image = spec.image ?? '';
    if (!probe.works || this.#seen.has(image)) return probe;
    const run: BoxedRun = { argv: ['/bin/sh', '-c', 'exit 0'], cwd: IN_BOX.home, env: {} };
    const trial = await tryOut(this.#open({ ...spec, mounts: [], secrets: [] }, run, 'alone'));
    if (trial.code !== 0) return failed(trial.said);
    this.#seen.add(image);
    return probe;
  }

  runtime(spec: BoxSpec, beneath: Runtime): Runtime {
    const { entries } = limitGroups(spec);
    return boxedRuntime(beneath, (run) => {
      return { argv: ['/bin/sh', '-c', HOLD, 'sh', ...entries, '--', ...this.#open(spec, run, 'alone')], env: run.env };
    });
  }

  login(spec: BoxSpec, argv: BoxedRun['argv']): { argv: BoxedRun['argv']; env: Record<string, string> } {
    const env = { HOME: IN_BOX.home, PATH: IN_BOX.path, TERM: process.env['TERM'] ?? 'xterm' };
    return { argv: this.#open(spec, { argv, cwd: IN_BOX.home, env }, 'login'), env };
  }

  unheld(spec: BoxSpec): readonly UnheldLimit[] {
    return limitGroups(spec).unheld;
  }

  /** What it makes goes with its first process. */
  async sweep(): Promise<number> {
    return 0;
  }

  drop({ name }: BoxSpec): Promise<void> {
    return dropGroups(name);
  }

  #open(spec: BoxSpec, { argv, cwd, env, sees }: BoxedRun, how: 'login' | 'alone'): BoxedRun['argv'] {
    const { skeleton, stage, binds } = layRoot(spec, sees ?? []);
    const isLogin = how === 'login';
    if (isLogin) layPlace({ skeleton, image: spec.image ?? '', from: RESOLVER, at: RESOLVER });
    const alone = isLogin
      ? [`--bind-ro=${RESOLVER}`, '--resolv-conf=off']
      : words('--private-network --resolv-conf=off --pipe');
    // By name alone: a value in an argument could be read by everybody.
    const names = [...Object.keys(env), PROC_VARIABLE, HOLDER_VARIABLE].map((name) => `--setenv=${name}`);
    const unset = [...SAID.filter((name) => !(name in env)), ...ALWAYS_SAID].flatMap((name) => ['-u', name]);
    const box = [...FIXED, ...alone, `--machine=${spec.name}`, `--hostname=${spec.name}`, ...binds, ...names];
    const ids = [`--map-user=${AGENT_ID}`, `--map-group=${AGENT_ID}`];
    const inside = [...words('unshare --user --mount --keep-caps'), ...ids, '--', '/bin/sh', '-c', INSIDE];
    const first = ['/usr/bin/env', '--default-signal=TERM', ...unset, ...argv];
    const opened = ['/bin/sh', '-c', OPEN, 'sh', stage, `${skeleton}:${spec.image ?? ''}`, this.#program];
    return ['unshare', '--mount', ...opened, ...box, ...inside, cwd, ...first];
  }
}

/** Makes what the root needs beside its image, and says what is to be shown in it. */
function layRoot(spec: BoxSpec, sees: readonly Seen[]): { skeleton: string; stage: string; binds: string[] } {
  const { directory, mounts, secrets, socketDir } = spec;
  const { home, etc } = layFolder(directory);
  const [skeleton, stage] = [join(directory, 'root'), join(directory, 'stage')];
  for (const name of OF_EACH_SYSTEM) mkdirSync(join(skeleton, name), { recursive: true, mode: 0o755 });
  mkdirSync(stage, { recursive: true, mode: 0o700 });
  const shown = [
    ...etc.map(({ from, at }) => ({ from, at, writable: false })),
    { from: home, at: IN_BOX.home, writable: true },
    ...mounts,
    ...sees.map(({ path, writable }) => ({ from: path, at: path, writable })),
    { from: socketDir, at: IN_BOX.sockets, writable: false },
    ...secrets.map(({ name, file }) => ({ from: file, at: `${IN_BOX.secrets}/${name}`, writable: false })),
  ];
  for (const { from, at } of shown) layPlace({ skeleton, image: spec.image ?? '', from, at });
  const binds = shown.map(({ from, at, writable }) => `${writable ? '--bind' : '--bind-ro'}=${from}:${at}`);
  return { skeleton, stage, binds: [`--tmpfs=/tmp:mode=1777,size=${TMP_MAX_BYTES}`, ...binds] };
}

/** The root is read-only, so the place at which something is shown must be in it: a file for a file, else a folder. */
function layPlace({ skeleton, image, from, at }: { skeleton: string; image: string; from: string; at: string }): void {
  if (MADE_ANEW.some((folder) => at.startsWith(folder))) return;
  let way = '';
  for (const part of at.split('/').filter((one) => one !== '')) {
    way += `/${part}`;
    // A folder over a link of the image would hide what it leads to: such a place is the image's own.
    if (lstatSync(`${image}${way}`, { throwIfNoEntry: false })?.isSymbolicLink() === true) return;
  }
  const place = join(skeleton, at);
  mkdirSync(dirname(place), { recursive: true, mode: 0o755 });
  if (statSync(realpathSync(from)).isDirectory()) mkdirSync(place, { recursive: true, mode: 0o755 });
  else writeFileSync(place, '', { mode: 0o644 });
}

function wrongImage({ image, directory }: BoxSpec): BoxProbe | undefined {
  const wayOut = 'declare it with the path of a folder that holds a system: debootstrap makes one';
  if (image === null) return { works: false, reason: 'nspawn needs a root folder as its image', wayOut };
  if (!image.startsWith('/') || statSync(join(image, 'usr'), { throwIfNoEntry: false })?.isDirectory() !== true)
    return { works: false, reason: `there is no root folder ${image} here`, wayOut };
  const path = [image, directory].find((one) => UNMOUNTABLE.test(one));
  if (path !== undefined)
    return {
      works: false,
      reason: `${path} has a colon, a comma or a backslash`,
      wayOut: 'give it a path without one: a root of several layers cannot be mounted from there',
    };
  const lacks = NEEDED.filter((name) => !['usr/bin', 'bin'].some((folder) => isThere(join(image, folder, name))));
  if (lacks.length > 0)
    return {
      works: false,
      reason: `the root folder ${image} has no ${lacks.join(', ')}`,
      wayOut:
        'a box is shut by sh, env, mount, unshare and setpriv of its own: packages coreutils, mount and util-linux of Debian',
    };
  return undefined;
}

/** Links count, wherever they lead: what they lead to is looked up inside. */
const isThere = (path: string): boolean => lstatSync(path, { throwIfNoEntry: false }) !== undefined;

function failed(said: string): BoxProbe {
  const last = said.trim().split('\n').at(-1) ?? '';
  const wayOut = 'this machine must let root mount and make namespaces; inside of another container it often does not';
  return { works: false, reason: `systemd-nspawn does not run: ${last}`, wayOut };
}
