/** The files that an executable carries and unpacks: shipped packages, assets, further entry points. */
import { hash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fillTemplate } from './template.ts';

export type TreeFile = {
  /** Below the base, with `/`. */
  path: string;
  /** Where its content is: a file of the source, or text made here. */
  content: { file: string } | { text: string };
  sha256: string;
  sizeBytes: number;
  isProgram: boolean;
};
/** `to` is relative to the link's own folder. */
export type TreeLink = { path: string; to: string };

/** What a program does not read when it runs. */
const LEFT_OUT = /\.(d\.[mc]?ts|map|md|markdown|flow|tsbuildinfo)$/;
/** Left out at the top of an application, unless its code lies there; the first seven as in the seed. */
const TOP_LEFT_OUT = new Set([
  'vendor',
  'build',
  'data',
  '.git',
  '.claude',
  'tests',
  '.gitignore',
  'test',
  'coverage',
  '.github',
]);
const NEVER = new Set(['node_modules', '.git']);

export class Tree {
  private readonly base: string;
  private readonly files = new Map<string, TreeFile>();
  readonly links: TreeLink[] = [];

  constructor(base: string) {
    this.base = base;
  }

  all(): TreeFile[] {
    return [...this.files.values()].toSorted((a, b) => (a.path < b.path ? -1 : 1));
  }

  isEmpty(): boolean {
    return this.files.size === 0;
  }

  place(path: string): string {
    return relative(this.base, path);
  }

  addFile(path: string): void {
    const content = readFileSync(path);
    this.put({
      path: this.place(path),
      content: { file: path },
      sha256: hash('sha256', content),
      sizeBytes: content.byteLength,
      isProgram: (statSync(path).mode & 0o111) !== 0,
    });
  }

  addText(path: string, text: string): void {
    const sizeBytes = Buffer.byteLength(text);
    this.put({ path, content: { text }, sha256: hash('sha256', text), sizeBytes, isProgram: false });
  }

  addLink(path: string, to: string): void {
    this.links.push({ path: this.place(path), to: relative(dirname(path), to) });
  }

  /** All files below a folder, except `node_modules`. */
  addFolder(dir: string): void {
    for (const path of filesBelow(dir, () => true)) this.addFile(path);
  }

  /** A package, without what no program reads. `isApp`: an application, of which folders for people are left out too. */
  addPackage(dir: string, o: { isApp: boolean; holdsCode: (path: string) => boolean }): void {
    const keep = (path: string, name: string): boolean => {
      if (o.isApp && path === join(dir, name) && TOP_LEFT_OUT.has(name)) return o.holdsCode(path);
      return !LEFT_OUT.test(name) && !isOtherPlatform(path);
    };
    for (const path of filesBelow(dir, keep)) this.addFile(path);
  }

  /** Files that end in `.template` lose that ending and have their `{{NAME}}` places filled, where there are values at all. */
  fillTemplates(values: Readonly<Record<string, string>>): void {
    if (Object.keys(values).length === 0) return;
    for (const file of this.all()) {
      if (!file.path.endsWith('.template') || !('file' in file.content)) continue;
      this.files.delete(file.path);
      this.addText(
        file.path.slice(0, -'.template'.length),
        fillTemplate(readFileSync(file.content.file, 'utf8'), values),
      );
    }
  }

  /** Names everything in it: equal trees unpack to one folder. */
  digest(): string {
    const lines = this.all().map((file) => `${file.path} ${file.sha256} ${file.isProgram}`);
    return hash('sha256', [...lines, ...this.links.map((link) => `${link.path} -> ${link.to}`)].join('\n'));
  }

  private put(file: TreeFile): void {
    this.files.set(file.path, file);
  }
}

/** prebuilds/darwin-arm64 and its like, which cannot run here. */
function isOtherPlatform(path: string): boolean {
  const platform = /\/prebuilds\/([a-z0-9]+)-([a-z0-9+]+)$/.exec(path);
  return platform !== null && (platform[1] !== process.platform || !platform[2]?.split('+').includes(process.arch));
}

function filesBelow(dir: string, keep: (path: string, name: string) => boolean): string[] {
  return readdirSync(dir).flatMap((name) => {
    const path = join(dir, name);
    if (NEVER.has(name) || !keep(path, name)) return [];
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat?.isDirectory() === true) return filesBelow(path, keep);
    return stat?.isFile() === true ? [path] : [];
  });
}
