import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { elfNeeds } from '#compile/elf.ts';
import { fillTemplate } from '#compile/template.ts';
import { Tree } from '#compile/tree.ts';
import { AppFolder } from './app-folder.ts';

describe('a template', () => {
  it('has its places filled, each as often as it stands', () => {
    expect(fillTemplate('{{A}} and {{A}}, {{B_2}}: {{lower}} {{ A }}', { A: '$&', B_2: '{{A}}' })).toBe(
      '$& and $&, {{A}}: {{lower}} {{ A }}',
    );
  });

  it('is refused when a place has no value, or a value no place', () => {
    expect(() => fillTemplate('{{A}}', {})).toThrow('{{A}} has no value');
    expect(() => fillTemplate('x', { A: '1' })).toThrow('A has no place');
  });
});

describe('the tree of files', () => {
  let app: AppFolder;
  beforeEach(() => (app = new AppFolder()));
  afterEach(() => app.remove());
  const paths = (tree: Tree): string[] => tree.all().map(({ path }) => path);

  it('of an application leaves out what is for people, unless code lies there', () => {
    app.write({
      'a.js': '',
      'a.d.ts': '',
      'README.md': '',
      'page/x.html': '',
      'build/b.js': '',
      'tests/t.js': '',
      'node_modules/p/i.js': '',
    });
    const tree = new Tree(app.dir);
    tree.addPackage(app.dir, { isApp: true, holdsCode: (path) => path.endsWith('/build') });
    expect(paths(tree)).toEqual(['a.js', 'build/b.js', 'page/x.html']);
  });

  it('of a package leaves out what was built for other machines', () => {
    const own = `${process.platform}-${process.arch}`;
    app.write({ [`prebuilds/${own}/x.node`]: '', 'prebuilds/sunos-sparc/x.node': '', 'test/needed.js': '' });
    const tree = new Tree(app.dir);
    tree.addPackage(app.dir, { isApp: false, holdsCode: () => false });
    expect(paths(tree)).toEqual([`prebuilds/${own}/x.node`, 'test/needed.js']);
  });

  it('is named by all that is in it', () => {
    app.write({ 'a.txt': '1' });
    const digest = (text: string): string => {
      const tree = new Tree(app.dir);
      tree.addFile(app.path('a.txt'));
      tree.addText('b', text);
      return tree.digest();
    };
    expect(digest('x')).toBe(digest('x'));
    expect(digest('x')).not.toBe(digest('y'));
  });

  it('fills templates that it carries', () => {
    app.write({ 'config.ini.template': 'port={{PORT}}', 'plain.txt': '{{PORT}}' });
    const tree = new Tree(app.dir);
    tree.addFolder(app.dir);
    tree.fillTemplates({ PORT: '80' });
    expect(paths(tree)).toEqual(['config.ini', 'plain.txt']);
    expect(tree.all()[0]?.content).toEqual({ text: 'port=80' });
  });
});

describe('what an executable needs', () => {
  it('is read from its own head', () => {
    const needs = elfNeeds(readFileSync(process.execPath));
    expect(needs?.libraries).toContain('libc.so.6');
    expect(needs?.glibc).toMatch(/^2\.\d+$/);
    expect(needs?.libstdcxx).toMatch(/^3\.4\.\d+$/);
  });

  it('is unknown for what is none', () => {
    expect(elfNeeds(Buffer.from('#!/bin/sh\n'))).toBeUndefined();
    expect(elfNeeds(readFileSync(process.execPath).subarray(0, 40))).toBeUndefined();
  });
});
