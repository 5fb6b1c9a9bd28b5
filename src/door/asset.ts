/** The files of the page, read from disk once when first asked for: login and wall, written by hand, and what the set-up built of `web/`. */
import { hash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';

export type Asset = {
  contentType: string;
  content: Buffer;
  /** The content compressed; undefined where that saves nothing. */
  gzipped: Buffer | undefined;
  /** Quoted, as in the header. */
  etag: string;
  /** Its name holds its hash: it never changes under that name. */
  forever: boolean;
};

const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
  png: 'image/png',
  woff2: 'font/woff2',
  webmanifest: 'application/manifest+json',
};

/** Written by hand; they work without the built page. */
const HERE = new URL('./page/', import.meta.url);
const HERE_FILES = ['login.html', 'login.js', 'login.css', 'wall.html', 'wall.js', 'wall.css', 'icon.svg'];
/** Made by `vite build`; `page/` in it holds all but the page itself. */
const BUILT = new URL('../../web/dist/', import.meta.url);
/** Below this a compressed text is no shorter on the wire. */
const GZIP_ABOVE_BYTES = 1_024;

const held = new Map<string, Promise<Asset | undefined>>();

/** A file by its name; undefined when there is none. Nothing else on this disk can be named. A file that could not be read is tried again. */
export function pageAsset(name: string): Promise<Asset | undefined> {
  const known = held.get(name);
  if (known !== undefined) return known;
  const asset = find(name).then(
    (found) => {
      if (found === undefined) held.delete(name);
      return found;
    },
    (error: unknown) => {
      held.delete(name);
      throw error;
    },
  );
  held.set(name, asset);
  return asset;
}

async function find(name: string): Promise<Asset | undefined> {
  if (HERE_FILES.includes(name)) return readAsset(new URL(name, HERE), false);
  if (name === 'index.html') return readAsset(new URL(name, BUILT), false).catch(missing);
  const folder = new URL('page/', BUILT);
  const names = await readdir(folder).catch(missing);
  return names?.includes(name) === true ? readAsset(new URL(encodeURIComponent(name), folder), true) : undefined;
}

/** A page that was never built is no fault of the disk. */
function missing(error: unknown): undefined {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
  throw error;
}

async function readAsset(file: URL, forever: boolean): Promise<Asset> {
  const content = await readFile(file);
  const contentType = TYPES[file.pathname.slice(file.pathname.lastIndexOf('.') + 1)] ?? 'application/octet-stream';
  const packed = contentType.startsWith('font/') || content.length < GZIP_ABOVE_BYTES ? undefined : await zip(content);
  return {
    contentType,
    content,
    gzipped: packed,
    etag: `"${hash('sha256', content, 'base64url').slice(0, 22)}"`,
    forever,
  };
}

const zip = promisify(gzip);
