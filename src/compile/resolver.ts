/** Finds what a specifier names, as Node does, and TypeScript's sources besides. */
import { ResolverFactory } from 'rolldown/experimental';
import type { ImportKind } from './scan.ts';

export type Target =
  | { kind: 'builtin'; name: string }
  | { kind: 'file'; path: string; isModule: boolean }
  | { kind: 'missing'; why: string };

const SHARED = {
  extensions: ['.js', '.json', '.node', '.mjs', '.cjs', '.ts', '.tsx', '.mts', '.cts', '.jsx'],
  extensionAlias: { '.js': ['.js', '.ts', '.tsx'], '.mjs': ['.mjs', '.mts'], '.cjs': ['.cjs', '.cts'] },
  mainFields: ['main'],
  builtinModules: true,
  moduleType: true,
  symlinks: true,
  tsconfig: 'auto' as const,
};

export class Resolver {
  private readonly forImport = new ResolverFactory({
    ...SHARED,
    conditionNames: ['node', 'import', 'module-sync', 'default'],
  });
  private readonly forRequire = new ResolverFactory({
    ...SHARED,
    conditionNames: ['node', 'require', 'module-sync', 'default'],
  });

  resolve(importer: string, specifier: string, kind: ImportKind): Target {
    const resolver = kind === 'require' ? this.forRequire : this.forImport;
    const { path, builtin, error, moduleType } = resolver.resolveFileSync(importer, specifier);
    if (builtin !== undefined) return { kind: 'builtin', name: builtin.resolved };
    if (path === undefined) return { kind: 'missing', why: error ?? 'not found' };
    // A query only tells instances of one file apart.
    const [file = path] = path.split('?');
    return { kind: 'file', path: file, isModule: moduleType === 'module' };
  }
}
