/** A folder with real repositories and nodes in it, and a git that knows nothing of this machine's user. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { opIdOf } from '#core/brand.ts';
import type { ProjectReady } from '#workspace/clone.ts';
import type { DeliveredWork } from '#workspace/deliver.ts';
import type { AttemptId } from '#workspace/layout.ts';
import type { PreparedWorktree } from '#workspace/record.ts';
import type { WorkspaceRefusal } from '#workspace/refusal.ts';
import { isRefusal } from '#workspace/refusal.ts';
import { Workspaces } from '#workspace/workspaces.ts';

export const PROJECT = opIdOf('a'.repeat(32), 7);
export const TASK = opIdOf('b'.repeat(32), 1);
export const FIRST: AttemptId = { task: TASK, attempt: 1 };
export const SECOND: AttemptId = { task: TASK, attempt: 2 };

/** The answer; a refusal fails the test with its words. */
export function good<T extends object>(answer: T | WorkspaceRefusal): T {
  if (isRefusal(answer)) throw new Error(`refused: ${JSON.stringify(answer)}`);
  return answer;
}

/** The refusal; an answer fails the test. */
export function refused<T extends object>(answer: T | WorkspaceRefusal): WorkspaceRefusal {
  if (!isRefusal(answer)) throw new Error(`not refused: ${JSON.stringify(answer)}`);
  return answer;
}

export class Lab {
  readonly top: string;
  readonly environment: Record<string, string>;
  readonly #nodes: Workspaces[] = [];

  constructor(o: { identity: boolean } = { identity: true }) {
    this.top = realpathSync(mkdtempSync(join(tmpdir(), 'skep-work-')));
    const config = join(this.top, 'gitconfig');
    const user = o.identity ? '[user]\nname = Ada\nemail = ada@example.org\n' : '';
    // Nothing here outlives the test, so git need not wait for the disk.
    writeFileSync(config, `${user}[core]\nfsync = none\n`);
    this.environment = { PATH: process.env.PATH ?? '', HOME: this.top, GIT_CONFIG_GLOBAL: config };
  }

  path(...parts: string[]): string {
    return join(this.top, ...parts);
  }

  /** Runs git as a person or an agent would; throws where it fails. */
  git(cwd: string, ...args: string[]): string {
    const author = { GIT_AUTHOR_NAME: 'Bob', GIT_AUTHOR_EMAIL: 'bob@example.org' };
    const committer = { GIT_COMMITTER_NAME: 'Bob', GIT_COMMITTER_EMAIL: 'bob@example.org' };
    const env = { ...this.environment, ...author, ...committer, GIT_CONFIG_NOSYSTEM: '1' };
    return execFileSync('git', args, { cwd, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trimEnd();
  }

  write(cwd: string, files: Record<string, string>): void {
    for (const [name, content] of Object.entries(files)) {
      mkdirSync(dirname(join(cwd, name)), { recursive: true });
      writeFileSync(join(cwd, name), content);
    }
  }

  commit(cwd: string, files: Record<string, string>, message = 'a commit'): string {
    this.write(cwd, files);
    this.git(cwd, 'add', '--all');
    this.git(cwd, 'commit', '--quiet', '--message', message);
    return this.git(cwd, 'rev-parse', 'HEAD');
  }

  /** A repository with one commit on `main`. */
  repository(name: string, files: Record<string, string> = { 'README.md': 'one\n' }): string {
    const path = this.path(name);
    mkdirSync(path, { recursive: true });
    this.git(path, 'init', '--quiet', '--initial-branch=main');
    this.commit(path, files, 'first');
    return path;
  }

  /** A bare copy of it, as a server would hold. */
  bare(from: string, name: string): string {
    this.git(this.top, 'clone', '--quiet', '--bare', from, this.path(name));
    return this.path(name);
  }

  async node(name: string): Promise<Workspaces> {
    const node = good(
      await Workspaces.open({
        stateDir: this.path(name),
        identity: { name: 'skep', email: 'skep@localhost' },
        environment: this.environment,
      }),
    );
    this.#nodes.push(node);
    return node;
  }

  /** A worktree of the project at `origin`, for an attempt at `node`. */
  async worktree(node: Workspaces, origin: string, id: AttemptId = FIRST): Promise<PreparedWorktree> {
    const { base } = await this.ensure(node, origin);
    const answer = good(await node.prepare({ ...id, source: { kind: 'project', id: PROJECT, base } }));
    if (answer.prepared.kind !== 'worktree') throw new Error('no worktree');
    return answer.prepared;
  }

  async ensure(node: Workspaces, origin: string, base: string | null = null): Promise<ProjectReady> {
    return good(await node.ensureProject({ id: PROJECT, name: 'demo', origin, originIsHere: true, base }));
  }

  /** Work of one attempt, made and delivered at `node`, from what the origin holds now. */
  async delivered(
    node: Workspaces,
    origin: string,
    o: { id: AttemptId; files: Record<string, string> },
  ): Promise<DeliveredWork> {
    const prepared = await this.worktree(node, origin, o.id);
    this.write(prepared.cwd, o.files);
    const delivery = good(await node.deliver(prepared));
    if (delivery.work === undefined) throw new Error('no work');
    const { work, bundlePath } = delivery;
    good(await node.receive({ ...o.id, where: { kind: 'project', id: PROJECT }, bundlePath, work }));
    return work;
  }

  async close(): Promise<void> {
    await Promise.all(this.#nodes.map((node) => node.close()));
    rmSync(this.top, { recursive: true, force: true });
  }
}
