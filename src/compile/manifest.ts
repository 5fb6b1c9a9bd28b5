/** What an executable of `skep compile` is made of: the seed's keys, with hashes, and what it still needs where it runs. */
import { hash } from 'node:crypto';
import type { ElfNeeds } from './elf.ts';
import { elfNeeds } from './elf.ts';
import type { Graph } from './graph.ts';
import type { Plan } from './plan.ts';
import type { EmbeddedNode } from './runtime.ts';
import type { Tree } from './tree.ts';

export type CompileManifest = {
  app_name: string;
  app_version: string;
  /** What the seed called extensions: built-in modules, and the packages that bring compiled add-ons. */
  extensions: string[];
  node_version: string;
  built_at: string;
  source_dir: string;
  output_path: string;
  output_sha256: string;
  output_bytes: number;
  /** Of the code inside. */
  program_sha256: string;
  packages: string[];
  /** Unpacked at the first start, into a folder of the user's cache. */
  files: { path: string; sha256: string; bytes: number }[];
  /** Not inside: the system has to have it. */
  needs: { platform: string; arch: string } & ElfNeeds;
};

export function manifestOf(o: {
  name: string;
  graph: Graph;
  plan: Plan;
  tree: Tree;
  node: EmbeddedNode;
  builtAt: string;
  appDir: string;
  output: string;
  program: string;
  executable: Buffer;
}): CompileManifest {
  const app = o.graph.packages.app();
  const nodes = [...o.graph.modules.values()];
  const builtins = nodes.flatMap((node) => node.edges.flatMap(({ to }) => (to.kind === 'builtin' ? [to.name] : [])));
  const addons = nodes.filter((node) => node.path.endsWith('.node')).map((node) => node.package.name);
  const packages = nodes
    .filter((node) => !node.package.isApp)
    .map(({ package: { name, version } }) => `${name}@${version}`);
  return {
    app_name: o.name,
    app_version: app.version === '' ? '1.0.0' : app.version,
    extensions: [...new Set([...builtins, ...addons])].toSorted(),
    node_version: o.node.version,
    built_at: o.builtAt,
    source_dir: o.appDir,
    output_path: o.output,
    output_sha256: hash('sha256', o.executable),
    output_bytes: o.executable.byteLength,
    program_sha256: hash('sha256', o.program),
    packages: [...new Set(packages)].toSorted(),
    files: o.tree.all().map(({ path, sha256, sizeBytes }) => ({ path, sha256, bytes: sizeBytes })),
    needs: {
      platform: process.platform,
      arch: process.arch,
      ...(elfNeeds(o.executable) ?? { libraries: [], glibc: null, libstdcxx: null }),
    },
  };
}
