/** Puts a program and its files into a copy of Node.js: one executable. */
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { execa, ExecaError } from 'execa';
import { CompileRefusal } from './refusal.ts';
import type { EmbeddedNode } from './runtime.ts';
import type { Tree } from './tree.ts';

/** Writing 150 MB and compiling the code takes seconds; a minute means that the disk is gone. */
const BUILD_WITHIN_MS = 120_000;

/** Writes the executable to `output`, all or nothing. Refused with Node's own words when it cannot be built. */
export async function seal(o: { program: string; tree: Tree; node: EmbeddedNode; output: string }): Promise<void> {
  await mkdir(dirname(o.output), { recursive: true });
  const room = await mkdtemp(join(tmpdir(), 'skep-compile-'));
  const beside = `${o.output}.${process.pid}.part`;
  try {
    const main = join(room, 'main.mjs');
    await writeFile(main, o.program);
    const assets = await stageAssets(room, o.tree);
    const config = {
      main,
      mainFormat: 'module',
      output: beside,
      disableExperimentalSEAWarning: true,
      useCodeCache: true,
      execArgvExtension: 'none',
      assets,
    };
    await writeFile(join(room, 'sea.json'), JSON.stringify(config));
    await execa(o.node.path, ['--build-sea', join(room, 'sea.json')], {
      cwd: room,
      timeout: BUILD_WITHIN_MS,
      all: true,
    });
    await rename(beside, o.output);
  } catch (error) {
    if (!(error instanceof ExecaError)) throw error;
    throw new CompileRefusal(
      'not_built',
      `Node.js did not build the executable: ${error.shortMessage}`,
      error.all ?? '',
    );
  } finally {
    await rm(beside, { force: true });
    await rm(room, { recursive: true, force: true });
  }
}

async function stageAssets(room: string, tree: Tree): Promise<Record<string, string>> {
  const assets: Record<string, string> = {};
  const files = tree.all();
  if (files.length === 0) return assets;
  for (const [index, { path, content }] of files.entries()) {
    if ('file' in content) {
      assets[`tree/${path}`] = content.file;
      continue;
    }
    const made = join(room, `made-${index}`);
    await writeFile(made, content.text);
    assets[`tree/${path}`] = made;
  }
  const index = { files: files.map(({ path, isProgram }) => ({ path, isProgram })), links: tree.links };
  await writeFile(join(room, 'tree.json'), JSON.stringify(index));
  assets['tree.json'] = join(room, 'tree.json');
  return assets;
}

/** The text at which an executable of skep begins. */
export const bootstrapTemplate = (): Promise<string> =>
  readFile(new URL('./template/bootstrap.js.template', import.meta.url), 'utf8');
