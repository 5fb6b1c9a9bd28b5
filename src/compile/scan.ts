/** What one module asks of the world, read from its syntax tree: imports, variables of the environment, and places on disk. Pure. */
import { extname } from 'node:path';
import type { ESTree } from 'rolldown/utils';
import { parseSync, Visitor } from 'rolldown/utils';
import { assetPath, hiddenBy, Lines, literalOf, makesLoadingCode, nameOf, propertyOf } from './syntax.ts';

export type ImportKind = 'import' | 'dynamic' | 'require';

export type FoundImport = {
  specifier: string;
  kind: ImportKind;
  line: number;
  /** Inside `try`: the program has an answer to its absence. */
  optional: boolean;
  /** Whether the importer takes the whole namespace (`* as`, `export *`, `import()`), and not only names. */
  namespace: boolean;
  /** Names taken from it, `default` among them. */
  names: readonly string[];
};

/** A file or folder named beside the module by `new URL('./x', import.meta.url)`: it can be shipped and found again. */
export type FoundAsset = {
  /** As written; of a template, what stands before its first variable, cut at the last slash: a folder. */
  path: string;
  isFolder: boolean;
  line: number;
  /** UTF-16 offsets of the `import.meta.url` in it, and of the whole expression. */
  meta: { start: number; end: number };
  whole: { start: number; end: number };
};

/** Why a module must be a file on disk where it runs: what it does cannot be followed by reading it. */
export type DiskNeed = {
  what: 'computed import' | 'computed require' | 'own place' | 'createRequire' | 'require.main' | 'native add-on';
  line: number;
};

export type FoundVariable = {
  /** `*`: the environment as a whole, or a name made at run time. */ name: string;
  line: number;
};

export type Scan = {
  imports: FoundImport[];
  assets: FoundAsset[];
  needs: DiskNeed[];
  environment: FoundVariable[];
  isModule: boolean;
};

const OWN_PLACE = new Set(['url', 'dirname', 'filename', 'main', 'resolve']);

/**
 * Reads one module of JavaScript or TypeScript. Throws `SyntaxError` with file and place when it is neither; the caller says whether that matters.
 */
export function scanModule(path: string, source: string): Scan {
  const parsed = parseSync(path, source, extname(path) === '' ? { lang: 'js' } : {});
  const [error] = parsed.errors;
  if (error !== undefined) {
    const at = error.labels[0]?.start;
    throw new SyntaxError(`${path}${at === undefined ? '' : `:${new Lines(source).at(at)}`}: ${error.message}`);
  }
  return new Scanner(source, parsed.module.hasModuleSyntax).run(parsed.program);
}

class Scanner {
  private readonly lines: Lines;
  private readonly found: Scan;
  /** Depth of `try` blocks. */
  private tries = 0;
  /** Parameters of the functions around, where they hide a free name. */
  private readonly hidden: string[][] = [];
  /** Offsets of nodes that a larger pattern has explained already. */
  private readonly explained = new Set<number>();
  /** Local names of `process.env` and of `process`, by their imports. */
  private readonly processNames = new Set(['process']);
  private readonly envNames = new Set<string>();

  constructor(source: string, isModule: boolean) {
    this.lines = new Lines(source);
    this.found = { imports: [], assets: [], needs: [], environment: [], isModule };
  }

  run(program: ESTree.Program): Scan {
    const enter = (node: { params: ESTree.ParamPattern[] }): void => void this.hidden.push(hiddenBy(node.params));
    const leave = (): void => void this.hidden.pop();
    new Visitor({
      TryStatement: () => void this.tries++,
      'TryStatement:exit': () => void this.tries--,
      FunctionDeclaration: enter,
      'FunctionDeclaration:exit': leave,
      FunctionExpression: enter,
      'FunctionExpression:exit': leave,
      ArrowFunctionExpression: enter,
      'ArrowFunctionExpression:exit': leave,
      ImportDeclaration: (node) => this.importDeclaration(node),
      ExportNamedDeclaration: (node) => this.exportNamed(node),
      ExportAllDeclaration: (node) => this.add('import', node.source.value, node.start, { namespace: true }),
      ImportExpression: (node) => this.importExpression(node),
      CallExpression: (node) => this.call(node),
      NewExpression: (node) => this.construct(node),
      MemberExpression: (node) => this.member(node),
      VariableDeclarator: (node) => this.declarator(node),
      Identifier: (node) => this.identifier(node),
    }).visit(program);
    return this.found;
  }

  // ------------------------------------------------------------ imports

  private add(kind: ImportKind, specifier: string, start: number, o: { names?: string[]; namespace?: boolean } = {}) {
    this.found.imports.push({
      specifier,
      kind,
      line: this.lines.at(start),
      optional: this.tries > 0,
      namespace: o.namespace ?? false,
      names: o.names ?? [],
    });
  }

  private importDeclaration(node: ESTree.ImportDeclaration): void {
    if (node.importKind === 'type') return;
    const values = node.specifiers.filter((one) => one.type !== 'ImportSpecifier' || one.importKind !== 'type');
    if (node.specifiers.length > 0 && values.length === 0) return;
    const from = node.source.value;
    const names = values.flatMap((one) => {
      if (one.type === 'ImportNamespaceSpecifier') return [];
      return one.type === 'ImportDefaultSpecifier' ? ['default'] : [nameOf(one.imported)];
    });
    for (const one of values) if (from === 'process' || from === 'node:process') this.knowProcess(one);
    this.add('import', from, node.start, {
      names,
      namespace: values.some((one) => one.type === 'ImportNamespaceSpecifier'),
    });
  }

  private knowProcess(one: ESTree.ImportDeclarationSpecifier): void {
    if (one.type !== 'ImportSpecifier') this.processNames.add(one.local.name);
    else if (nameOf(one.imported) === 'env') this.envNames.add(one.local.name);
  }

  private exportNamed(node: ESTree.ExportNamedDeclaration): void {
    if (node.source === null || node.exportKind === 'type') return;
    this.add('import', node.source.value, node.start, { names: node.specifiers.map((one) => nameOf(one.local)) });
  }

  private importExpression(node: ESTree.ImportExpression): void {
    const specifier = literalOf(node.source);
    if (specifier === undefined) this.need('computed import', node.start);
    else this.add('dynamic', specifier, node.start, { namespace: true });
  }

  private call(node: ESTree.CallExpression): void {
    const { callee } = node;
    if (callee.type === 'MemberExpression' && this.isFree(callee.object, 'require'))
      return this.requireMember(callee, node);
    if (callee.type === 'Identifier' && callee.name === 'createRequire') this.need('createRequire', node.start);
    if (makesLoadingCode(node)) this.need('computed import', node.start);
    if (!this.isFree(callee, 'require')) return;
    this.explained.add(callee.start);
    const [first] = node.arguments;
    const specifier = first === undefined ? undefined : literalOf(first);
    if (specifier === undefined) return this.need('computed require', node.start);
    if (specifier.endsWith('.node')) this.need('native add-on', node.start);
    this.add('require', specifier, node.start);
  }

  /** `require.resolve('x')` names a file on disk; `require.extensions` and its like need the real loader. */
  private requireMember(callee: ESTree.MemberExpression, node: ESTree.CallExpression): void {
    const [first] = node.arguments;
    const specifier = first === undefined ? undefined : literalOf(first);
    this.explained.add(callee.object.start);
    if (propertyOf(callee) === 'resolve' && specifier !== undefined) this.add('require', specifier, node.start);
    this.need(propertyOf(callee) === 'resolve' ? 'own place' : 'computed require', node.start);
  }

  // ------------------------------------------------------------ places

  private construct(node: ESTree.NewExpression): void {
    const [named, base] = node.arguments;
    if (makesLoadingCode(node)) this.need('computed import', node.start);
    if (node.callee.type !== 'Identifier' || node.callee.name !== 'URL' || named === undefined) return;
    if (base?.type !== 'MemberExpression' || base.object.type !== 'MetaProperty' || propertyOf(base) !== 'url') return;
    const asset = assetPath(named);
    if (asset === undefined) return;
    this.explained.add(base.start);
    const meta = { start: base.start, end: base.end };
    const whole = { start: node.start, end: node.end };
    this.found.assets.push({ ...asset, line: this.lines.at(node.start), meta, whole });
  }

  private member(node: ESTree.MemberExpression): void {
    const name = propertyOf(node);
    if (node.object.type === 'MetaProperty') {
      if (!this.explained.has(node.start) && (name === undefined || OWN_PLACE.has(name)))
        this.need('own place', node.start);
      return;
    }
    if (this.isFree(node.object, 'require')) {
      this.explained.add(node.object.start);
      if (name === 'main') this.need('require.main', node.start);
      return;
    }
    if (this.isEnvironment(node.object)) {
      this.explained.add(node.object.start);
      this.found.environment.push({ name: name ?? '*', line: this.lines.at(node.start) });
    } else if (this.isEnvironment(node) && !this.explained.has(node.start)) {
      this.found.environment.push({ name: '*', line: this.lines.at(node.start) });
    }
  }

  /** `const { A, B = 1, ...rest } = process.env` */
  private declarator(node: ESTree.VariableDeclarator): void {
    if (node.init === null || !this.isEnvironment(node.init) || node.id.type !== 'ObjectPattern') return;
    this.explained.add(node.init.start);
    for (const property of node.id.properties) {
      const named = property.type === 'Property' && !property.computed ? property.key : undefined;
      const name = named?.type === 'Identifier' ? named.name : named?.type === 'Literal' ? String(named.value) : '*';
      this.found.environment.push({ name, line: this.lines.at(property.start) });
    }
  }

  private identifier(node: { name: string; start: number }): void {
    if (node.name !== '__dirname' && node.name !== '__filename') return;
    if (!this.isHidden(node.name) && !this.found.isModule) this.need('own place', node.start);
  }

  private isEnvironment(node: ESTree.Expression | ESTree.Super): boolean {
    if (node.type === 'Identifier') return this.envNames.has(node.name);
    if (node.type !== 'MemberExpression' || propertyOf(node) !== 'env' || node.object.type !== 'Identifier')
      return false;
    return this.processNames.has(node.object.name) && !this.isHidden(node.object.name);
  }

  private need(what: DiskNeed['what'], start: number): void {
    this.found.needs.push({ what, line: this.lines.at(start) });
  }

  private isFree(node: { type: string; name?: unknown; start: number }, name: string): boolean {
    return node.type === 'Identifier' && node.name === name && !this.isHidden(name);
  }

  private isHidden(name: string): boolean {
    return this.hidden.some((names) => names.includes(name));
  }
}
