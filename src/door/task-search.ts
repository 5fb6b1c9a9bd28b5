/** Looks through all tasks that this node knows. */
import { holdsAll, wordsOf } from '#core/task/words.ts';
import type { Door } from './door.ts';
import { eachTask } from './each-task.ts';
import type { KnownTask, PublicStatus } from './json/task.ts';
import { holderNow, publicStatusOf } from './json/task.ts';
import { headOf, shortId } from './json/text.ts';
import type { DoorRefusal } from './refusal.ts';
import { refused } from './refusal.ts';

/** Tasks that one search looks through: some seconds of a node that does other things between. */
const SEARCHED_MAX = 100_000;

/** Open tasks, then those that ended. */
const KINDS: readonly (0 | 1)[] = [1, 0];

export type TaskSearch = {
  /** Words that must all occur in title, id, alias, description (of a long one, its beginning), capabilities, or the names of agent and node. */
  q: string;
  status: PublicStatus | undefined;
  project: string | undefined;
  limit: number;
  offset: number;
};

const isOpen = (status: PublicStatus): boolean =>
  status === 'pending' || status === 'claimed' || status === 'in_progress';

/** One page of what is found: open tasks first, each the newest first. Refused where there are more than {@link SEARCHED_MAX} to look through. */
export async function searchTasks(
  search: TaskSearch,
  door: Door,
  searchedMax = SEARCHED_MAX,
): Promise<KnownTask[] | DoorRefusal> {
  const { status, limit, offset } = search;
  const kinds = KINDS.filter((open) => status === undefined || isOpen(status) === (open === 1));
  const count = kinds.reduce((sum: number, open) => sum + door.node.store.count('task', { open }), 0);
  if (count > searchedMax) {
    const expected = `a status, of which there are at most ${searchedMax} tasks`;
    return refused('too_large', 'there are more tasks than one search looks through', { expected, got: String(count) });
  }
  const isFound = matcherOf(search, door);
  const found: KnownTask[] = [];
  let skipped = 0;
  const look = (row: KnownTask): boolean => {
    if (!isFound(row)) return false;
    if (skipped < offset) skipped += 1;
    else found.push(row);
    return found.length === limit;
  };
  for (const open of kinds) if (found.length < limit) await eachTask({ open, max: searchedMax, door, look });
  return found;
}

function matcherOf({ q, status, project }: TaskSearch, door: Door): (row: KnownTask) => boolean {
  const words = wordsOf(q);
  return (row) => {
    const { created } = row;
    if (project !== undefined && created.project !== project) return false;
    if (status !== undefined && publicStatusOf(row) !== status) return false;
    if (words.length === 0) return true;
    const holder = holderNow(row);
    const names = holder === undefined ? [] : [door.roster.agentName(holder.agent), door.roster.nodeName(holder.node)];
    const ids = [row.id, shortId(row.id), created.alias ?? ''];
    const texts = [created.title, headOf(created.description), ...created.requiredCapabilities];
    return holdsAll([...ids, ...texts, ...names], words);
  };
}
