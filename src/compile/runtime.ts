/** The Node.js that an executable carries: pinned, and fetched by scripts/install-runtime.sh. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { CompileRefusal } from './refusal.ts';

/** Where scripts/install-runtime.sh puts it, from the package's own folder; SKEP_COMPILE_NODE names another. */
const PINNED = `tools/node26/node_modules/node-${process.platform}-${process.arch}/bin/node`;
/** `--build-sea` with a module as its program came with this one. */
const MAJOR_MIN = 26;

export type EmbeddedNode = { path: string; version: string };

/** Refused when there is none, or an older one. */
export async function embeddedNode(environment: NodeJS.ProcessEnv): Promise<EmbeddedNode> {
  const { SKEP_COMPILE_NODE: given } = environment;
  const path = given ?? join(dirname(fileURLToPath(new URL('../../package.json', import.meta.url))), PINNED);
  if (!existsSync(path))
    throw new CompileRefusal(
      'no_runtime',
      `there is no Node.js to embed at ${path}`,
      'bring it: bash scripts/install-runtime.sh; or name one of version 26 or newer in SKEP_COMPILE_NODE',
    );
  const { stdout } = await execa(path, ['--version'], { env: {}, extendEnv: false, timeout: 20_000 });
  const version = stdout.trim().replace(/^v/, '');
  if (Number(version.split('.')[0]) < MAJOR_MIN)
    throw new CompileRefusal(
      'old_runtime',
      `${path} is Node.js ${version}`,
      `compile embeds Node.js ${MAJOR_MIN} or newer: bash scripts/install-runtime.sh`,
    );
  return { path, version };
}
