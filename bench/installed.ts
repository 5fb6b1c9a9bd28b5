/** Versions of the packages that are measured. */
import { readFileSync } from 'node:fs';
import { findPackageJSON } from 'node:module';

/** Version of an installed package, as node would find it from this folder. */
export function installedVersion(name: string): string {
  const path = findPackageJSON(name, import.meta.url);
  if (path === undefined) return 'not installed';
  const { version }: { version: string } = JSON.parse(readFileSync(path, 'utf8'));
  return version;
}
