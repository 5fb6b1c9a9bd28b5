/** Boxes by Podman or Docker: an image, read-only, without a network. Nothing is pulled: an image that is not there is said to be missing. */
import type { Boxes, BoxProbe, BoxSpec, UnheldLimit } from '#box-ports.ts';
import { IN_BOX } from '#box-ports.ts';
import type { Seen } from '#core/boxing.ts';
import type { NodeId } from '#core/brand.ts';
import type { BoxLimits } from '#core/schema/box-body.ts';
import type { Runtime } from '#ports.ts';
import type { BoxedRun } from './boxed.ts';
import { boxedRuntime } from './boxed.ts';
import type { Engine, EngineName } from './engine.ts';
import { engineHere, ENGINES } from './engine.ts';
import { layFolder } from './folder.ts';
import { missingNeed } from './needs.ts';
import { HOLDER_VARIABLE, PROC_VARIABLE } from '../proc-table.ts';
import { nameOf, sweepContainers } from './container-sweep.ts';
import { firstLine, tryOut } from './trial.ts';
import { words } from './words.ts';

const TMP_MAX_BYTES = 2 * 1024 * 1024 * 1024;

/** Set by the engine in each container, or by what shuts it. */
const SAID = words('HOME HOSTNAME TERM container OLDPWD PWD');

const FIXED = [
  ...words('--rm --interactive --init --pull never --log-driver none --read-only'),
  ...words('--cap-drop all --security-opt no-new-privileges'),
];

export class ContainerBoxes implements Boxes {
  readonly kind = 'container';
  readonly #engine: Engine;
  readonly #program: string;
  /** Images of which a container was seen to start. */
  readonly #seen = new Set<string>();

  /** `engine`: Podman, unless only Docker is on PATH. `program`: where it is not on PATH by the name of the engine. */
  constructor(o: { engine?: EngineName | undefined; program?: string } = {}) {
    const name = o.engine ?? engineHere();
    this.#engine = ENGINES[name];
    this.#program = o.program ?? name;
  }

  async probe(): Promise<BoxProbe> {
    const { title, install, version } = this.#engine;
    const found = await tryOut([this.#program, ...version]);
    if (found.missing) return { works: false, reason: `${title} is not installed`, wayOut: install };
    if (found.code === 0) return { works: true, version: firstLine(found.said) };
    return this.#failed(found.said);
  }

  /** Starts a container of the image once: a machine on which that fails says so here, and not in an attempt. */
  async check(spec: BoxSpec): Promise<BoxProbe> {
    const { image } = spec;
    if (image === null)
      return {
        works: false,
        reason: 'a container needs an image',
        wayOut: `declare it with one that \`${this.#program} images\` lists`,
      };
    const lacking = missingNeed(spec);
    const probe = lacking ?? (await this.probe());
    if (!probe.works || this.#seen.has(image)) return probe;
    const there = await tryOut([this.#program, ...this.#engine.exists(image)]);
    if (there.code !== 0 && /^(?:\[\])?\s*$|no such image/i.test(there.said)) {
      const wayOut = `${this.#program} pull ${image}, or build it; nothing is pulled by itself`;
      return { works: false, reason: `there is no image ${image} here`, wayOut };
    }
    const box = [...this.#opening(spec), '--network', 'none', '--entrypoint', '', image];
    const trial = await tryOut([this.#program, ...box, ...this.#engine.opened('/', ['/usr/bin/env', 'true'])]);
    if (trial.code !== 0) return this.#failed(trial.said);
    this.#seen.add(image);
    return probe;
  }

  runtime(spec: BoxSpec, beneath: Runtime): Runtime {
    const { own, opened, place } = this.#engine;
    return boxedRuntime(beneath, ({ argv, cwd, env, sees }) => {
      // By name alone: a value in an argument could be read by everybody.
      const names = [...Object.keys(env), PROC_VARIABLE, HOLDER_VARIABLE].filter((name) => !own.includes(name));
      // What the engine is told by the same variable as the agent goes in by a file.
      const told = [
        ...names.flatMap((name) => ['--env', name]),
        ...Object.entries(env).flatMap(([name, value]) => (own.includes(name) ? ['--env', `${name}=${value}`] : [])),
      ];
      const box = [...this.#opening(spec), '--network', 'none', ...this.#view(spec, sees ?? []), ...told];
      // What the engine says of itself.
      const unset = SAID.filter((name) => !(name in env)).flatMap((name) => ['-u', name]);
      const inside = opened(cwd, ['/usr/bin/env', ...unset, ...argv]);
      return {
        argv: [this.#program, ...box, ...place(cwd), '--entrypoint', '', spec.image ?? '', ...inside],
        env: { ...env, ...this.#environment() },
      };
    });
  }

  login(spec: BoxSpec, argv: BoxedRun['argv']): { argv: BoxedRun['argv']; env: Record<string, string> } {
    const told = ['--env', `HOME=${IN_BOX.home}`, '--env', `PATH=${IN_BOX.path}`, ...this.#engine.place(IN_BOX.home)];
    const box = [...this.#opening(spec), '--tty', '--network', 'host', ...this.#view(spec, []), ...told];
    const inside = this.#engine.opened(IN_BOX.home, argv);
    return { argv: [this.#program, ...box, '--entrypoint', '', spec.image ?? '', ...inside], env: this.#environment() };
  }

  /** The engine holds them itself, or fails to start. */
  unheld(): readonly UnheldLimit[] {
    return [];
  }

  sweep(node: NodeId): Promise<number> {
    return sweepContainers({ program: this.#program, remove: this.#engine.remove, node });
  }

  /** A container goes with its first process. */
  async drop(): Promise<void> {}

  #opening(spec: BoxSpec): string[] {
    return ['run', ...FIXED, ...this.#engine.fixed(spec), ...nameOf(spec)];
  }

  #view({ name, directory, mounts, secrets, socketDir, limits }: BoxSpec, sees: readonly Seen[]): string[] {
    const { home, etc } = layFolder(directory);
    const mount = (from: string, at: string, writable: boolean): string[] => [
      '--volume',
      `${from}:${at}:${writable ? 'rw' : 'ro'}`,
    ];
    return [
      ...words(`--hostname ${name} --tmpfs /tmp:${this.#engine.tmp},size=${TMP_MAX_BYTES}`),
      ...etc.flatMap(({ from, at }) => mount(from, at, false)),
      ...mount(home, IN_BOX.home, true),
      ...mounts.flatMap(({ from, at, writable }) => mount(from, at, writable)),
      ...sees.flatMap(({ path, writable }) => mount(path, path, writable)),
      ...mount(socketDir, IN_BOX.sockets, false),
      ...secrets.flatMap((secret) => mount(secret.file, `${IN_BOX.secrets}/${secret.name}`, false)),
      ...limitWords(limits),
    ];
  }

  #environment(): Record<string, string> {
    return Object.fromEntries(
      this.#engine.own.flatMap((name) => {
        const value = process.env[name];
        return value === undefined ? [] : [[name, value]];
      }),
    );
  }

  #failed(said: string): BoxProbe {
    const { title, faults } = this.#engine;
    const known = faults.find((fault) => fault.says.test(said))?.wayOut;
    const wayOut = known ?? `run \`${this.#program} run --rm IMAGE true\` to see what is wrong`;
    return { works: false, reason: `${title} does not run: ${telling(said)}`, wayOut };
  }
}

function limitWords({ memoryBytes, cpus, processes }: BoxLimits): string[] {
  return [
    ...(memoryBytes === null ? [] : ['--memory', String(memoryBytes), '--memory-swap', String(memoryBytes)]),
    ...(cpus === null ? [] : ['--cpus', String(cpus)]),
    ...(processes === null ? [] : ['--pids-limit', String(processes)]),
  ];
}

/** The last line that says something: Docker ends with where to read on. */
const telling = (said: string): string =>
  said
    .split('\n')
    .filter((line) => line.trim() !== '' && !line.startsWith("Run 'docker") && !line.startsWith('See '))
    .at(-1) ?? '';
