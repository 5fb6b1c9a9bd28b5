/**
 * The toolchain of a fleet, isolated below its shared directory: `tools/node`, `tools/npm-global` with the agent, `tools/skep`. It is put together where
 * there is a network, as one file, and brought to the cluster once; a login node needs neither npm nor a way out.
 */
import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { chmod, cp, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { z } from 'zod';
import type { LaunchConfig } from './config.ts';
import { CARRY_MAX_MS, type Login } from './login.ts';
import type { Provider } from './provider.ts';
import { LaunchRefusal } from './refusal.ts';
import { baseOf } from './script.ts';

/** By a file of it: a folder that is named by its address would be carried whole by an executable of `skep compile`. */
const ROOT = dirname(fileURLToPath(new URL('../../../package.json', import.meta.url)));
/** Of skep itself, what runs on a compute node. */
const OWN = ['bin/skep.mjs', 'src', 'package.json', 'package-lock.json', 'web/package.json', 'LICENSE'];

/** Stands in for `bin/skep` of a checkout, which installs what is missing: here nothing may be. */
const PROGRAM = `#!/bin/sh
# Node and the libraries lie beside it, as they were brought.
here=$(dirname "$(readlink -f "$0")") || exit 1
exec "$here/../../node/bin/node" "$here/skep.mjs" "$@"
`;

const AGENTS = { codex: '@openai/codex', claude: '@anthropic-ai/claude-code' } as const;
export type BundledAgent = keyof typeof AGENTS;

export type BundleOptions = {
  /** The file that is written; it is whole or not there. */
  file: string;
  agents: readonly BundledAgent[];
  /** Of the compute nodes. */
  arch: 'x64' | 'arm64';
  env: Readonly<Record<string, string | undefined>>;
  progress: (message: string) => void;
};

const pins = z.object({
  dependencies: z.record(z.string(), z.string()).default({}),
  optionalDependencies: z.record(z.string(), z.string()).default({}),
});

/** The exact version of a package that this skep was tested with. */
async function pinned(folder: 'agents' | 'node', name: string): Promise<string> {
  const { dependencies, optionalDependencies } = pins.parse(
    JSON.parse(await readFile(join(ROOT, 'tools', folder, 'package.json'), 'utf8')),
  );
  const version = dependencies[name] ?? optionalDependencies[name];
  if (version === undefined) throw new Error(`tools/${folder}/package.json pins no ${name}`);
  return `${name}@${version}`;
}

/** Needs npm and its registry. Rejects with what they say, and with a {@link LaunchRefusal} outside of a checkout; nothing is written then. */
export async function makeBundle({ file, agents, arch, env, progress }: BundleOptions): Promise<void> {
  if (!existsSync(join(ROOT, 'package-lock.json'))) {
    throw new LaunchRefusal('wanted', 'an executable of skep holds no sources: make the bundle from a checkout');
  }
  const work = await mkdtemp(join(tmpdir(), 'skep-bundle-'));
  const npm = async (cwd: string, ...args: string[]): Promise<void> => {
    const quiet = ['--no-audit', '--no-fund', '--loglevel=error', '--os=linux', `--cpu=${arch}`];
    await execa('npm', [...args, ...quiet], { cwd, env, extendEnv: false, timeout: CARRY_MAX_MS, stdin: 'ignore' });
  };
  try {
    const node = await pinned('node', `node-linux-${arch}`);
    progress(node);
    const place = join(work, 'fetched');
    await mkdir(join(work, 'node/bin'), { recursive: true });
    await mkdir(place);
    await npm(place, 'install', '--no-save', '--force', node);
    await cp(join(place, `node_modules/node-linux-${arch}/bin/node`), join(work, 'node/bin/node'));
    await rm(place, { recursive: true });
    for (const agent of agents) {
      const name = await pinned('agents', AGENTS[agent]);
      progress(name);
      const install = ['install', '--global', '--prefix', join(work, 'npm-global'), '--ignore-scripts=false', name];
      await npm(work, ...install);
    }
    progress('skep');
    const own = join(work, 'skep');
    for (const path of OWN) await cp(join(ROOT, path), join(own, path), { recursive: true });
    await npm(own, 'ci', '--omit=dev', '--omit=optional', '--ignore-scripts', '--workspaces=false');
    await writeFile(join(own, 'bin/skep'), PROGRAM);
    await chmod(join(own, 'bin/skep'), 0o755);
    progress(`packing ${basename(file)}`);
    const folders = ['node', 'skep', ...(agents.length > 0 ? ['npm-global'] : [])];
    const fresh = `${resolve(file)}.new`;
    await execa('tar', ['-czf', fresh, '-C', work, ...folders], {
      env: { ...env, GZIP: '-1' },
      extendEnv: false,
      timeout: CARRY_MAX_MS,
    });
    await rename(fresh, file);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/**
 * Puts a bundle in place of what stands in `tools/`, in one step. False where this very bundle stands there already. Throws a {@link LaunchRefusal};
 * `tools/` is as it was then.
 */
export async function bringBundle(o: {
  config: LaunchConfig;
  login: Login;
  provider: Provider;
  file: string;
}): Promise<boolean> {
  const { config, login, provider, file } = o;
  const hash = await hashOf(file).catch((cause: unknown) => {
    throw new LaunchRefusal('wanted', `no bundle at ${file}: ${String(cause)}`, { cause });
  });
  const base = baseOf(config);
  const there = await login.run(['sh', '-c', 'cat "$1/tools/bundle.sha256" 2>/dev/null || true', 'sh', base]);
  if (there.trim() === hash) return false;
  const [active] = await provider.list();
  if (active !== undefined) {
    throw new LaunchRefusal('active', `job ${active.job} works with what stands in ${base}/tools: stop it first`);
  }
  const script = `
    umask 022; mkdir -p -m 700 "$1" && cd "$1" && new=tools.new.$$ && mkdir "$new" || exit 1
    tar -xzf - -C "$new" && [ -x "$new/node/bin/node" ] && [ -x "$new/skep/bin/skep" ] && printf '%s\\n' "$2" > "$new/bundle.sha256" ||
      { rm -rf "$new"; echo "it is no bundle, or there is no room for it" >&2; exit 1; }
    old=tools.old.$$; [ ! -e tools ] || mv tools "$old"; mv "$new" tools && rm -rf "$old"`;
  await login.run(['sh', '-c', script, 'sh', base, hash], { inputFile: file, maxMs: CARRY_MAX_MS });
  return true;
}

async function hashOf(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}
