/** Everything a program may load: its modules, from the entry points on, through all packages. */
import { readFileSync } from 'node:fs';
import { extname } from 'node:path';
import type { PackageInfo } from './package-info.ts';
import { Packages } from './package-info.ts';
import { CompileRefusal } from './refusal.ts';
import type { Target } from './resolver.ts';
import { Resolver } from './resolver.ts';
import type { FoundImport, Scan } from './scan.ts';
import { scanModule } from './scan.ts';

export type Edge = FoundImport & { to: Target };

export type ModuleNode = {
  path: string;
  package: PackageInfo;
  /** Of code only; undefined for JSON, add-ons, WebAssembly, and what could not be parsed. */
  scan: Scan | undefined;
  edges: Edge[];
  isModule: boolean;
  /** Why it is taken as a file without being understood. */
  unread: string | undefined;
};

export type Graph = { entries: string[]; modules: Map<string, ModuleNode>; packages: Packages };

const CODE = new Set(['.js', '.mjs', '.cjs', '.ts', '.mts', '.cts', '.tsx', '.jsx', '']);
/** More is no program that one executable should hold; it bounds a walk through a broken tree. */
const MODULES_MAX = 100_000;

export const isCode = (path: string): boolean => CODE.has(extname(path));

/**
 * Walks from `entries` (absolute paths). What cannot be found or read becomes a `missing` edge or an `unread` node; an entry that cannot be read is
 * refused. Throws when there are more than {@link MODULES_MAX} modules.
 */
export function readGraph(appDir: string, entries: readonly string[]): Graph {
  const packages = new Packages(appDir);
  const resolver = new Resolver();
  const modules = new Map<string, ModuleNode>();
  const queue: { path: string; isModule: boolean | undefined }[] = entries.map((path) => ({
    path,
    isModule: undefined,
  }));
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    if (modules.has(next.path)) continue;
    if (modules.size >= MODULES_MAX) throw new Error(`${appDir} loads more than ${MODULES_MAX} modules`);
    const node = readNode(next.path, next.isModule, packages);
    modules.set(next.path, node);
    for (const found of node.scan?.imports ?? []) {
      const to = resolver.resolve(next.path, found.specifier, found.kind);
      node.edges.push({ ...found, to });
      if (to.kind === 'file') queue.push({ path: to.path, isModule: to.isModule });
    }
  }
  for (const entry of entries) {
    const unread = modules.get(entry)?.unread;
    if (unread !== undefined)
      throw new CompileRefusal(
        'not_code',
        `the entry point is no JavaScript or TypeScript: ${unread}`,
        'name another: --entry-point',
      );
  }
  return { entries: [...entries], modules, packages };
}

function readNode(path: string, isModule: boolean | undefined, packages: Packages): ModuleNode {
  const node: ModuleNode = {
    path,
    package: packages.of(path),
    scan: undefined,
    edges: [],
    isModule: isModule ?? false,
    unread: undefined,
  };
  if (!isCode(path)) {
    if (extname(path) !== '.json') node.unread = `${extname(path)} file`;
    return node;
  }
  try {
    node.scan = scanModule(path, readFileSync(path, 'utf8'));
    node.isModule = isModule ?? (node.scan.isModule || path.endsWith('.mjs'));
  } catch (error) {
    node.unread = error instanceof Error ? error.message : String(error);
  }
  return node;
}
