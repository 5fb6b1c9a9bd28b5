/** Boxes by Podman: an image, read-only, without a network. Nothing is pulled: an image that is not there is said to be missing. */
import type { Boxes, BoxProbe, BoxSpec, UnheldLimit } from '#box-ports.ts';
import { IN_BOX } from '#box-ports.ts';
import type { Seen } from '#core/boxing.ts';
import type { NodeId } from '#core/brand.ts';
import type { Runtime } from '#ports.ts';
import type { BoxedRun } from './boxed.ts';
import { boxedRuntime } from './boxed.ts';
import { AGENT_ID, layFolder } from './folder.ts';
import { missingNeed } from './needs.ts';
import { layProfile } from './seccomp.ts';
import { HOLDER_VARIABLE, PROC_VARIABLE } from '../proc-table.ts';
import { nameOf, sweepContainers } from './container-sweep.ts';
import { firstLine, tryOut } from './trial.ts';
import { words } from './words.ts';

const TMP_MAX_BYTES = 2 * 1024 * 1024 * 1024;

/** Ids of a container, mapped to those of the machine one by one: the agent is whoever runs the node, and what is root's in the image is nobody's. */
const IDS = [`0:1:${AGENT_ID}`, `${AGENT_ID}:0:1`, `${AGENT_ID + 1}:${AGENT_ID + 1}:${65_535 - AGENT_ID}`];

/** What Podman itself needs of its node's environment. Nothing of it goes in. */
const OWN = [
  'PATH',
  'HOME',
  'XDG_RUNTIME_DIR',
  'XDG_CONFIG_HOME',
  'XDG_DATA_HOME',
  'CONTAINERS_CONF',
  'CONTAINERS_STORAGE_CONF',
];

/** Set by the engine in each container. */
const SAID = ['HOME', 'HOSTNAME', 'TERM', 'container'];

const fixed = (directory: string): string[] => [
  ...words('run --rm --interactive --init --pull never --log-driver none --read-only'),
  ...words(`--cap-drop all --security-opt no-new-privileges --user ${AGENT_ID}:${AGENT_ID}`),
  '--security-opt',
  `seccomp=${layProfile(directory)}`,
  ...IDS.flatMap((map) => ['--uidmap', map, '--gidmap', map]),
];

/** How Podman fails on a machine whose system does not let it do what it is used to; the first two are known by heart. */
const FAULTS: readonly { says: RegExp; wayOut: string }[] = [
  {
    says: /setrlimit\s.*Operation not permitted|RLIMIT_N/i,
    wayOut:
      'no hard limit may be raised here: set default_ulimits = ["nofile=N:N", "nproc=M:M"] under [containers] in containers.conf, at most what `ulimit -Hn` and `ulimit -Hu` say',
  },
  {
    says: /cgroups? in hybrid mode not supported/i,
    wayOut:
      'crun does not run with both versions of control groups: install runc and set runtime = "runc" and cgroup_manager = "cgroupfs" under [engine] in containers.conf',
  },
  {
    says: /newuidmap|subuid|subgid/i,
    wayOut: 'install uidmap, and give this user a line in /etc/subuid and /etc/subgid',
  },
  {
    says: /permission denied|not permitted/i,
    wayOut: 'run the node as root, or set Podman up for its user: `podman run` must work for it',
  },
];

export class ContainerBoxes implements Boxes {
  readonly kind = 'container';
  readonly #program: string;
  /** Images of which a container was seen to start. */
  readonly #seen = new Set<string>();

  /** `program`: where it is not `podman` on PATH. */
  constructor(o: { program?: string } = {}) {
    this.#program = o.program ?? 'podman';
  }

  async probe(): Promise<BoxProbe> {
    const found = await tryOut([this.#program, '--version']);
    if (found.missing)
      return {
        works: false,
        reason: 'Podman is not installed',
        wayOut: 'apt-get install podman runc uidmap catatonit',
      };
    if (found.code === 0) return { works: true, version: firstLine(found.said) };
    return failed(found.said);
  }

  /** Starts a container of the image once: a machine on which that fails says so here, and not in an attempt. */
  async check(spec: BoxSpec): Promise<BoxProbe> {
    const { image } = spec;
    if (image === null)
      return {
        works: false,
        reason: 'a container needs an image',
        wayOut: 'declare it with one that `podman images` lists',
      };
    const lacking = missingNeed(spec);
    const probe = lacking ?? (await this.probe());
    if (!probe.works || this.#seen.has(image)) return probe;
    const there = await tryOut([this.#program, 'image', 'exists', image]);
    if (there.code !== 0 && there.said === '') {
      const wayOut = `podman pull ${image}, or build it; nothing is pulled by itself`;
      return { works: false, reason: `there is no image ${image} here`, wayOut };
    }
    const trial = await tryOut([
      this.#program,
      ...fixed(spec.directory),
      ...nameOf(spec),
      '--network',
      'none',
      '--entrypoint',
      '',
      image,
      'true',
    ]);
    if (trial.code !== 0) return failed(trial.said);
    this.#seen.add(image);
    return probe;
  }

  runtime(spec: BoxSpec, beneath: Runtime): Runtime {
    return boxedRuntime(beneath, ({ argv, cwd, env, sees }) => {
      // By name alone: a value in an argument could be read by everybody.
      const names = [...Object.keys(env), PROC_VARIABLE, HOLDER_VARIABLE].filter((name) => !OWN.includes(name));
      // What Podman is told by the same variable as the agent goes in by a file.
      const own = Object.entries(env).filter(([name]) => OWN.includes(name));
      const told = [
        ...names.flatMap((name) => ['--env', name]),
        ...own.flatMap(([name, value]) => ['--env', `${name}=${value}`]),
      ];
      const box = [
        ...fixed(spec.directory),
        ...nameOf(spec),
        '--network',
        'none',
        ...view(spec, sees ?? []),
        ...told,
        '--workdir',
        cwd,
      ];
      // What the engine says of itself.
      const unset = SAID.filter((name) => !(name in env)).flatMap((name) => ['-u', name]);
      return {
        argv: [this.#program, ...box, '--entrypoint', '', spec.image ?? '', '/usr/bin/env', ...unset, ...argv],
        env: { ...env, ...ownEnvironment() },
      };
    });
  }

  login(spec: BoxSpec, argv: BoxedRun['argv']): { argv: BoxedRun['argv']; env: Record<string, string> } {
    const told = ['--env', `HOME=${IN_BOX.home}`, '--env', `PATH=${IN_BOX.path}`, '--workdir', IN_BOX.home];
    const box = [
      ...fixed(spec.directory),
      ...nameOf(spec),
      '--tty',
      '--network',
      'host',
      ...view(spec, []),
      ...told,
      '--entrypoint',
      '',
    ];
    return { argv: [this.#program, ...box, spec.image ?? '', ...argv], env: ownEnvironment() };
  }

  /** The engine holds them itself, or fails to start. */
  unheld(): readonly UnheldLimit[] {
    return [];
  }

  sweep(node: NodeId): Promise<number> {
    return sweepContainers(this.#program, node);
  }

  /** A container goes with its first process. */
  async drop(): Promise<void> {}
}

function view({ name, directory, mounts, secrets, socketDir, limits }: BoxSpec, sees: readonly Seen[]): string[] {
  const { home, etc } = layFolder(directory);
  const mount = (from: string, at: string, writable: boolean): string[] => [
    '--volume',
    `${from}:${at}:${writable ? 'rw' : 'ro'}`,
  ];
  return [
    ...words(`--hostname ${name} --no-hosts --tmpfs /tmp:rw,nosuid,nodev,mode=1777,size=${TMP_MAX_BYTES}`),
    ...etc.flatMap(({ from, at }) => mount(from, at, false)),
    ...mount(home, IN_BOX.home, true),
    ...mounts.flatMap(({ from, at, writable }) => mount(from, at, writable)),
    ...sees.flatMap(({ path, writable }) => mount(path, path, writable)),
    ...mount(socketDir, IN_BOX.sockets, false),
    ...secrets.flatMap((secret) => mount(secret.file, `${IN_BOX.secrets}/${secret.name}`, false)),
    ...(limits.memoryBytes === null
      ? []
      : ['--memory', String(limits.memoryBytes), '--memory-swap', String(limits.memoryBytes)]),
    ...(limits.cpus === null ? [] : ['--cpus', String(limits.cpus)]),
    ...(limits.processes === null ? [] : ['--pids-limit', String(limits.processes)]),
  ];
}

function ownEnvironment(): Record<string, string> {
  return Object.fromEntries(
    OWN.flatMap((name) => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

function failed(said: string): BoxProbe {
  const wayOut =
    FAULTS.find((fault) => fault.says.test(said))?.wayOut ?? 'run `podman run --rm IMAGE true` to see what is wrong';
  return { works: false, reason: `Podman does not run: ${said.split('\n').at(-1) ?? ''}`, wayOut };
}
