/**
 * Refs of attempts that are long over. What a delivered bundle or the origin holds is dropped first; what nothing else holds stays longer. Only
 * refs that skep made are touched, each only if it still stands where it was seen; the fence of a task is never dropped.
 */
import { join } from 'node:path';
import type { OpId } from '#core/brand.ts';
import { parsedOpId } from '#core/brand.ts';
import { readFacts } from './clone.ts';
import { LIST_MAX_BYTES, TRANSFER_TIMEOUT_MS } from './git.ts';
import type { AttemptId } from './layout.ts';
import { refs } from './layout.ts';
import { inspectOrigin, isThere } from './origin.ts';
import { listRecords } from './record.ts';
import type { WorkspaceRefusal } from './refusal.ts';
import { gitFailed } from './refusal.ts';
import { Repository } from './repository.ts';
import type { Room } from './room.ts';

/** `held`: what a bundle among the blobs, or the origin, holds may go; `all`: also what nothing else holds. */
export type Retention = 'keep' | 'held' | 'all';

export type RetentionRequest = {
  /** The id of a project, or `loose`. */
  name: string;
  of: (task: OpId) => Promise<Retention>;
};

/** Tasks looked at in one pass over a repository: each costs a few calls of git. The next pass goes on. */
const TASKS_MAX = 200;
/** Objects that no ref holds any more stay so long: whoever finds out that something is missed has the time. */
const PRUNE_AFTER = '2.weeks.ago';

const REF = /^refs\/skep\/(base|salvage|left|delivered)\/([0-9a-f]{32}-[0-9]{1,16})\/([0-9]{1,3})$/;

type Kind = 'base' | 'salvage' | 'left' | 'delivered';
type Held = { kind: Kind; id: AttemptId; ref: string; commit: string };
type Drop = { ref: string; commit: string };

/** Drops what may go from one repository of this node, and from the branches that it shows in an origin on this node. Safe to repeat. */
export async function dropOldRefs(room: Room, o: RetentionRequest): Promise<{ dropped: number } | WorkspaceRefusal> {
  const gitDir = join(room.layout.projects, `${o.name}.git`);
  if (!(await isThere(join(gitDir, 'HEAD')))) return { dropped: 0 };
  const repository = new Repository(room.git, { gitDir });
  const held = await attemptRefs(repository);
  if ('refused' in held) return held;
  const inUse = new Set((await listRecords(room.layout)).map(({ task }) => task));
  const drops: Drop[] = [];
  let tasks = 0;
  for (const [task, own] of Map.groupBy(held, ({ id }) => id.task)) {
    const retention = inUse.has(task) ? 'keep' : await o.of(task);
    if (retention === 'keep') continue;
    for (const one of own) if (await mayGo(repository, one, { own, retention })) drops.push(one);
    tasks += 1;
    if (tasks >= TASKS_MAX) break;
  }
  if (drops.length === 0) return { dropped: 0 };
  const shown = await dropShown(room, o.name, drops);
  if ('refused' in shown) return shown;
  const gone = drops.filter(({ ref }) => !shown.kept.has(ref));
  const failed = await drop(repository, gone);
  if (failed !== undefined) return failed;
  const collected = await repository.run(['gc', '--quiet', `--prune=${PRUNE_AFTER}`], {
    timeoutMs: TRANSFER_TIMEOUT_MS,
  });
  if (!collected.ok) return gitFailed('collect what no ref holds', collected);
  return { dropped: gone.length + shown.dropped };
}

async function attemptRefs(repository: Repository): Promise<Held[] | WorkspaceRefusal> {
  const format = '--format=%(objectname) %(refname)';
  const listed = await repository.run(['for-each-ref', format, 'refs/skep/'], { outputMaxBytes: LIST_MAX_BYTES });
  if (!listed.ok) return gitFailed('list the refs of attempts', listed);
  return listed.out.split('\n').flatMap((line): Held[] => {
    const space = line.indexOf(' ');
    const [commit, ref] = [line.slice(0, space), line.slice(space + 1)];
    const [, kind, task, attempt] = REF.exec(ref) ?? [];
    if (task === undefined || !isKind(kind)) return [];
    return [{ kind, id: { task: parsedOpId(task), attempt: Number(attempt) }, ref, commit }];
  });
}

const isKind = (text: string | undefined): text is Kind =>
  text === 'base' || text === 'salvage' || text === 'left' || text === 'delivered';

/** A delivered commit is in its bundle, which builds on the base; anything else must be part of what was delivered, or of the origin. */
async function mayGo(
  repository: Repository,
  one: Held,
  { own, retention }: { own: readonly Held[]; retention: Retention },
): Promise<boolean> {
  if (one.kind === 'delivered') return isInOrigin(repository, await repository.commit(refs.base(one.id)));
  if (one.kind !== 'base' && retention === 'all') return true;
  const delivered = own.find((other) => other.kind === 'delivered' && other.id.attempt === one.id.attempt);
  const isPart =
    one.kind !== 'base' &&
    delivered !== undefined &&
    (await repository.contains({ ancestor: one.commit, descendant: delivered.commit }));
  return isPart || isInOrigin(repository, one.commit);
}

/** True also for no commit: at home a delivered bundle is unpacked onto what the origin holds. */
async function isInOrigin(repository: Repository, commit: string | undefined): Promise<boolean> {
  if (commit === undefined) return true;
  const beyond = await repository.run(['rev-list', '--max-count=1', commit, '--not', '--remotes=origin', '--']);
  return beyond.ok && beyond.out === '';
}

/**
 * Branches `skep/<task>/<attempt>` in an origin on this node that stand where skep put them go with the delivered refs. One that was moved is the
 * user's now; one that is checked out stays, and its delivered ref with it.
 */
async function dropShown(
  room: Room,
  name: string,
  drops: readonly (Drop & Partial<Held>)[],
): Promise<{ dropped: number; kept: ReadonlySet<string> } | WorkspaceRefusal> {
  const none = { dropped: 0, kept: new Set<string>() };
  const delivered = drops.flatMap(({ kind, id, ref, commit }) =>
    kind === 'delivered' && id !== undefined ? [{ ref, branch: refs.branch(id), commit }] : [],
  );
  const origin = name === 'loose' ? undefined : (await readFacts(room, parsedOpId(name)))?.originPath;
  if (delivered.length === 0 || origin === undefined || origin === null || !(await isThere(origin))) return none;
  const found = await inspectOrigin(room.git, origin);
  if ('refused' in found) return none;
  const { repository } = found;
  const checkouts = await repository.checkouts();
  if ('refused' in checkouts) return checkouts;
  const looked = new Set(checkouts.flatMap(({ branch }) => branch ?? []));
  const kept = new Set(delivered.flatMap(({ ref, branch }) => (looked.has(branch) ? [ref] : [])));
  const gone: Drop[] = [];
  for (const { branch, commit } of delivered)
    if (!looked.has(branch) && (await repository.commit(branch)) === commit) gone.push({ ref: branch, commit });
  const failed = await drop(repository, gone);
  return failed ?? { dropped: gone.length, kept };
}

/** All of them or none: git refuses where one has moved meanwhile. */
async function drop(repository: Repository, drops: readonly Drop[]): Promise<WorkspaceRefusal | undefined> {
  if (drops.length === 0) return undefined;
  const input = drops.map(({ ref, commit }) => `delete ${ref} ${commit}\n`).join('');
  const dropped = await repository.run(['update-ref', '--stdin'], { input });
  return dropped.ok ? undefined : gitFailed('drop old refs', dropped);
}
