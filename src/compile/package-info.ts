/** Which package a file belongs to, and what that package says of itself. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';

/** What others wrote: a field of another shape counts as absent, as it does for Node. */
const text = z.string().optional().catch(undefined);
const dependencies = z.record(z.string(), z.unknown()).optional().catch(undefined);

const manifestSchema = z.looseObject({
  name: text,
  version: text,
  main: text,
  bin: z
    .union([z.string(), z.record(z.string(), z.string())])
    .optional()
    .catch(undefined),
  dependencies,
  optionalDependencies: dependencies,
  peerDependencies: dependencies,
});
export type Manifest = z.infer<typeof manifestSchema>;

export type PackageInfo = { name: string; version: string; dir: string; manifest: Manifest; isApp: boolean };

/** Reads `package.json` of a folder; undefined where there is none. Throws `SyntaxError` naming the file when it is not JSON of that shape. */
export function readManifest(dir: string): Manifest | undefined {
  const path = join(dir, 'package.json');
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
  try {
    return manifestSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new SyntaxError(`${path} is no package.json: expected a JSON object`, { cause });
  }
}

export class Packages {
  private readonly appDir: string;
  private readonly byDir = new Map<string, PackageInfo>();
  /** Packages by folder; the app's own last resort is its folder. */
  private readonly byFolder = new Map<string, PackageInfo>();

  constructor(appDir: string) {
    this.appDir = appDir;
    const manifest = readManifest(appDir) ?? {};
    const name = manifest.name ?? '';
    this.byDir.set(appDir, { name, version: manifest.version ?? '', dir: appDir, manifest, isApp: true });
  }

  app(): PackageInfo {
    return this.at(this.appDir);
  }

  /** The package of a file: the nearest folder above whose package.json has a name, else the app. */
  of(path: string): PackageInfo {
    return this.at(dirname(path));
  }

  all(): PackageInfo[] {
    return [...this.byDir.values()];
  }

  private at(folder: string): PackageInfo {
    const known = this.byDir.get(folder) ?? this.byFolder.get(folder);
    if (known !== undefined) return known;
    const found = this.look(folder);
    this.byFolder.set(folder, found);
    return found;
  }

  private look(folder: string): PackageInfo {
    const manifest = readManifest(folder);
    if (manifest?.name !== undefined) {
      const info = { name: manifest.name, version: manifest.version ?? '', dir: folder, manifest, isApp: false };
      this.byDir.set(folder, info);
      return info;
    }
    const above = dirname(folder);
    if (above !== folder) return this.at(above);
    const app = this.byDir.get(this.appDir);
    if (app === undefined) throw new Error('the app is always known');
    return app;
  }
}
