/** A git repository to try things on: made once, with an identity of its own, so that it works where git knows nobody. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** One git command on an empty repository. */
const GIT_WITHIN_MS = 30_000;

const README = `# demo

A repository to try skep on. Tasks of the project "demo" work in worktrees of their own; what they commit comes back
here as a branch skep/<task>/<attempt>. \`skep task diff last\` shows it, \`skep task merge last\` merges it.
`;

/** Whatever the user's own git is set up to do (sign, run hooks, ask for a password) must not happen here. */
const SETTINGS = {
  'user.name': 'skep demo',
  'user.email': 'demo@skep.invalid',
  'commit.gpgsign': 'false',
  'core.hooksPath': '.git/no-hooks',
};

/** Path of the repository `<dataDir>/demo`. One that is there is left as it is. A failure names the git command. */
export async function makeDemoRepository(
  dataDir: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<string> {
  const path = join(dataDir, 'demo');
  if (existsSync(join(path, '.git'))) return path;
  // Made beside its place and moved there when whole: a start that was interrupted leaves no half of it.
  const draft = `${path}.new`;
  await rm(draft, { recursive: true, force: true });
  await mkdir(draft, { recursive: true });
  const git = gitIn(draft, env);
  await git('init', '--quiet', '--initial-branch=main');
  for (const [name, value] of Object.entries(SETTINGS)) await git('config', name, value);
  await writeFile(join(draft, 'README.md'), README);
  await git('add', 'README.md');
  await git('commit', '--quiet', '--message', 'Begin');
  await rename(draft, path);
  return path;
}

type Git = (...args: string[]) => Promise<unknown>;

function gitIn(cwd: string, env: Readonly<Record<string, string | undefined>>): Git {
  // GIT_DIR and its kin would send these commands to another repository: npm start may run in a hook.
  const own = Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('GIT_')));
  const run = promisify(execFile);
  return (...args) => run('git', args, { cwd, env: own, timeout: GIT_WITHIN_MS });
}
