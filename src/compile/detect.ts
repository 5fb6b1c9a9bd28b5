/** `skep detect`: what a program needs beyond its own text, each with file and line. */
import { readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { appFolder, entryPoint } from './entry-points.ts';
import type { Edge, Graph, ModuleNode } from './graph.ts';
import { readGraph } from './graph.ts';
import type { PackageInfo } from './package-info.ts';
import type { DiskNeed } from './scan.ts';

export type Place = { file: string; line: number };
export type Detection = {
  app_dir: string;
  entry_points: string[];
  modules: number;
  builtins: { name: string; at: Place[] }[];
  packages: { name: string; version: string; direct: boolean; dir: string; at: Place[] }[];
  /** Compiled add-ons (`*.node`) in the packages that are loaded. */
  addons: { file: string; package: string }[];
  /** `import()`; `specifier` is null where it is made at run time. */
  dynamic_imports: { specifier: string | null; file: string; line: number }[];
  environment: { name: string; at: Place[] }[];
  /** Files and folders named beside a module. */
  assets: { path: string; file: string; line: number }[];
  /** Packages that must be files on disk where they run, and why. */
  needs_disk: { package: string; at: (Place & { what: DiskNeed['what'] })[] }[];
  missing: { specifier: string; optional: boolean; file: string; line: number }[];
  unread: { file: string; why: string }[];
};

/** Reads an application and runs nothing of it. Refused (`CompileRefusal`) when the folder or its entry is not there. */
export function inspectApp(o: { dir: string; entryPoint: string | undefined; withPackages: boolean }): Detection {
  const appDir = appFolder(o.dir);
  return detection(appDir, readGraph(appDir, [entryPoint(appDir, o.entryPoint)]), o);
}

/** Reads the graph into a report. Places of the app come before those of packages; a package's own places are listed only where asked for. */
function detection(appDir: string, graph: Graph, o: { withPackages: boolean }): Detection {
  const nodes = [...graph.modules.values()].toSorted((a, b) => (a.path < b.path ? -1 : 1));
  const shown = o.withPackages ? nodes : nodes.filter((node) => node.package.isApp);
  const file = (path: string): string => relative(appDir, path);
  const place = (node: ModuleNode, { line }: { line: number }): Place => ({ file: file(node.path), line });
  const edges = (from: readonly ModuleNode[]): { node: ModuleNode; edge: Edge }[] =>
    from.flatMap((node) => node.edges.map((edge) => ({ node, edge })));
  return {
    app_dir: appDir,
    entry_points: graph.entries.map(file),
    modules: nodes.length,
    builtins: grouped(
      edges(shown).flatMap(({ node, edge }) => (edge.to.kind === 'builtin' ? [[edge.to.name, place(node, edge)]] : [])),
    ),
    packages: packagesOf(graph, { edges: edges(nodes), file, place }),
    addons: addonsOf(graph).map(({ path, owner }) => ({ file: file(path), package: owner })),
    dynamic_imports: shown.flatMap((node) => dynamicImports(node, file(node.path))),
    environment: grouped(
      shown.flatMap((node) =>
        (node.scan?.environment ?? []).map((one): [string, Place] => [one.name, place(node, one)]),
      ),
    ),
    assets: shown.flatMap((node) => (node.scan?.assets ?? []).map((one) => ({ path: one.path, ...place(node, one) }))),
    needs_disk: needsDisk(nodes, place),
    missing: edges(nodes).flatMap(({ node, edge }) =>
      edge.to.kind === 'missing' ? [{ specifier: edge.specifier, optional: edge.optional, ...place(node, edge) }] : [],
    ),
    unread: nodes.flatMap((node) => (node.unread === undefined ? [] : [{ file: file(node.path), why: node.unread }])),
  };
}

function grouped(pairs: [string, Place][]): { name: string; at: Place[] }[] {
  const at = new Map<string, Place[]>();
  for (const [name, place] of pairs) at.set(name, [...(at.get(name) ?? []), place]);
  return [...at].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([name, places]) => ({ name, at: places }));
}

type Told = {
  edges: { node: ModuleNode; edge: Edge }[];
  file: (path: string) => string;
  place: (node: ModuleNode, o: { line: number }) => Place;
};

function packagesOf(graph: Graph, { edges, file, place }: Told): Detection['packages'] {
  const loaded = new Map<PackageInfo, Place[]>();
  for (const node of graph.modules.values()) if (!node.package.isApp) loaded.set(node.package, []);
  for (const { node, edge } of edges) {
    if (edge.to.kind !== 'file' || !node.package.isApp) continue;
    const to = graph.packages.of(edge.to.path);
    if (!to.isApp) loaded.get(to)?.push(place(node, edge));
  }
  return [...loaded]
    .toSorted(([a], [b]) => (a.dir < b.dir ? -1 : 1))
    .map(([{ name, version, dir }, at]) => ({ name, version, direct: at.length > 0, dir: file(dir), at }));
}

function dynamicImports(node: ModuleNode, file: string): Detection['dynamic_imports'] {
  const known = node.edges.filter((edge) => edge.kind === 'dynamic');
  const computed = (node.scan?.needs ?? []).filter((need) => need.what === 'computed import');
  return [
    ...known.map(({ specifier, line }) => ({ specifier, file, line })),
    ...computed.map(({ line }) => ({ specifier: null, file, line })),
  ].toSorted((a, b) => a.line - b.line);
}

function needsDisk(nodes: readonly ModuleNode[], place: Told['place']): Detection['needs_disk'] {
  const needs = new Map<string, Detection['needs_disk'][number]['at']>();
  for (const node of nodes) {
    const name = node.package.name === '' ? '(the application)' : node.package.name;
    const own = (node.scan?.needs ?? []).map((need) => ({ what: need.what, ...place(node, need) }));
    if (own.length > 0) needs.set(name, [...(needs.get(name) ?? []), ...own]);
  }
  return [...needs].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([name, at]) => ({ package: name, at }));
}

/** Folders of a package that hold no add-on of this program. */
const NOT_SEARCHED = new Set(['node_modules', '.git', 'deps', 'src', 'test', 'tests']);
/** Add-ons lie at build/Release, prebuilds/linux-x64 or beside the package.json. */
const ADDON_DEPTH = 4;

/** Files `*.node` in the packages that the graph loads. */
function addonsOf(graph: Graph): { path: string; owner: string }[] {
  const owners = new Set([...graph.modules.values()].map((node) => node.package));
  return [...owners].flatMap((owner) =>
    addonsBelow(owner.dir, ADDON_DEPTH).map((path) => ({ path, owner: owner.name })),
  );
}

function addonsBelow(dir: string, depth: number): string[] {
  if (depth === 0) return [];
  return readdirSync(dir, { withFileTypes: true })
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      if (entry.isFile() && entry.name.endsWith('.node')) return [join(dir, entry.name)];
      return entry.isDirectory() && !NOT_SEARCHED.has(entry.name) ? addonsBelow(join(dir, entry.name), depth - 1) : [];
    });
}
