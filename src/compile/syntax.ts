/** Small questions to a syntax tree. */
import type { ESTree } from 'rolldown/utils';

/** Names that a module wrapper or a function may give another meaning. */
const FREE_NAMES = new Set(['require', 'module', 'process', '__dirname', '__filename']);

/** Line numbers from offsets: 1-based. */
export class Lines {
  private readonly starts = [0];

  constructor(source: string) {
    for (let at = source.indexOf('\n'); at >= 0; at = source.indexOf('\n', at + 1)) this.starts.push(at + 1);
  }

  at(offset: number): number {
    let low = 0;
    let high = this.starts.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if ((this.starts[middle] ?? Infinity) <= offset) low = middle;
      else high = middle;
    }
    return low + 1;
  }
}

export const hiddenBy = (params: readonly ESTree.ParamPattern[]): string[] =>
  params.flatMap((one) => (one.type === 'Identifier' && FREE_NAMES.has(one.name) ? [one.name] : []));

export const nameOf = (node: ESTree.ModuleExportName): string => (node.type === 'Literal' ? node.value : node.name);

export function literalOf(node: ESTree.Argument): string | undefined {
  if (node.type === 'Literal' && typeof node.value === 'string') return node.value;
  if (node.type === 'TemplateLiteral' && node.expressions.length === 0)
    return node.quasis[0]?.value.cooked ?? undefined;
  return undefined;
}

/** `new Function('m', 'return import(m)')`, by which code hides an import from compilers. */
export function makesLoadingCode({ callee, arguments: given }: ESTree.CallExpression | ESTree.NewExpression): boolean {
  if (callee.type !== 'Identifier' || (callee.name !== 'Function' && callee.name !== 'eval')) return false;
  return given.some((one) => /\b(import|require)\s*\(/.test(literalOf(one) ?? ''));
}

/** The name of a property that is plain in the text: `a.b`, `a['b']`. */
export function propertyOf(node: ESTree.MemberExpression): string | undefined {
  if (!node.computed) return node.property.type === 'Identifier' ? node.property.name : undefined;
  return literalOf(node.property);
}

export function assetPath(node: ESTree.Argument): { path: string; isFolder: boolean } | undefined {
  const literal = literalOf(node);
  if (literal !== undefined)
    return /^\.{1,2}\//.test(literal) ? { path: literal, isFolder: literal.endsWith('/') } : undefined;
  if (node.type !== 'TemplateLiteral') return undefined;
  const before = node.quasis[0]?.value.cooked ?? '';
  const folder = before.slice(0, before.lastIndexOf('/') + 1);
  return /^\.{1,2}\/./.test(folder) ? { path: folder, isFolder: true } : undefined;
}
