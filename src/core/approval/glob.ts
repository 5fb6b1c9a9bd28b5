/** Globs of rules: `*` and `?`, nothing else, in time bounded by the lengths of both texts. No expression of anybody's is ever compiled. */

/**
 * In a command `*` is any run of characters, `?` is one; blanks count as one, and ` *` at the end also stands for no arguments at all: `git push *`
 * matches `git push`.
 */
export function matchesCommand(pattern: string, command: string): boolean {
  const [glob, text] = [oneBlank(pattern), oneBlank(command)];
  return matches(glob, text, anything) || (glob.endsWith(' *') && glob.slice(0, -2) === text);
}

/** Of a tool or an agent, whole: `*` is any run of characters. */
export const matchesName = (pattern: string, name: string): boolean => matches(pattern, name, anything);

/**
 * `path` is absolute. A pattern that begins with `/` is, too; any other is meant from `cwd`. `**` is anything, `*` and `?` stop at `/`. `src/**` also
 * matches `src`, and `src/**` + `/x` also `src/x`.
 */
export function matchesPath(pattern: string, path: string, cwd: string): boolean {
  const glob = pattern.startsWith('/') ? pattern : `${cwd.replace(/\/$/, '')}/${pattern}`;
  const text = path.length > 1 ? path.replace(/\/$/, '') : path;
  return matches(glob, text, (star, char) => star === '**' || char !== '/') || glob === `${text}/**`;
}

const anything = (): boolean => true;

export const oneBlank = (text: string): string => text.trim().replaceAll(/[ \t]+/g, ' ');

type Takes = (star: '*' | '**', char: string) => boolean;
type Token = { kind: 'star'; star: '*' | '**' } | { kind: 'one' } | { kind: 'char'; char: string };

/** One pass with the places in the pattern that may have been reached: at most pattern × text steps, whatever they are. */
function matches(pattern: string, text: string, takes: Takes): boolean {
  const tokens = tokensOf(pattern);
  let reached = withSkips(tokens, new Set([0]));
  for (const char of text) {
    const next = new Set<number>();
    for (const at of reached) {
      const token = tokens[at];
      if (token === undefined) continue;
      if (token.kind === 'star') {
        if (takes(token.star, char)) next.add(at);
      } else if (token.kind === 'one' ? takes('*', char) : token.char === char) {
        next.add(at + 1);
        if (char === '/' && isAnyFolder(tokens, at + 1)) next.add(at + 3);
      }
    }
    if (next.size === 0) return false;
    reached = withSkips(tokens, next);
  }
  return reached.has(tokens.length);
}

/** `**` and a `/` behind it, where folders begin: also no folder at all. */
function isAnyFolder(tokens: readonly Token[], at: number): boolean {
  const [star, slash] = [tokens[at], tokens[at + 1]];
  return star?.kind === 'star' && star.star === '**' && slash?.kind === 'char' && slash.char === '/';
}

/** A star may stand for nothing. */
function withSkips(tokens: readonly Token[], places: Set<number>): Set<number> {
  // A set that grows while it is walked is walked to its end.
  for (const at of places) if (tokens[at]?.kind === 'star') places.add(at + 1);
  return places;
}

function tokensOf(pattern: string): Token[] {
  const tokens: Token[] = [];
  for (const char of pattern) {
    const last = tokens.at(-1);
    if (char === '?') tokens.push({ kind: 'one' });
    else if (char !== '*') tokens.push({ kind: 'char', char });
    else if (last?.kind === 'star') last.star = '**';
    else tokens.push({ kind: 'star', star: '*' });
  }
  return tokens;
}
