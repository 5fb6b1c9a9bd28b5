/** The repository in which delivered work of a task is kept, and where that repository merges to. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { OpId } from '#core/brand.ts';
import { readFacts } from './clone.ts';
import { inspectFolder, isThere } from './origin.ts';
import type { WorkspaceRefusal } from './refusal.ts';
import { gitFailed, refusal } from './refusal.ts';
import { Repository } from './repository.ts';
import type { Room } from './room.ts';

export type Where =
  | { kind: 'project'; id: OpId }
  /** A task's plain path that lies in a repository on this node. */
  | { kind: 'path'; path: string }
  /** A plain path of another node: its work is kept by itself, and can be shown when its bundle was whole. */
  | { kind: 'loose' };

export type Place = {
  repository: Repository;
  /** What is pushed to: a URL, a path, or the repository itself; undefined where this node has nothing to merge into. */
  remote: string | undefined;
  /** The origin as a path on this node, other than the repository itself. */
  originPath: string | undefined;
};

export async function openPlace(room: Room, where: Where): Promise<Place | WorkspaceRefusal> {
  switch (where.kind) {
    case 'project':
      return openProject(room, where.id);
    case 'path':
      return openPath(room, where.path);
    case 'loose': {
      const repository = await openLoose(room);
      return 'refused' in repository ? repository : { repository, remote: undefined, originPath: undefined };
    }
  }
}

async function openProject(room: Room, id: OpId): Promise<Place | WorkspaceRefusal> {
  const facts = await readFacts(room, id);
  if (facts === undefined)
    return refusal('project_missing', 'this node has no clone of the project', {
      expected: 'ensureProject first',
      got: id,
    });
  const repository = new Repository(room.git, { gitDir: room.layout.clone(id) });
  return { repository, remote: facts.url ?? undefined, originPath: facts.originPath ?? undefined };
}

async function openPath(room: Room, path: string): Promise<Place | WorkspaceRefusal> {
  const folder = await inspectFolder(room.git, path);
  if ('refused' in folder) return folder;
  if (folder.kind === 'missing') return refusal('path_missing', 'this node has no such folder', { got: path });
  if (folder.kind === 'plain') return refusal('not_a_repository', 'the folder is not a git repository', { got: path });
  const repository = new Repository(room.git, { gitDir: folder.gitDir });
  return { repository, remote: folder.gitDir, originPath: undefined };
}

/** The repository for what belongs to no project, made when it is first needed. */
export async function openLoose(room: Room): Promise<Repository | WorkspaceRefusal> {
  const gitDir = room.layout.loose;
  const repository = new Repository(room.git, { gitDir });
  if (await isThere(join(gitDir, 'HEAD'))) return repository;
  await mkdir(gitDir, { recursive: true });
  const made = await repository.run(['init', '--quiet', '--bare', '--template=']);
  return made.ok ? repository : gitFailed('make the repository for loose work', made);
}
