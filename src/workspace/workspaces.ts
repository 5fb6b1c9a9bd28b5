/** The places where agents work on this node, and the way of their work home. */
import { mkdir, mkdtemp, realpath, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { OpId } from '#core/brand.ts';
import { advance, bundleAttempt } from './advance.ts';
import type { BundleFile, ProjectBundle } from './bundle.ts';
import { bundleProject, discardBundle } from './bundle.ts';
import type { ProjectReady, ProjectRequest } from './clone.ts';
import { inspectOrigin, readOrigin } from './origin.ts';
import { cloneTips, ensureProject, removeClone } from './clone.ts';
import type { Delivery } from './deliver.ts';
import { deliver } from './deliver.ts';
import type { DiffRequest } from './diff.ts';
import { diff } from './diff.ts';
import { Git } from './git.ts';
import type { Identity } from './identity.ts';
import { identityEnvironment } from './identity.ts';
import type { AttemptId } from './layout.ts';
import { Layout, branchOf } from './layout.ts';
import type { MergeAnswer, MergeRequest } from './merge.ts';
import { merge } from './merge.ts';
import type { PrepareAnswer, PrepareRequest } from './prepare.ts';
import { prepare } from './prepare.ts';
import type { FetchRequest, ReceiveRequest, Received } from './receive.ts';
import { fetchWork, receive } from './receive.ts';
import type { Prepared, PreparedWorktree } from './record.ts';
import { listRecords, readRecord } from './record.ts';
import type { WorkspaceRefusal } from './refusal.ts';
import { refusal } from './refusal.ts';
import type { RetentionRequest } from './retention.ts';
import { dropOldRefs } from './retention.ts';
import type { Room } from './room.ts';
import type { Removal } from './salvage.ts';
import { salvageAndRemove } from './salvage.ts';
import { bundleSalvaged, repositoryNames, takeLooseSalvaged, takeSalvaged } from './salvaged.ts';
import { Turns } from './turns.ts';

/** `merge-tree --write-tree`, by which merges are made without a working tree, came with it. */
const GIT_MINIMUM = [2, 38] as const;

export type WorkspacesOptions = {
  stateDir: string;
  /** Author of skep's own commits where the user has no git identity. */
  identity: Identity;
  /** Usually `process.env`: PATH, HOME, SSH_AUTH_SOCK and the like are taken from it, the rest is not seen by git. */
  environment: Readonly<Record<string, string | undefined>>;
  /** Given: a node without a usable git opens all the same, hears why, and every call that needs git is refused. */
  onUnusableGit?: ((why: WorkspaceRefusal) => void) | undefined;
};

/**
 * One a node. Every method answers with a value or a refusal; a refusal has changed nothing that matters (a fetch may have brought objects).
 * Everything may be repeated after an interruption. Calls about one project, or about one attempt, wait for one another.
 */
export class Workspaces {
  readonly #room: Room;
  readonly #turns = new Turns();

  private constructor(room: Room) {
    this.#room = room;
  }

  /** Makes the folders under `stateDir` and looks at git: `git_unusable` when it is missing or too old. */
  static async open(options: WorkspacesOptions): Promise<Workspaces | WorkspaceRefusal> {
    await mkdir(options.stateDir, { recursive: true });
    // git names folders by their real path, and what it says is compared with ours.
    const layout = new Layout(await realpath(options.stateDir));
    // Bundles and indexes on their way when the node stopped; whoever wanted them asks again.
    await rm(layout.bundles, { recursive: true, force: true });
    for (const folder of [layout.projects, layout.work, layout.bundles]) await mkdir(folder, { recursive: true });
    const git = new Git(options.environment);
    const unusable = await checkVersion(git, layout);
    if (unusable !== undefined && options.onUnusableGit === undefined) return unusable;
    const room = { git, layout, identity: options.identity };
    if (unusable === undefined) await takeLooseSalvaged(room);
    else options.onUnusableGit?.(unusable);
    return new Workspaces(room);
  }

  /** Looks whether work could start from a path of this node; a URL is only read, nobody is asked. */
  async checkOrigin(origin: string): Promise<WorkspaceRefusal | undefined> {
    const read = readOrigin(origin);
    if ('refused' in read) return read;
    const found = read.kind === 'path' ? await inspectOrigin(this.#room.git, read.path) : undefined;
    return found !== undefined && 'refused' in found ? found : undefined;
  }

  /** Clones a project or fetches into its clone; before every attempt, before `receive`, and before `merge`. */
  ensureProject(request: ProjectRequest): Promise<ProjectReady | WorkspaceRefusal> {
    return this.#turns.take(`project ${request.id}`, async () => {
      const ready = await ensureProject(this.#room, request);
      if (!('refused' in ready)) await takeSalvaged(this.#room, ready.id);
      return ready;
    });
  }

  /** At home, for a node that asks: the base branch of a project whose origin is a path here. */
  bundleProject(o: {
    origin: string;
    base: string | null;
    have?: readonly string[];
  }): Promise<ProjectBundle | WorkspaceRefusal> {
    return bundleProject(this.#room, o);
  }

  /** What this node has of a project, for `have` of `bundleProject` at its home. */
  projectTips(id: OpId): Promise<string[]> {
    return cloneTips(this.#room, id);
  }

  removeProject(o: { id: OpId; force: boolean }): Promise<{ removed: boolean } | WorkspaceRefusal> {
    return this.#turns.take(`project ${o.id}`, () => removeClone(this.#room, o));
  }

  prepare(request: PrepareRequest): Promise<PrepareAnswer | WorkspaceRefusal> {
    return this.#turns.take(branchOf(request), () => prepare(this.#room, request));
  }

  /** What was prepared for an attempt, also before this node was restarted. */
  find(id: AttemptId): Promise<Prepared | undefined> {
    return readRecord(this.#room.layout, id);
  }

  /** Everything that is prepared on this node and not removed. */
  list(): Promise<Prepared[]> {
    return listRecords(this.#room.layout);
  }

  /**
   * Variables for the agent's environment: an author for its commits where the user has none, and a wall above its folder, so that git
   * in a scratch folder never takes a repository around the state directory for its own.
   */
  async agentEnvironment(prepared: Pick<Prepared, 'cwd'>): Promise<Record<string, string>> {
    const { git, layout, identity } = this.#room;
    const wall = { GIT_CEILING_DIRECTORIES: layout.work };
    const author = await identityEnvironment(
      (args) => git.run(args, { cwd: prepared.cwd, environment: wall }),
      identity,
    );
    return { ...author, ...wall, GIT_TERMINAL_PROMPT: '0' };
  }

  deliver(prepared: Prepared): Promise<Delivery | WorkspaceRefusal> {
    return this.#turns.take(branchOf(prepared), () => deliver(this.#room, prepared));
  }

  /** What an attempt that works elsewhere begins with; removed with `discard`. */
  bundleAttempt(prepared: PreparedWorktree): Promise<BundleFile | WorkspaceRefusal> {
    return this.#turns.take(branchOf(prepared), () => bundleAttempt(this.#room, prepared));
  }

  /** Takes commits that were made elsewhere into the worktree of an attempt. */
  advance(o: Parameters<typeof advance>[1]): Promise<WorkspaceRefusal | undefined> {
    return this.#turns.take(branchOf(o.prepared), () => advance(this.#room, o));
  }

  /** A path for a bundle that comes from elsewhere; removed with `discard`. */
  async bundlePath(): Promise<string> {
    return join(await mkdtemp(join(this.#room.layout.bundles, 'b-')), 'work.bundle');
  }

  /** Removes a bundle file that this room wrote, once it is stored. Idempotent; other paths are left alone. */
  discard(bundlePath: string): Promise<void> {
    return discardBundle(this.#room.layout, bundlePath);
  }

  salvageAndRemove(prepared: Prepared): Promise<Removal | WorkspaceRefusal> {
    return this.#turns.take(branchOf(prepared), () => salvageAndRemove(this.#room, prepared));
  }

  receive(request: ReceiveRequest): Promise<Received | WorkspaceRefusal> {
    return this.#turns.take(branchOf(request), () => receive(this.#room, request));
  }

  /** This node's repositories, for {@link bundleSalvaged}. */
  repositories(): Promise<string[]> {
    return repositoryNames(this.#room);
  }

  /** For a backup: the salvaged work of one repository that nothing else holds, as bundles in `folder`, whose names it returns. */
  bundleSalvaged(o: { name: string; folder: string }): Promise<string[] | WorkspaceRefusal> {
    return this.#turns.take(`project ${o.name}`, () => bundleSalvaged(this.#room, o));
  }

  /** Drops refs of tasks that ended long ago from one of this node's repositories; `of` says what may go. */
  dropOldRefs(request: RetentionRequest): Promise<{ dropped: number } | WorkspaceRefusal> {
    return this.#turns.take(`project ${request.name}`, () => dropOldRefs(this.#room, request));
  }

  diff(request: DiffRequest): Promise<{ text: string; truncated: boolean } | WorkspaceRefusal> {
    return diff(this.#room, request);
  }

  fetch(request: FetchRequest): Promise<{ branch: string; head: string } | WorkspaceRefusal> {
    return fetchWork(this.#room, request);
  }

  merge(request: MergeRequest): Promise<MergeAnswer | WorkspaceRefusal> {
    return merge(this.#room, request);
  }

  /** Ends running git calls, whose callers get a refusal. Idempotent; bounded by git's time to end. */
  close(): Promise<void> {
    return this.#room.git.close();
  }
}

async function checkVersion(git: Git, layout: Layout): Promise<WorkspaceRefusal | undefined> {
  const [major, minor] = GIT_MINIMUM;
  const expected = `git ${major}.${minor} or newer on PATH`;
  const asked = await git.run(['version'], { cwd: layout.stateDir });
  if (!asked.ok) return refusal('git_unusable', `git does not run: ${asked.err}`, { expected });
  const [, theirMajor = 0, theirMinor = 0] = (/(\d+)\.(\d+)/.exec(asked.out) ?? []).map(Number);
  const fits = theirMajor > major || (theirMajor === major && theirMinor >= minor);
  return fits ? undefined : refusal('git_unusable', 'git is too old', { expected, got: asked.out });
}
