/** What is asked about although a rule allows it, unless that rule's own pattern names it: what destroys work that cannot be got back. */
import { looseParts } from './command.ts';

/** `what` is told to people: "it <what>". */
export type Grave = 'forcePush' | 'hardReset' | 'clean' | 'removeOutside' | 'root' | 'pipedDownload';

const TOLD: Readonly<Record<Grave, string>> = {
  forcePush: 'rewrites or removes what others have at a remote',
  hardReset: 'throws uncommitted changes away',
  clean: 'removes files that git does not know',
  removeOutside: 'removes folders outside the one the agent works in',
  root: 'asks for the rights of another user',
  pipedDownload: 'runs what it downloads',
};

export const toldOf = (grave: Grave): string => TOLD[grave];

/** Everything of the kind that the text may do. Read loosely: a text that only speaks of it counts, too. */
export function gravesOf(command: string, cwd: string | null): Set<Grave> {
  const found = new Set<Grave>();
  const parts = looseParts(command);
  const moves = parts.some(([word]) => word === 'cd' || word === 'pushd');
  for (const words of parts) {
    for (const [at, word] of words.entries()) {
      const name = word.slice(word.lastIndexOf('/') + 1);
      if (name === 'git') for (const one of gitGraves(words.slice(at + 1))) found.add(one);
      if (name === 'rm' && removesOutside(words.slice(at + 1), moves ? null : cwd)) found.add('removeOutside');
    }
    if (ROOT.has(words[0] ?? '')) found.add('root');
  }
  if (isPipedDownload(command)) found.add('pipedDownload');
  return found;
}

const ROOT: ReadonlySet<string> = new Set(['sudo', 'doas', 'su', 'pkexec']);
const SHELLS: ReadonlySet<string> = new Set(['sh', 'bash', 'zsh', 'dash', 'python', 'python3', 'node', 'perl', 'ruby']);
/** Options of `git` itself that take the word behind them. */
const GIT_WITH_WORD: ReadonlySet<string> = new Set(['-C', '-c', '--git-dir', '--work-tree', '--namespace']);

function gitGraves(words: readonly string[]): Grave[] {
  let at = 0;
  while (words[at]?.startsWith('-') === true) at += GIT_WITH_WORD.has(words[at] ?? '') ? 2 : 1;
  const [verb = '', ...rest] = words.slice(at);
  // git takes any beginning of a long option that means one only.
  if (verb === 'push' && rest.some(isForced)) return ['forcePush'];
  if (verb === 'reset' && rest.some((word) => word.startsWith('--h'))) return ['hardReset'];
  if (verb === 'clean' && rest.some((word) => /^-[a-zA-Z]*f/.test(word) || word.startsWith('--f'))) return ['clean'];
  return [];
}

const isForced = (word: string): boolean =>
  /^--(?:for|mi|de|pru)/.test(word) || /^-[a-zA-Z]*[fd]/.test(word) || /^[+:]./.test(word);

/** `cwd` null: it is not known where the command stands. */
function removesOutside(words: readonly string[], cwd: string | null): boolean {
  if (!words.some((word) => /^-[a-zA-Z]*[rR]/.test(word) || word.startsWith('--r'))) return false;
  const targets = words.filter((word) => !word.startsWith('-'));
  return targets.length === 0 || targets.some((target) => !isInside(target, cwd));
}

function isInside(target: string, cwd: string | null): boolean {
  if (cwd === null || /[$~*?[]/.test(target) || target.split('/').includes('..')) return false;
  if (target.startsWith('/')) return target.startsWith(`${cwd.replace(/\/$/, '')}/`) && target.length > cwd.length + 1;
  return !/^[./]*$/.test(target);
}

/** A shell behind a pipe whose beginning downloads, or one that is given what a substitution downloads. */
function isPipedDownload(command: string): boolean {
  if (/(?:[$<]\(|`)[ \t]*(?:curl|wget)\b/.test(command) && /\b(?:sh|bash|zsh|dash|eval|source)\b/.test(command))
    return true;
  return command.split(/[;\n]|&&/).some((line) => {
    const stages = line.split('|').map((stage) => looseParts(stage)[0] ?? []);
    const first = stages.findIndex((words) => words.includes('curl') || words.includes('wget'));
    if (first === -1) return false;
    return stages
      .slice(first + 1)
      .some((words) => words.some((word) => SHELLS.has(word.slice(word.lastIndexOf('/') + 1))));
  });
}
