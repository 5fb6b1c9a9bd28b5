import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readGraph } from '#compile/graph.ts';
import type { Plan } from '#compile/plan.ts';
import { planOf } from '#compile/plan.ts';
import { AppFolder } from './app-folder.ts';

let app: AppFolder;
beforeEach(() => {
  app = new AppFolder().write({ 'package.json': { name: 'app' } });
});
afterEach(() => app.remove());

const pack = (name: string, code: string, more: object = {}): Record<string, string | object> => ({
  [`node_modules/${name}/package.json`]: { name, version: '1.0.0', ...more },
  [`node_modules/${name}/index.js`]: code,
});
const plan = (filesOnly = false): Plan => planOf(readGraph(app.dir, [app.path('main.js')]), { filesOnly });
const shipped = (one: Plan): string[] => [...one.shipped].map((dir) => dir.slice(app.dir.length + 1)).toSorted();

describe('what is bundled and what is shipped as files', () => {
  it('code that can be followed is bundled whole', () => {
    app.write({ 'main.js': `require('a')`, ...pack('a', `require('b')`), ...pack('b', '') });
    expect(plan().mode).toBe('bundle');
    expect(shipped(plan())).toEqual([]);
    expect(plan(true).mode).toBe('files');
  });

  it('a package that cannot be followed is shipped with all it loads or declares, and only that', () => {
    app.write({
      'main.js': `require('plain'); require('needy')`,
      ...pack('plain', `require('needy')`),
      ...pack('needy', `require('loaded'); require(name)`, { dependencies: { declared: '1', 'not-installed': '1' } }),
      ...pack('loaded', ''),
      ...pack('declared', ''),
    });
    expect(plan().mode).toBe('bundle');
    expect(shipped(plan())).toEqual(['node_modules/declared', 'node_modules/loaded', 'node_modules/needy']);
    expect(plan().base).toBe(app.dir);
  });

  it('an application that cannot be followed is shipped whole', () => {
    app.write({ 'main.js': `require('a'); require(name)`, ...pack('a', '') });
    expect(plan().mode).toBe('files');
    expect(shipped(plan())).toEqual(['', 'node_modules/a']);
  });

  it('so is one that takes the whole namespace of a shipped module', () => {
    const needy = pack('needy', 'export const x = import.meta.dirname;', { type: 'module' });
    app.write({ 'package.json': { name: 'app', type: 'module' }, 'main.js': `import { x } from 'needy'`, ...needy });
    expect(plan().mode).toBe('bundle');
    app.write({ 'main.js': `import * as needy from 'needy'` });
    expect(plan().mode).toBe('files');
  });

  it('where packages lie elsewhere, links lead to them', () => {
    app.write({
      'main.js': `require('a'); require(name)`,
      'store/a/package.json': { name: 'a' },
      'store/a/index.js': `require('b')`,
      'store/b/package.json': { name: 'b' },
      'store/b/index.js': '',
    });
    app.link('node_modules/a', app.path('store/a'));
    app.link('store/a/node_modules/b', app.path('store/b'));
    const { links } = plan();
    expect(
      links
        .map(({ from, name, to }) => [from, name, to].map((path) => path.replace(`${app.dir}/`, '')))
        .toSorted(([a = ''], [b = '']) => (a < b ? -1 : 1)),
    ).toEqual([
      [app.dir, 'a', 'store/a'],
      ['store/a', 'b', 'store/b'],
    ]);
  });

  it('the base is above `node_modules`, whose names are what packages are found by', () => {
    app.write(pack('app2', `require('other'); require(name)`));
    app.write(pack('other', ''));
    const graph = readGraph(app.path('node_modules/app2'), [app.path('node_modules/app2/index.js')]);
    expect(planOf(graph, { filesOnly: false }).base).toBe(app.dir);
  });
});
