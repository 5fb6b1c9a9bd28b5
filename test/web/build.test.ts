import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';

const dist = fileURLToPath(new URL('../../web/dist/', import.meta.url));
const read = (name: string): string => readFileSync(`${dist}${name}`, 'utf8');

/** All compressed script that the first view needs: what the page names, and what that imports without being asked. */
const FIRST_VIEW_MAX_BYTES = 300 * 1_024;

describe('the built page', () => {
  const html = read('index.html');

  it('names its files relative to itself, and has no script or style of its own', () => {
    const named = [...html.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, name]) => name ?? '');
    expect(named.length).toBeGreaterThan(2);
    for (const name of named) expect(name).toMatch(/^\.\/page\/[\w.-]+$/);
    expect(html).not.toMatch(/<script(?![^>]*\bsrc=)|<style|\son\w+=|style=/);
  });

  it('needs no more script for its first view than it may', () => {
    const wanted = [...html.matchAll(/\.\/(page\/[\w.-]+\.js)/g)].map(([, name]) => name ?? '');
    const seen = new Set<string>();
    for (const name of wanted) {
      if (seen.has(name)) continue;
      seen.add(name);
      // Static imports only: `import(` is what comes later.
      for (const [, file] of read(name).matchAll(/(?:from|import)\s*"\.\/([\w.-]+\.js)"/g)) wanted.push(`page/${file}`);
    }
    const sizes = [...seen].map((name) => gzipSync(read(name)).length);
    const total = sizes.reduce((sum, size) => sum + size, 0);
    expect(total).toBeGreaterThan(50 * 1_024);
    expect(total).toBeLessThan(FIRST_VIEW_MAX_BYTES);
  });

  it('inlines nothing that a strict policy would block', () => {
    const styles = readdirSync(`${dist}page`).filter((name) => name.endsWith('.css'));
    expect(styles.length).toBeGreaterThan(0);
    for (const name of styles) expect(read(`page/${name}`)).not.toMatch(/url\((?!["']?\.\/)[^)]/);
  });
});
