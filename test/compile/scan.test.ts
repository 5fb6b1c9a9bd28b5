import { describe, expect, it } from 'vitest';
import type { Scan } from '#compile/scan.ts';
import { scanModule } from '#compile/scan.ts';

const scan = (source: string, path = '/app/a.ts'): Scan => scanModule(path, source);
const imports = (source: string, path?: string) =>
  scan(source, path).imports.map(({ specifier, kind, line }) => `${kind} ${specifier} ${line}`);
const needs = (source: string, path = '/app/a.cjs') =>
  scan(source, path).needs.map(({ what, line }) => `${what} ${line}`);
const variables = (source: string) => scan(source).environment.map(({ name, line }) => `${name} ${line}`);

describe('imports of a module', () => {
  it('of every form are found with their line', () => {
    const source = [
      `import a from 'a';`,
      `export { b } from "./b.js";`,
      `export * from 'c';`,
      `const d = require('d');`,
      'const e = await import(`e`);',
      `require.resolve('f');`,
    ].join('\n');
    expect(imports(source)).toEqual([
      'import a 1',
      'import ./b.js 2',
      'import c 3',
      'require d 4',
      'dynamic e 5',
      'require f 6',
    ]);
  });

  it('that exist only for types are none', () => {
    const source = `import type { A } from 'a'; import { type B } from 'b'; import { type C, d } from 'c'; export type { E } from 'e';`;
    expect(imports(source)).toEqual(['import c 1']);
  });

  it('say which names they take, and whether the namespace', () => {
    const { imports: found } = scan(`import d, { n as m } from 'a'; import * as all from 'b'; import 'c';`);
    expect(found.map((one) => [one.specifier, one.names, one.namespace])).toEqual([
      ['a', ['default', 'n'], false],
      ['b', [], true],
      ['c', [], false],
    ]);
  });

  it('inside `try` are optional', () => {
    const { imports: found } = scan(`try { require('a'); } catch {} require('b');`);
    expect(found.map((one) => one.optional)).toEqual([true, false]);
  });

  it('by a `require` that is a parameter are none: another loader answers them', () => {
    expect(imports(`(function (require, module) { require('inner'); require(name); })(x); require('outer')`)).toEqual([
      'require outer 1',
    ]);
  });
});

describe('what cannot be followed by reading', () => {
  it.each([
    ['computed import', 'import(name)'],
    ['computed require', 'require(name)'],
    ['computed import', `new Function('m', 'return import(m)')`],
    ['own place', 'read(__dirname)'],
    ['own place', 'const here = import.meta.url'],
    ['own place', 'import.meta.dirname'],
    ['createRequire', `const r = createRequire(x)`],
    ['require.main', 'if (require.main === module) run()'],
    ['native add-on', `require('./build/Release/x.node')`],
  ])('%s: %s', (what, source) => {
    const path = source.includes('import.meta') ? '/app/a.mjs' : '/app/a.cjs';
    expect(needs(`\n${source}`, path)).toEqual([`${what} 2`]);
  });

  it('is not: a comment, a text, a property of that name, a parameter that hides it', () => {
    const source = `// require(name)\nconst text = 'import(name)'; own.require(name); (function (__dirname) { use(__dirname); })(); new Function('a', 'return a + 1')`;
    expect(needs(source)).toEqual([]);
  });
});

describe('files beside a module', () => {
  it('are named by a URL that begins at it', () => {
    const source = `const a = new URL('./a.txt', import.meta.url);\nnew URL(\`../page/\${name}.html\`, import.meta.url)`;
    const { assets, needs: left } = scan(source);
    expect(assets.map(({ path, isFolder, line }) => ({ path, isFolder, line }))).toEqual([
      { path: './a.txt', isFolder: false, line: 1 },
      { path: '../page/', isFolder: true, line: 2 },
    ]);
    expect(left).toEqual([]);
    const [first] = assets;
    expect(source.slice(first?.meta.start, first?.meta.end)).toBe('import.meta.url');
  });

  it('are not: a name wholly made at run time', () => {
    const { assets, needs: left } = scan('new URL(name, import.meta.url); new URL(`${dir}/x`, import.meta.url)');
    expect(assets).toEqual([]);
    expect(left.map(({ what }) => what)).toEqual(['own place', 'own place']);
  });
});

describe('variables of the environment', () => {
  it('are found by every way to name them', () => {
    const source = [
      'process.env.A;',
      `process.env['B'];`,
      'const { C, D: d = 1 } = process.env;',
      `import { env } from 'node:process'; env.E;`,
      `import own from 'process'; own.env.F;`,
    ].join('\n');
    expect(variables(source)).toEqual(['A 1', 'B 2', 'C 3', 'D 3', 'E 4', 'F 5']);
  });

  it('as a whole, or by a name made at run time, are told as *', () => {
    expect(variables('process.env[name]; spawn(x, { env: process.env }); const { ...rest } = process.env')).toEqual([
      '* 1',
      '* 1',
      '* 1',
    ]);
  });
});

it('what is neither JavaScript nor TypeScript is refused with its place', () => {
  expect(() => scan('let x = 1;\nlet = = 2;')).toThrow(/a\.ts:2: /);
});
