/** Rolls the code that can be followed into one file; what is shipped as files is loaded from where it is unpacked. */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { Plugin } from 'rolldown';
import { rolldown } from 'rolldown';
import type { Edge, Graph, ModuleNode } from './graph.ts';
import { isCode } from './graph.ts';
import type { Plan } from './plan.ts';
import type { FoundAsset, ImportKind } from './scan.ts';

/** How bundled code reaches the unpacked files; set by the start-up code (template/bootstrap.js.template). */
const COMPILED = `globalThis[Symbol.for("skep.compiled")]`;
const START = 'skep:start';
const APP = 'skep:app';

export type BundleRequest = {
  graph: Graph;
  plan: Plan;
  /** Where a file lies among the unpacked ones. */
  place: (path: string) => string;
  /** The program's first file. */
  entry: string;
  /** Other code that is started by its path, each bundled by itself, and where the result lies among the unpacked files. */
  programs: ReadonlyMap<string, string>;
};

/** The executable's own program: `start` is the text that runs first and may import `skep:app`. */
export function bundleProgram(request: BundleRequest, start: string): Promise<string> {
  return roll(START, [startPlugin(start, request.entry), graphPlugin(request)]);
}

/** One of `request.programs`. */
export function bundleOther(request: BundleRequest, path: string): Promise<string> {
  return roll(path, [graphPlugin(request)]);
}

async function roll(input: string, plugins: Plugin[]): Promise<string> {
  await using bundle = await rolldown({
    input,
    platform: 'node',
    plugins,
    logLevel: 'silent',
    treeshake: { moduleSideEffects: true },
  });
  const { output } = await bundle.generate({
    format: 'esm',
    codeSplitting: false,
    minify: false,
    comments: { legal: true, annotation: false, jsdoc: false },
  });
  return output[0].code;
}

const startPlugin = (text: string, entry: string): Plugin => ({
  name: 'skep-start',
  resolveId: (id) => (id === START ? `\0${START}` : id === APP ? entry : undefined),
  load: (id) => (id === `\0${START}` ? { code: text, moduleType: 'js' } : undefined),
});

const graphPlugin = (request: BundleRequest): Plugin => ({
  name: 'skep-graph',
  resolveId(specifier, importer, { kind }) {
    if (importer === undefined) return undefined;
    if (importer.startsWith('\0')) return specifier === APP ? undefined : { id: specifier, external: true };
    const node = request.graph.modules.get(importer);
    const edge = node?.edges.find((one) => one.specifier === specifier && one.kind === KINDS[kind]);
    return edge === undefined ? undefined : target(request, edge);
  },
  load(id) {
    if (id.startsWith(FILES)) return { code: shippedModule(request, id.slice(FILES.length)), moduleType: 'js' };
    if (id.startsWith(MISSING)) return { code: missingModule(id.slice(MISSING.length)), moduleType: 'js' };
    const node = request.graph.modules.get(id);
    return node?.scan === undefined ? undefined : { code: withPlaces(request, node, readFileSync(id, 'utf8')) };
  },
});

const FILES = '\0skep-files:';
const MISSING = '\0skep-missing:';
const KINDS: Readonly<Record<string, ImportKind>> = {
  'import-statement': 'import',
  'dynamic-import': 'dynamic',
  'require-call': 'require',
};

function target({ plan, graph }: BundleRequest, { to, specifier }: Edge): { id: string; external?: boolean } {
  if (to.kind === 'builtin') return { id: to.name, external: true };
  if (to.kind === 'missing') return { id: `${MISSING}${specifier}` };
  return { id: plan.shipped.has(graph.packages.of(to.path).dir) ? `${FILES}${to.path}` : to.path };
}

/** Stands in the bundle for a module that is loaded from the unpacked files, so that there is one instance of it. */
function shippedModule({ graph, place }: BundleRequest, path: string): string {
  const load = `${COMPILED}.load(${JSON.stringify(place(path))})`;
  if (graph.modules.get(path)?.isModule !== true) return `module.exports = ${load};`;
  const names = new Set<string>();
  for (const node of graph.modules.values())
    for (const edge of node.edges)
      if (edge.to.kind === 'file' && edge.to.path === path) edge.names.forEach((name) => names.add(name));
  const exports = [...names].map(
    (name) =>
      `const $${[...names].indexOf(name)} = found[${JSON.stringify(name)}];\nexport { $${[...names].indexOf(name)} as ${exportName(name)} };`,
  );
  return `const found = ${load};\n${exports.join('\n')}\nexport {};`;
}

const exportName = (name: string): string =>
  /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(name) ? name : JSON.stringify(name);

/** As Node says it, when it is reached. */
const missingModule = (specifier: string): string =>
  `throw Object.assign(new Error(${JSON.stringify(`Cannot find module '${specifier}'`)}), { code: 'MODULE_NOT_FOUND' });`;

/** The module's text, in which `new URL('./x', import.meta.url)` names the unpacked file. */
function withPlaces(request: BundleRequest, node: ModuleNode, source: string): string {
  const assets = (node.scan?.assets ?? []).toSorted((a, b) => b.whole.start - a.whole.start);
  const hashbang = /^#!.*/.exec(source)?.[0].length ?? 0;
  let text = source;
  for (const asset of assets) {
    const program = asset.isFolder ? undefined : request.programs.get(assetTarget(node.path, asset));
    const [span, place] =
      program === undefined
        ? [asset.meta, `${COMPILED}.url(${JSON.stringify(request.place(node.path))})`]
        : [asset.whole, `new URL(${COMPILED}.url(${JSON.stringify(program)}))`];
    text = text.slice(0, span.start) + place + text.slice(span.end);
  }
  return ' '.repeat(hashbang) + text.slice(hashbang);
}

export const assetTarget = (module: string, asset: FoundAsset): string => resolve(dirname(module), asset.path);

/** Whether the asset is a program of its own, to be started by its path. */
export const isProgram = (path: string): boolean => isCode(path) && /\.[cm]?[jt]sx?$/.test(path);
