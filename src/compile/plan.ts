/**
 * What becomes one bundle and what is shipped as files. Code that can be followed by reading is bundled. A package that is not (computed imports, its
 * own place on disk, add-ons) is shipped whole, with all it may load, and unpacked where the program runs. Where that cannot be split (the
 * application itself is such a one, or takes a whole namespace from one), everything is shipped as files.
 */
import { existsSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Graph, ModuleNode } from './graph.ts';
import type { PackageInfo } from './package-info.ts';
import { readManifest } from './package-info.ts';

export type Plan = {
  mode: 'bundle' | 'files';
  /** Folders of the packages that are shipped as files, the application's own among them in mode `files`. */
  shipped: Set<string>;
  /** `node_modules/<name>` below a shipped folder, and the shipped folder it stands for. */
  links: { from: string; name: string; to: string }[];
  /** Above everything that is shipped; places in the executable are relative to it. */
  base: string;
};

export function planOf(graph: Graph, o: { filesOnly: boolean }): Plan {
  const app = graph.packages.app();
  const needy = [...graph.modules.values()].filter(needsDisk).map((node) => node.package);
  const shipped = o.filesOnly ? everything(graph) : closure(graph, needy);
  const mode = shipped.has(app.dir) || takesNamespaces(graph, shipped) ? 'files' : 'bundle';
  const all = mode === 'files' ? closure(graph, [...everything(graph).values()]) : shipped;
  const folders = new Set(all.keys());
  return { mode, shipped: folders, links: linksOf(graph, all), base: commonFolder([app.dir, ...folders]) };
}

const needsDisk = (node: ModuleNode): boolean => node.unread !== undefined || (node.scan?.needs.length ?? 0) > 0;

function everything(graph: Graph): Map<string, PackageInfo> {
  const app = graph.packages.app();
  return new Map([app, ...[...graph.modules.values()].map((node) => node.package)].map((info) => [info.dir, info]));
}

/** The packages and all they load or declare, by folder. */
function closure(graph: Graph, from: readonly PackageInfo[]): Map<string, PackageInfo> {
  const found = new Map<string, PackageInfo>();
  const queue = [...from];
  const loads = loadsOf(graph);
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    if (found.has(next.dir)) continue;
    found.set(next.dir, next);
    queue.push(...(loads.get(next.dir) ?? []), ...declared(graph, next));
  }
  return found;
}

function loadsOf(graph: Graph): Map<string, Set<PackageInfo>> {
  const loads = new Map<string, Set<PackageInfo>>();
  for (const node of graph.modules.values()) {
    const own = loads.get(node.package.dir) ?? new Set();
    loads.set(node.package.dir, own);
    for (const { to } of node.edges) if (to.kind === 'file') own.add(graph.packages.of(to.path));
  }
  return loads;
}

/** What a computed `require` may ask for: the dependencies of package.json that are installed. */
function declared(graph: Graph, { dir, manifest }: PackageInfo): PackageInfo[] {
  const names = Object.keys({
    ...manifest.dependencies,
    ...manifest.optionalDependencies,
    ...manifest.peerDependencies,
  });
  return names.flatMap((name) => {
    const found = installed(dir, name);
    return found === undefined ? [] : [graph.packages.of(join(found, 'package.json'))];
  });
}

/** Node's walk upwards: the real folder of the package that `name` means to code in `dir`. */
function installed(dir: string, name: string): string | undefined {
  for (let at = dir; ; at = dirname(at)) {
    const folder = join(at, 'node_modules', name);
    if (existsSync(folder) && readManifest(folder) !== undefined) return realpathSync(folder);
    if (dirname(at) === at) return undefined;
  }
}

/** Names of a shipped ES module can be taken one by one; its namespace object as a whole cannot pass through a bundle. */
function takesNamespaces(graph: Graph, shipped: ReadonlyMap<string, PackageInfo>): boolean {
  return [...graph.modules.values()].some(
    (node) =>
      !shipped.has(node.package.dir) &&
      node.edges.some(({ to, namespace }) => {
        if (to.kind !== 'file' || !namespace) return false;
        const target = graph.modules.get(to.path);
        return target?.isModule === true && shipped.has(target.package.dir);
      }),
  );
}

/** Where the way upwards does not lead from one shipped folder to another as it does in the original, a link does. */
function linksOf(graph: Graph, shipped: ReadonlyMap<string, PackageInfo>): Plan['links'] {
  const loads = loadsOf(graph);
  const links: Plan['links'] = [];
  for (const info of shipped.values()) {
    for (const to of new Set([...(loads.get(info.dir) ?? []), ...declared(graph, info)])) {
      if (to.dir === info.dir || !shipped.has(to.dir) || leadsTo(info.dir, to)) continue;
      links.push({ from: info.dir, name: to.name, to: to.dir });
    }
  }
  return links;
}

function leadsTo(from: string, to: PackageInfo): boolean {
  const found = installed(from, to.name);
  if (found !== to.dir) return false;
  for (let at = from; dirname(at) !== at; at = dirname(at))
    if (join(at, 'node_modules', to.name) === to.dir) return true;
  return false;
}

function commonFolder(folders: readonly string[]): string {
  let base = folders[0] ?? '/';
  for (const folder of folders) {
    while (folder !== base && !folder.startsWith(base.endsWith('/') ? base : `${base}/`)) base = dirname(base);
  }
  // A package is found by the name of the folder that it lies in: `node_modules` must be below the base.
  while (base.split('/').includes('node_modules')) base = dirname(base);
  return base;
}
