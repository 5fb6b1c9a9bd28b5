import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Detection } from '#compile/detect.ts';
import { inspectApp } from '#compile/detect.ts';
import { CompileRefusal } from '#compile/refusal.ts';
import { AppFolder } from './app-folder.ts';

let app: AppFolder;
beforeEach(() => {
  app = new AppFolder().write({ 'package.json': { name: 'app', main: 'src/main.ts', dependencies: { lib: '1.0.0' } } });
});
afterEach(() => app.remove());

const inspect = (o: { entryPoint?: string; withPackages?: boolean } = {}): Detection =>
  inspectApp({ dir: app.dir, entryPoint: o.entryPoint, withPackages: o.withPackages ?? false });
const refusal = (run: () => unknown): string => {
  try {
    run();
  } catch (error) {
    if (error instanceof CompileRefusal) return error.code;
    throw error;
  }
  throw new Error('not refused');
};

describe('what an application needs', () => {
  it('is told with file and line, through sources, packages and conditions', () => {
    app.write({
      'src/main.ts': `import { readFile } from 'fs';\nimport lib from 'lib';\nimport { own } from './own.ts';\nimport('./late.ts');\nconsole.log(process.env.HOME)`,
      'src/own.ts': `import 'node:path';\nexport const own: number = 1;`,
      'src/late.ts': `import { used } from '@scope/esm';`,
      'node_modules/lib/package.json': { name: 'lib', version: '1.2.3', main: 'lib.js' },
      'node_modules/lib/lib.js': `require('inner'); process.env.LIB_MODE; require('os')`,
      'node_modules/inner/package.json': { name: 'inner', version: '0.1.0' },
      'node_modules/inner/index.js': '',
      'node_modules/@scope/esm/package.json': {
        name: '@scope/esm',
        version: '2.0.0',
        exports: { import: './good.mjs', default: './wrong.js' },
      },
      'node_modules/@scope/esm/good.mjs': 'export const used = 1;',
    });
    const found = inspect();
    expect(found.builtins).toEqual([
      { name: 'node:fs', at: [{ file: 'src/main.ts', line: 1 }] },
      { name: 'node:path', at: [{ file: 'src/own.ts', line: 1 }] },
    ]);
    expect(found.packages).toEqual([
      {
        name: '@scope/esm',
        version: '2.0.0',
        direct: true,
        dir: 'node_modules/@scope/esm',
        at: [{ file: 'src/late.ts', line: 1 }],
      },
      { name: 'inner', version: '0.1.0', direct: false, dir: 'node_modules/inner', at: [] },
      { name: 'lib', version: '1.2.3', direct: true, dir: 'node_modules/lib', at: [{ file: 'src/main.ts', line: 2 }] },
    ]);
    expect(found.dynamic_imports).toEqual([{ specifier: './late.ts', file: 'src/main.ts', line: 4 }]);
    expect(found.environment.map(({ name }) => name)).toEqual(['HOME']);
    expect(inspect({ withPackages: true }).environment.map(({ name }) => name)).toEqual(['HOME', 'LIB_MODE']);
    expect(found.missing).toEqual([]);
  });

  it('names compiled add-ons, and packages that must be files', () => {
    app.write({
      'src/main.ts': `import 'lib';`,
      'node_modules/lib/package.json': { name: 'lib', version: '1.0.0' },
      'node_modules/lib/index.js': `module.exports = require('./build/Release/lib.node');`,
      'node_modules/lib/build/Release/lib.node': 'not a real one',
      'node_modules/lib/src/left.node': 'among sources',
    });
    const found = inspect();
    expect(found.addons).toEqual([{ file: 'node_modules/lib/build/Release/lib.node', package: 'lib' }]);
    expect(found.needs_disk).toEqual([
      { package: 'lib', at: [{ what: 'native add-on', file: 'node_modules/lib/index.js', line: 1 }] },
    ]);
  });

  it('names what is not installed, and what is optional', () => {
    app.write({ 'src/main.ts': `import 'gone';\ntry { require('perhaps') } catch {}` });
    expect(inspect().missing).toEqual([
      { specifier: 'gone', optional: false, file: 'src/main.ts', line: 1 },
      { specifier: 'perhaps', optional: true, file: 'src/main.ts', line: 2 },
    ]);
  });

  it('counts a file once, in a circle and through links', () => {
    app.write({
      'src/main.ts': `import './a.ts'; import 'linked';`,
      'src/a.ts': `import './main.ts';`,
      'packages/linked/package.json': { name: 'linked', version: '1.0.0' },
      'packages/linked/index.js': `require('../../src/a.ts')`,
    });
    app.link('node_modules/linked', app.path('packages/linked'));
    expect(inspect().modules).toBe(3);
  });

  it('survives what others wrote into package.json', () => {
    app.write({
      'src/main.ts': `import 'lib';`,
      'node_modules/lib/package.json': '{"name":"lib","version":7,"main":false,"dependencies":[]}',
      'node_modules/lib/index.js': '',
    });
    expect(inspect().packages.map(({ name, version }) => [name, version])).toEqual([['lib', '']]);
  });
});

describe('where an application begins', () => {
  it('is bin, then main, then a usual name, or what is given', () => {
    app.write({ 'src/main.ts': '', 'index.js': '', 'cli.js': '#!/usr/bin/env node\n', 'other.mjs': '' });
    expect(inspect().entry_points).toEqual(['src/main.ts']);
    expect(inspect({ entryPoint: 'other.mjs' }).entry_points).toEqual(['other.mjs']);
    app.write({ 'package.json': { name: 'app', bin: { app: './cli' }, main: 'index.js' } });
    expect(inspect().entry_points).toEqual(['cli.js']);
    app.write({ 'package.json': {} });
    expect(inspect().entry_points).toEqual(['index.js']);
  });

  it('is refused when there is no such folder, no such file, or no code in it', () => {
    expect(refusal(() => inspectApp({ dir: app.path('gone'), entryPoint: undefined, withPackages: false }))).toBe(
      'no_folder',
    );
    expect(refusal(() => inspect())).toBe('no_entry');
    expect(refusal(() => inspect({ entryPoint: 'gone.js' }))).toBe('no_entry');
    app.write({ run: '#!/bin/bash\necho hi; done' });
    expect(refusal(() => inspect({ entryPoint: 'run' }))).toBe('not_code');
  });
});
