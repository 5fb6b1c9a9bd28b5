/** What a worker leaves when its time is over: the agent's work as a commit and a bundle, and notes for whoever goes on. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Runtime } from '#ports.ts';

/** Slurm itself gives 30 s between SIGTERM and SIGKILL, of which the agent's end takes some. */
const GIT_MAX_MS = 8_000;

export type Notes = {
  job: string;
  node: number;
  atMs: number;
  reason: string;
  thread: string | null;
  /** Messages that were given to the agent, or were to be, and are not done with. */
  unfinished: readonly string[];
};

/** Never throws: what could not be done stands in the notes, and is returned as a line for people. */
export async function checkpoint(o: {
  runtime: Runtime;
  cwd: string;
  env: Readonly<Record<string, string>>;
  directory: string;
  notes: Notes;
}): Promise<string> {
  const { runtime, cwd, env, directory, notes } = o;
  const git = async (...args: string[]): Promise<string | undefined> => {
    const { exit, stdout } = await runtime.exec(['git', ...args], { cwd, env, timeoutMs: GIT_MAX_MS });
    return exit.code === 0 ? stdout.trim() : undefined;
  };
  let head: string | null = null;
  let work = 'the directory is no repository: it stays as it is';
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    if ((await git('rev-parse', '--is-inside-work-tree')) === 'true') {
      const isDirty = (await git('status', '--porcelain')) !== '';
      const by = ['-c', 'user.name=skep', '-c', `user.email=skep@${notes.job}`];
      const isKept =
        !isDirty ||
        ((await git('add', '-A')) !== undefined &&
          (await git(...by, 'commit', '-q', '--no-verify', '-m', `Checkpoint: ${notes.reason}`)) !== undefined);
      head = (await git('rev-parse', 'HEAD')) ?? null;
      const bundle = join(directory, 'work.bundle');
      const isBundled = head !== null && (await git('bundle', 'create', '-q', bundle, 'HEAD')) !== undefined;
      work = `${isKept ? 'all is committed' : 'not all could be committed'}; ${isBundled ? bundle : 'no bundle'}`;
    }
    writeFileSync(join(directory, 'notes.json'), `${JSON.stringify({ ...notes, head, work })}\n`, { flush: true });
    return work;
  } catch (error) {
    return `no checkpoint: ${error instanceof Error ? error.message : String(error)}`;
  }
}
