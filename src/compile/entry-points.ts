/** Where a program begins. */
import { existsSync, realpathSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { CompileRefusal } from './refusal.ts';
import { readManifest } from './package-info.ts';

/** What Node and the seed look for, where package.json names nothing. */
const USUAL = [
  'index.js',
  'index.mjs',
  'index.cjs',
  'index.ts',
  'main.js',
  'main.mjs',
  'main.ts',
  'src/index.ts',
  'src/main.ts',
];

/** The application's folder, with links followed. Refused when it is none. */
export function appFolder(dir: string): string {
  if (!existsSync(dir) || !statSync(dir).isDirectory())
    throw new CompileRefusal(
      'no_folder',
      `${dir} is no folder`,
      'expected: the folder of an application, with its package.json',
    );
  return realpathSync(dir);
}

/**
 * The file at which the program starts: `given` (below the folder), else the first of `bin` in package.json, else `main`, else a usual name.
 * Refused, with what was looked for, when there is none.
 */
export function entryPoint(appDir: string, given: string | undefined): string {
  if (given !== undefined) {
    const path = resolve(appDir, given);
    if (isFile(path)) return realpathSync(path);
    throw new CompileRefusal(
      'no_entry',
      `there is no file ${path}`,
      '--entry-point is a path below the application’s folder',
    );
  }
  const manifest = readManifest(appDir);
  const bin = typeof manifest?.bin === 'string' ? manifest.bin : Object.values(manifest?.bin ?? {})[0];
  const named = [bin, manifest?.main].filter((one) => one !== undefined);
  for (const name of [...named.flatMap((one) => [one, `${one}.js`, join(one, 'index.js')]), ...USUAL]) {
    const path = resolve(appDir, name);
    if (isFile(path)) return realpathSync(path);
  }
  throw new CompileRefusal(
    'no_entry',
    `nothing in ${appDir} says where it begins`,
    `looked for: ${[...named, ...USUAL].join(', ')}; or give --entry-point`,
  );
}

const isFile = (path: string): boolean => existsSync(path) && statSync(path).isFile();
