/** `skep compile`: an application becomes one executable file, and a manifest says what is in it. */
import { existsSync, statSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { basename, join, relative, resolve } from 'node:path';
import type { BundleRequest } from './bundle.ts';
import { assetTarget, bundleOther, bundleProgram, isProgram } from './bundle.ts';
import { appFolder, entryPoint } from './entry-points.ts';
import type { Graph } from './graph.ts';
import { readGraph } from './graph.ts';
import type { CompileManifest } from './manifest.ts';
import { manifestOf } from './manifest.ts';
import type { Plan } from './plan.ts';
import { planOf } from './plan.ts';
import { CompileRefusal } from './refusal.ts';
import { embeddedNode } from './runtime.ts';
import { bootstrapTemplate, seal } from './seal.ts';
import { fillTemplate } from './template.ts';
import { Tree } from './tree.ts';

export type CompileRequest = {
  dir: string;
  /** Default: `build/<app name>` below the application's folder. */
  output: string | undefined;
  entryPoint: string | undefined;
  appName: string | undefined;
  /** Files and folders below the application's folder to carry along, whatever the code says. */
  assets: readonly string[];
  /** Ship files even where everything could be bundled. */
  filesOnly: boolean;
  /** Further `{{NAME}}` values, written into the carried files that end in `.template`, whose ending is taken off. */
  values: Readonly<Record<string, string>>;
  nowMs: number;
  environment: NodeJS.ProcessEnv;
  onStep: (step: string) => void;
};

/** `program` is the code inside, as one module. */
export type Compiled = { manifestPath: string; manifest: CompileManifest; program: string };

/** Refused (`CompileRefusal`) before anything is written when the application, its entry or the Node.js to embed is not there. */
export async function compileApp(request: CompileRequest): Promise<Compiled> {
  const appDir = appFolder(resolve(request.dir));
  const entry = entryPoint(appDir, request.entryPoint);
  const node = await embeddedNode(request.environment);
  request.onStep(`reading ${relative(process.cwd(), appDir) || '.'} from ${relative(appDir, entry)}`);
  const programs = new Set<string>();
  const graph = withPrograms(appDir, entry, programs);
  refuseMissing(graph, appDir);
  const plan = planOf(graph, { filesOnly: request.filesOnly });
  const name = request.appName ?? plainName(graph.packages.app().name, appDir);
  const output = resolve(request.output ?? join(appDir, 'build', name));
  const tree = new Tree(plan.base);
  const builtAt = new Date(request.nowMs).toISOString();

  request.onStep(
    plan.mode === 'bundle'
      ? `bundling ${graph.modules.size} modules, ${plan.shipped.size} packages shipped as files`
      : `shipping ${plan.shipped.size} packages as files: their code cannot be followed by reading it`,
  );
  const bundle: BundleRequest = {
    graph,
    plan,
    entry,
    place: (path) => tree.place(path),
    programs: programPlaces(programs, { entry, tree, plan }),
  };
  fillTree(tree, { request, bundle, appDir });
  for (const [path, place] of bundle.programs) if (path !== entry) tree.addText(place, await bundleOther(bundle, path));
  if (!tree.isEmpty()) tree.addText('@boot.cjs', BOOT);

  const start = fillTemplate(await bootstrapTemplate(), {
    APP_NAME: name,
    APP_NAME_JSON: JSON.stringify(name),
    BUILT_AT: builtAt,
    TREE_DIGEST_JSON: JSON.stringify(tree.isEmpty() ? '' : tree.digest()),
    START_JSON: JSON.stringify(startOf(plan, { graph, entry, tree })),
    IMPORT_APP: plan.mode === 'bundle' ? `await import('skep:app');` : '',
  });
  const program = await bundleProgram(bundle, start);
  request.onStep(`building ${output} with Node.js ${node.version}`);
  await seal({ program, tree, node, output });
  const manifest = manifestOf({
    name,
    graph,
    plan,
    tree,
    node,
    builtAt,
    appDir,
    output,
    program,
    executable: await readFile(output),
  });
  const manifestPath = `${output}.manifest.json`;
  await writeFile(manifestPath, `${JSON.stringify(manifest, null, 2)}\n`);
  return { manifestPath, manifest, program };
}

/** Code among the unpacked files is loaded by Node's own loader, from a file of its own: a module inside an executable can import built-ins only. */
const BOOT = `const { Module } = require('node:module');
module.exports = { esm: (url) => import(url), main: (path) => Module._load(path, null, true) };
`;

/** The graph from the entry and from every program that the code names by `new URL('./x.js', import.meta.url)`. */
function withPrograms(appDir: string, entry: string, programs: Set<string>): Graph {
  for (;;) {
    const graph = readGraph(appDir, [entry, ...programs]);
    const before = programs.size;
    for (const node of graph.modules.values()) {
      for (const asset of node.scan?.assets ?? []) {
        const target = assetTarget(node.path, asset);
        if (!asset.isFolder && isProgram(target) && existsSync(target)) programs.add(target);
      }
    }
    // Each round adds at least one file of the application, or ends.
    if (programs.size === before) return graph;
  }
}

function programPlaces(
  programs: ReadonlySet<string>,
  { entry, tree, plan }: { entry: string; tree: Tree; plan: Plan },
): Map<string, string> {
  if (plan.mode === 'files') return new Map();
  return new Map(Array.from(programs, (path) => [path, path === entry ? '@main' : `${tree.place(path)}.mjs`]));
}

function fillTree(
  tree: Tree,
  { request, bundle, appDir }: { request: CompileRequest; bundle: BundleRequest; appDir: string },
): void {
  const { graph, plan, programs } = bundle;
  const code = [...graph.modules.keys()];
  for (const dir of plan.shipped)
    tree.addPackage(dir, {
      isApp: dir === appDir,
      holdsCode: (path) => code.some((one) => one.startsWith(`${path}/`)),
    });
  for (const { from, name, to } of plan.links) tree.addLink(join(from, 'node_modules', name), to);
  for (const node of graph.modules.values()) {
    // Files that are loaded must be there, whatever their folder is called.
    if (plan.shipped.has(node.package.dir)) tree.addFile(node.path);
    for (const asset of plan.shipped.has(node.package.dir) ? [] : (node.scan?.assets ?? [])) {
      const target = assetTarget(node.path, asset);
      if (!programs.has(target)) addAsset(tree, target);
    }
  }
  for (const name of request.assets) {
    const path = resolve(appDir, name);
    if (relative(appDir, path).startsWith('..') || !existsSync(path))
      throw new CompileRefusal(
        'no_asset',
        `there is no ${name} below ${appDir}`,
        '--asset is a file or folder of the application',
      );
    addAsset(tree, path);
  }
  tree.fillTemplates(request.values);
}

function addAsset(tree: Tree, path: string): void {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat?.isDirectory() === true) tree.addFolder(path);
  else if (stat?.isFile() === true) tree.addFile(path);
}

function startOf(plan: Plan, { graph, entry, tree }: { graph: Graph; entry: string; tree: Tree }) {
  if (plan.mode === 'bundle') return { bundled: true };
  return { bundled: false, entry: tree.place(entry), isModule: graph.modules.get(entry)?.isModule === true };
}

/** An import that the program cannot do without would only fail later, on another machine. */
function refuseMissing(graph: Graph, appDir: string): void {
  const missing = [...graph.modules.values()].flatMap((node) =>
    node.edges.flatMap((edge) =>
      edge.to.kind === 'missing' && !edge.optional && edge.kind === 'import' && node.package.isApp
        ? [`${edge.specifier} (${relative(appDir, node.path)}:${edge.line})`]
        : [],
    ),
  );
  if (missing.length > 0)
    throw new CompileRefusal(
      'missing_import',
      `not installed: ${missing.slice(0, 5).join(', ')}${missing.length > 5 ? ' …' : ''}`,
      'install the application’s packages first: npm ci',
    );
}

const plainName = (name: string, appDir: string): string =>
  (name === '' ? basename(appDir) : name).replace(/^@[^/]*\//, '').replaceAll(/[^\w.-]/g, '-');
