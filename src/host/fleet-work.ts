/**
 * Places to work on a compute node. The worktree is made here as ever, and goes there as a bundle; what the agent made comes back as one, into the same
 * worktree, from where it is delivered as all work is.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { z } from 'zod';
import { procIdOf } from '#core/brand.ts';
import type { WorkerRuntime } from '#slurm/swarm/worker-runtime.ts';
import type { NearEnd } from '#slurm/router/near-end.ts';
import type { AttemptId } from '#workspace/layout.ts';
import type { Prepared, PreparedWorktree } from '#workspace/record.ts';
import { refusal, type WorkspaceRefusal } from '#workspace/refusal.ts';
import type { Workspaces } from '#workspace/workspaces.ts';
import type { AttemptWorkspaces } from './attempt-plan.ts';
import { isRefusal } from './remote.ts';

/** Work in one file, held in memory once on its way. */
const BUNDLE_MAX_BYTES = 256 * 1024 * 1024;
const NOTES_MAX_BYTES = 1024 * 1024;
const MAKE_MAX_MS = 600_000;
const ASK_MAX_MS = 60_000;

const notesSchema = z.looseObject({ head: z.string().nullable() });

export type FleetWorkOptions = {
  /** Where it is made and delivered here. */
  own: AttemptWorkspaces;
  workspaces: Workspaces;
  runtime: WorkerRuntime;
  near: NearEnd;
  /** The shared directory, and below it the one of the job. */
  base: string;
  job: string;
};

export class FleetWork implements AttemptWorkspaces {
  readonly #o: FleetWorkOptions;

  constructor(o: FleetWorkOptions) {
    this.#o = o;
  }

  async prepare(request: Parameters<AttemptWorkspaces['prepare']>[0]): ReturnType<AttemptWorkspaces['prepare']> {
    const answer = await this.#o.own.prepare(request);
    if (isRefusal(answer)) return answer;
    const { prepared, found } = answer;
    if (prepared.kind === 'directory' || prepared.kind === 'checkout') {
      return refusal('path_missing', 'an agent on a compute node works in repositories and in empty folders', {
        expected: 'a project, or a folder with a git repository',
        got: prepared.cwd,
      });
    }
    if (found) return { prepared: this.#there(prepared), found };
    request.onStatus?.('Making the worktree on the compute node');
    const failed = await this.#make(prepared);
    return failed ?? { prepared: this.#there(prepared), found };
  }

  async find(id: AttemptId): Promise<Prepared | undefined> {
    const prepared = await this.#o.own.find(id);
    return prepared === undefined ? undefined : this.#there(prepared);
  }

  async deliver(prepared: Prepared): ReturnType<AttemptWorkspaces['deliver']> {
    const here = await this.#o.own.find(prepared);
    if (here === undefined) return refusal('worktree_broken', 'nothing was prepared for this attempt');
    if (here.kind === 'worktree') {
      const failed = await this.#bring(here, 'fresh');
      if (failed !== undefined) return failed;
    }
    return this.#o.own.deliver(here);
  }

  discard(path: string): Promise<void> {
    return this.#o.own.discard(path);
  }

  /** Of the compute node: the person's own name there, if git knows one, else skep's. */
  async agentEnvironment({ cwd }: Pick<Prepared, 'cwd'>): Promise<Record<string, string>> {
    const { base, job, runtime } = this.#o;
    const email = `skep@${job}`;
    const { exit } = await runtime.exec(['git', '-c', 'user.useConfigOnly=true', 'var', 'GIT_COMMITTER_IDENT'], {
      cwd,
      env: {},
      timeoutMs: ASK_MAX_MS,
    });
    const author: Record<string, string> =
      exit.code === 0
        ? {}
        : {
            GIT_AUTHOR_NAME: 'skep',
            GIT_AUTHOR_EMAIL: email,
            GIT_COMMITTER_NAME: 'skep',
            GIT_COMMITTER_EMAIL: email,
          };
    const wall = { GIT_CEILING_DIRECTORIES: join(base, 'runs', job, 'work'), GIT_TERMINAL_PROMPT: '0' };
    return { ...author, ...wall, PWD: cwd };
  }

  /** What could not be brought stays where it is, and is said so. */
  async salvageAndRemove(prepared: Prepared): ReturnType<AttemptWorkspaces['salvageAndRemove']> {
    const here = await this.#o.own.find(prepared);
    if (here === undefined) return { state: 'removed', salvaged: undefined };
    const failed = here.kind === 'worktree' ? await this.#bring(here, 'as it is') : undefined;
    if (failed === undefined) await this.#remove(here);
    return this.#o.own.salvageAndRemove(here);
  }

  #directory(id: AttemptId): string {
    return `runs/${this.#o.job}/work/${procIdOf(id.task, id.attempt)}`;
  }

  #tree(id: AttemptId): string {
    return join(this.#o.base, this.#directory(id), 'tree');
  }

  #there(prepared: Prepared): Prepared {
    const root = this.#tree(prepared);
    if (prepared.kind !== 'worktree') return { ...prepared, cwd: root };
    return { ...prepared, root, cwd: join(root, relative(prepared.root, prepared.cwd)), gitDir: join(root, '.git') };
  }

  async #make(prepared: Prepared): Promise<WorkspaceRefusal | undefined> {
    const { workspaces, near, runtime, base } = this.#o;
    const directory = this.#directory(prepared);
    const branch = prepared.kind === 'worktree' ? prepared.branch : 'main';
    if (prepared.kind === 'worktree') {
      const bundle = await workspaces.bundleAttempt(prepared);
      if ('refused' in bundle) return bundle;
      try {
        if (bundle.sizeBytes > BUNDLE_MAX_BYTES) return tooLarge(bundle.sizeBytes);
        await near.write(`${directory}/base.bundle`, await readFile(bundle.path));
      } finally {
        await workspaces.discard(bundle.path);
      }
    }
    const made = await runtime.exec(['sh', '-ec', MAKE, 'sh', join(base, directory), branch], {
      cwd: base,
      env: {},
      timeoutMs: MAKE_MAX_MS,
    });
    if (made.exit.code === 0) return undefined;
    const why = `${made.stderr}${made.stdout}`.trim() || (made.exit.error ?? `exit code ${made.exit.code}`);
    return refusal('worktree_broken', `the worktree could not be made on the compute node: ${why}`);
  }

  /**
   * `fresh`: the worker commits and bundles what there is now; where it is gone it has done so at its end. What was brought before comes again, which
   * changes nothing.
   */
  async #bring(here: PreparedWorktree, what: 'fresh' | 'as it is'): Promise<WorkspaceRefusal | undefined> {
    const { runtime, near, workspaces } = this.#o;
    const directory = this.#directory(here);
    if (what === 'fresh') await runtime.checkpoint(procIdOf(here.task, here.attempt), this.#tree(here));
    const head = await near.read(`${directory}/notes.json`, NOTES_MAX_BYTES).then(headIn, () => undefined);
    // Its agent was ended before it had made anything, or its worker is gone without a word.
    if (head === undefined) {
      return what === 'fresh' ? refusal('work_missing', 'the compute node left no bundle of the work') : undefined;
    }
    if (head === here.base) return undefined;
    const path = await workspaces.bundlePath();
    try {
      await writeFile(path, await near.read(`${directory}/work.bundle`, BUNDLE_MAX_BYTES));
      return await workspaces.advance({ prepared: here, bundlePath: path, head });
    } catch (error) {
      return refusal('work_missing', `the work could not be brought from the compute node: ${String(error)}`);
    } finally {
      await workspaces.discard(path);
    }
  }

  async #remove(here: Prepared): Promise<void> {
    const { runtime, base } = this.#o;
    const directory = join(base, this.#directory(here));
    const o = { cwd: base, env: {}, timeoutMs: MAKE_MAX_MS };
    await runtime.exec(['rm', '-rf', '--', directory], o).catch(() => {
      // The router is stopping: the directory of the job goes with it, by hand.
    });
  }
}

/** `$1`: the attempt's directory, `$2`: its branch. Safe to repeat before an agent began. */
const MAKE = [
  'mkdir -p "$1" && rm -rf "$1/tree"',
  'git init -q "$1/tree" && cd "$1/tree"',
  'git symbolic-ref HEAD "refs/heads/$2"',
  'if [ -e ../base.bundle ]; then git fetch -q --update-head-ok ../base.bundle "+refs/heads/$2:refs/heads/$2" && git reset -q --hard && rm ../base.bundle; fi',
].join('; ');

const headIn = (bytes: Buffer): string | undefined => notesSchema.parse(JSON.parse(bytes.toString())).head ?? undefined;

const tooLarge = (bytes: number): WorkspaceRefusal =>
  refusal('work_too_large', 'the repository is too large to travel to a compute node', {
    expected: `a bundle of at most ${BUNDLE_MAX_BYTES} bytes`,
    got: `${bytes} bytes`,
  });
