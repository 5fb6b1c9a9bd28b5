import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';

const entry = z.looseObject({
  version: z.string().optional(),
  resolved: z.string().optional(),
  link: z.boolean().optional(),
  integrity: z.string().optional(),
  inBundle: z.boolean().optional(),
  hasInstallScript: z.boolean().optional(),
  optionalDependencies: z.record(z.string(), z.string()).optional(),
});

const root = new URL('../../', import.meta.url);
const lockOf = (path: string) => {
  const text = readFileSync(new URL(path, root), 'utf8');
  return Object.entries(z.object({ packages: z.record(z.string(), entry) }).parse(JSON.parse(text)).packages);
};

/** The paths of a lock at which a package required by `from` may stand: its own node_modules, then those above it. */
function* placesOf(name: string, from: string): Generator<string> {
  const parts = from === '' ? [] : from.split('/node_modules/');
  for (let depth = parts.length; depth > 0; depth -= 1) {
    yield `${parts.slice(0, depth).join('/node_modules/')}/node_modules/${name}`;
  }
  yield `node_modules/${name}`;
}

describe.each(['package-lock.json', 'tools/node/package-lock.json', 'bench/package-lock.json'])('%s', (path) => {
  const packages = lockOf(path);
  const installed = packages.filter(([at, one]) => at.includes('node_modules/') && one.link !== true);

  it('pins every package by its hash and names no registry', () => {
    expect(installed.length).toBeGreaterThan(0);
    // What a package brings along in its own archive stands under that archive's hash.
    const own = installed.filter(([, one]) => one.inBundle !== true);
    expect(own.filter(([, one]) => one.integrity === undefined || one.resolved !== undefined)).toEqual([]);
  });

  it('holds no package with an install script', () => {
    expect(installed.filter(([, one]) => one.hasInstallScript === true)).toEqual([]);
  });

  // `npm ci` refuses a lock that lacks one platform's binary package, though `npm install` wrote it without a word.
  it("lists every platform's package of each native tool", () => {
    const present = new Set(packages.map(([at]) => at));
    const missing = packages.flatMap(([at, one]) =>
      Object.keys(one.optionalDependencies ?? {}).filter(
        (name) => ![...placesOf(name, at)].some((p) => present.has(p)),
      ),
    );
    expect(missing).toEqual([]);
  });
});
