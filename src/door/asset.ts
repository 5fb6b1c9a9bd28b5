/** The files of the page, read from disk once when first asked for. */
import { hash } from 'node:crypto';
import { readFile } from 'node:fs/promises';

export type Asset = {
  contentType: string;
  content: Buffer;
  /** Quoted, as in the header. */
  etag: string;
};

const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
};

/** The names that exist: a request can name nothing else on this disk. */
export const PAGE_FILES = [
  'index.html',
  'login.html',
  'login.js',
  'wall.html',
  'wall.js',
  'wall.css',
  'page.js',
  'dom.js',
  'model.js',
  'tasks.js',
  'detail.js',
  'views.js',
  'swarm.js',
  'page.css',
  'icon.svg',
] as const;
export type PageFile = (typeof PAGE_FILES)[number];

const held = new Map<PageFile, Promise<Asset>>();

/** A file of the page. Rejects when the installation lacks it, and tries again the next time. */
export function pageAsset(name: PageFile): Promise<Asset> {
  const known = held.get(name);
  if (known !== undefined) return known;
  const asset = readAsset(name).catch((error: unknown) => {
    held.delete(name);
    throw error;
  });
  held.set(name, asset);
  return asset;
}

async function readAsset(name: PageFile): Promise<Asset> {
  const content = await readFile(new URL(`./page/${name}`, import.meta.url));
  const contentType = TYPES[name.slice(name.lastIndexOf('.') + 1)] ?? 'application/octet-stream';
  return { contentType, content, etag: `"${hash('sha256', content, 'base64url').slice(0, 22)}"` };
}
