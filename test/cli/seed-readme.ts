/** The commands of a seed's README, one after the other, with what stands in their place here. Pure. */

/** Read in place of the words before it; listed for people in docs/seeds.md. */
export type Substitution = readonly [theirs: string, ours: string];

/** Each line of each block of `bash`, without comments, and what the text between says to "just run". A command of several lines is one. */
export function commandsOf(readme: string): string[] {
  const commands: string[] = [];
  for (const [, block = '', instead] of readme.matchAll(/^```bash\n(.*?)^```$|^Or just run `(.+?)`/gms))
    commands.push(...(instead === undefined ? linesOf(block) : [instead]));
  return commands;
}

/** Method and path of each row of its tables. */
export const routesOf = (readme: string): string[] =>
  [...readme.matchAll(/^\| `([A-Z]+)` \| `(.+?)` \|/gm)].map(([, method, path]) => `${method} ${path}`);

function linesOf(block: string): string[] {
  const lines: string[] = [];
  let open = '';
  for (const line of block.split('\n')) {
    if (open === '' && (line === '' || line.startsWith('#'))) continue;
    open += line;
    const isQuoted = open.split("'").length % 2 === 0;
    if (line.endsWith('\\') || isQuoted) open += '\n';
    else {
      lines.push(open);
      open = '';
    }
  }
  return lines;
}

export const inOurWords = (line: string, substitutions: readonly Substitution[]): string =>
  substitutions.reduce((words, [theirs, ours]) => words.replaceAll(theirs, () => ours), line);
