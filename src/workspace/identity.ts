/** Who git says made a commit: the user of this machine where git knows one, else skep. */
import type { GitResult } from './git.ts';

export type Identity = { name: string; email: string };

/** Variables to add to git's environment where `run` runs it: none when the user has a git identity there, else `fallback`. */
export async function identityEnvironment(
  run: (args: readonly string[]) => Promise<GitResult>,
  fallback: Identity,
): Promise<Record<string, string>> {
  // Without useConfigOnly git makes up a name from the account and the machine, and calls that an identity.
  const known = await run(['-c', 'user.useConfigOnly=true', 'var', 'GIT_COMMITTER_IDENT']);
  if (known.ok) return {};
  return {
    GIT_AUTHOR_NAME: fallback.name,
    GIT_AUTHOR_EMAIL: fallback.email,
    GIT_COMMITTER_NAME: fallback.name,
    GIT_COMMITTER_EMAIL: fallback.email,
  };
}
