/** Boxes by bubblewrap: this machine's own programs, read-only, in namespaces of their own. */
import { existsSync, lstatSync, readlinkSync } from 'node:fs';
import type { Boxes, BoxProbe, BoxSpec, UnheldLimit } from '#box-ports.ts';
import { IN_BOX } from '#box-ports.ts';
import type { Seen } from '#core/boxing.ts';
import type { Runtime } from '#ports.ts';
import { boxedRuntime, enter, HEEDING, type BoxedRun } from './boxed.ts';
import { AGENT_ID, layFolder } from './folder.ts';
import { dropGroups, limitGroups } from './limits.ts';
import { missingNeed } from './needs.ts';
import { firstLine, tryOut } from './trial.ts';
import { words } from './words.ts';

/** `/tmp` inside is memory: more than a build writes there, less than fills a machine. */
const TMP_MAX_BYTES = 2 * 1024 * 1024 * 1024;

/** Links of most systems, folders of their own on some. */
const BESIDE_USR = ['bin', 'sbin', 'lib', 'lib32', 'lib64', 'libx32'];

/** What programs need of `/etc`: certificates, libraries, time. Nothing that names users, hosts or credentials of this machine. */
const ETC = ['alternatives', 'ssl', 'ca-certificates', 'pki', 'ld.so.cache', 'ld.so.conf', 'ld.so.conf.d', 'localtime'];

/** Namespaces of its own, also of users: inside nobody is root, whoever runs the node. No program inside can make further ones. */
const ALONE = words(
  `--unshare-all --unshare-user --uid ${AGENT_ID} --gid ${AGENT_ID} --disable-userns --die-with-parent --cap-drop ALL`,
);

export class SandboxBoxes implements Boxes {
  readonly kind = 'sandbox';
  readonly #program: string;

  /** `program`: bubblewrap, where it is not `bwrap` on PATH. */
  constructor(o: { program?: string } = {}) {
    this.#program = o.program ?? 'bwrap';
  }

  async probe(): Promise<BoxProbe> {
    const version = await tryOut([this.#program, '--version']);
    if (version.missing)
      return { works: false, reason: 'bubblewrap is not installed', wayOut: 'apt-get install bubblewrap' };
    const trial = await tryOut([this.#program, ...ALONE, ...rootArguments(), '--', '/usr/bin/env', 'true']);
    if (trial.code === 0) return { works: true, version: firstLine(version.said) };
    return { works: false, reason: `bubblewrap does not run: ${firstLine(trial.said)}`, wayOut: wayOutOf(trial.said) };
  }

  async check(spec: BoxSpec): Promise<BoxProbe> {
    if (spec.image !== null)
      return { works: false, reason: 'a sandbox has no image', wayOut: 'declare it without one, or as a container' };
    return missingNeed(spec) ?? this.probe();
  }

  runtime(spec: BoxSpec, beneath: Runtime): Runtime {
    const { entries } = limitGroups(spec);
    return boxedRuntime(beneath, ({ argv, cwd, env, sees }) => {
      const box = [...ALONE, ...this.#view(spec, sees ?? []), '--chdir', cwd, '--remount-ro', '/', '--'];
      return { argv: enter(entries, [this.#program, ...box, ...HEEDING, ...argv]), env };
    });
  }

  login(spec: BoxSpec, argv: BoxedRun['argv']): { argv: BoxedRun['argv']; env: Record<string, string> } {
    const dns = ['--ro-bind-try', '/etc/resolv.conf', '/etc/resolv.conf'];
    const box = [...ALONE, '--share-net', ...this.#view(spec, []), ...dns, '--chdir', IN_BOX.home, '--remount-ro', '/'];
    return { argv: [this.#program, ...box, '--', ...argv], env: { HOME: IN_BOX.home, PATH: IN_BOX.path } };
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

  /** All that is to be seen inside. Later words lie over earlier ones, so what skep itself shows comes last. */
  #view({ name, directory, mounts, secrets, socketDir }: BoxSpec, sees: readonly Seen[]): string[] {
    const { home, etc } = layFolder(directory);
    return [
      ...rootArguments(),
      ...words(`--size ${TMP_MAX_BYTES} --tmpfs /tmp --tmpfs /run --hostname ${name}`),
      ...etc.flatMap(({ from, at }) => shown(from, at, false)),
      ...shown(home, IN_BOX.home, true),
      ...mounts.flatMap(({ from, at, writable }) => shown(from, at, writable)),
      ...sees.flatMap(({ path, writable }) => shown(path, path, writable)),
      ...shown(socketDir, IN_BOX.sockets, false),
      ...secrets.flatMap((secret) => shown(secret.file, `${IN_BOX.secrets}/${secret.name}`, false)),
    ];
  }
}

const shown = (from: string, at: string, writable: boolean): string[] => [writable ? '--bind' : '--ro-bind', from, at];

function rootArguments(): string[] {
  const beside = BESIDE_USR.flatMap((name) => {
    const found = lstatSync(`/${name}`, { throwIfNoEntry: false });
    if (found === undefined) return [];
    return found.isSymbolicLink()
      ? ['--symlink', readlinkSync(`/${name}`), `/${name}`]
      : ['--ro-bind', `/${name}`, `/${name}`];
  });
  const etc = ETC.map((name) => `/etc/${name}`).filter((path) => existsSync(path));
  // The store of Nix, where `/usr` holds next to nothing.
  const all = ['/usr', ...etc, ...(existsSync('/nix/store') ? ['/nix/store'] : [])];
  // Where root runs the node, settings of the kernel (`core_pattern`: a program that it runs as root) ask for the user alone, and inside that is still root.
  const kernel = words('--proc /proc --remount-ro /proc --dev /dev');
  return [...all.flatMap((path) => ['--ro-bind', path, path]), ...beside, ...kernel];
}

function wayOutOf(said: string): string {
  if (/No permissions to create( a)? new namespace|Operation not permitted|setting up uid map/i.test(said))
    return 'let this user make user namespaces (sysctl kernel.unprivileged_userns_clone=1, kernel.apparmor_restrict_unprivileged_userns=0), or run the node as root';
  if (/No space left on device|max_user_namespaces/i.test(said))
    return 'raise /proc/sys/user/max_user_namespaces: this machine lets nobody make user namespaces';
  if (/unknown option/i.test(said)) return 'install bubblewrap 0.8 or newer';
  return 'run `bwrap --unshare-all --ro-bind / / true` to see what is wrong';
}
