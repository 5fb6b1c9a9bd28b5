/** Tasks that the page does not follow: found by the node where somebody filters, and asked for in pages where somebody wants to see more. */
import { useEffect, useMemo, useState } from 'react';
import { api, sayError } from './api.ts';
import type { Task } from './frame.ts';
import { useSwarm } from './store.ts';
import type { Filter } from './tasks.ts';
import { queryOf } from './tasks.ts';

/** As many as the node gives at once. */
const PAGE = 1_000;
/** More than a browser should hold, and than anybody looks through: a filter finds the others. */
const OLDER_MAX = 20_000;
/** After the last letter: a node is not asked for every one. */
const TYPED_MS = 250;

export type OlderTasks = {
  /** All that are here: those that are followed, and those that were asked for. */
  tasks: ReadonlyMap<string, Task>;
  /** How many the node knows that are not here; of those that a filter finds nobody knows before. */
  missing: number;
  isFiltered: boolean;
  /** The node has, or may have, more that are like that. */
  hasMore: boolean;
  isAsking: boolean;
  said: string;
  ask: () => void;
};

/** What was asked for with one query; another query begins anew. */
type Asked = {
  query: string | undefined;
  tasks: ReadonlyMap<string, Task>;
  offset: number;
  isAll: boolean;
  isAsking: boolean;
  said: string;
};

const nothing = (query: string | undefined): Asked => ({
  query,
  tasks: new Map(),
  offset: 0,
  isAll: false,
  isAsking: false,
  said: '',
});

/** `live`: those that are followed; they go before what was asked for, which may be out of date. */
export function useOlder(live: ReadonlyMap<string, Task>, filter: Filter): OlderTasks {
  const total = useSwarm((swarm) => swarm.node?.tasks.total ?? 0);
  const query = queryOf(filter);
  const [held, setHeld] = useState<Asked>(nothing(query));
  const asked = held.query === query ? held : nothing(query);
  const tasks = useMemo(
    () => (asked.tasks.size === 0 ? live : new Map([...asked.tasks, ...live])),
    [asked.tasks, live],
  );
  const isFiltered = query !== '';
  const hasOlder = query !== undefined && total > live.size;
  const go = async (from: Asked): Promise<void> => {
    if (from.isAsking) return;
    setHeld({ ...from, isAsking: true, said: '' });
    const next = await more(from, live).catch((error: unknown) => ({ ...from, said: sayError(error) }));
    // Meanwhile something else may have been asked for.
    setHeld((now) => (now.query === query ? next : now));
  };
  useEffect(() => {
    if (!isFiltered || !hasOlder) return undefined;
    const timer = window.setTimeout(() => void go(nothing(query)), TYPED_MS);
    return () => clearTimeout(timer);
    // What is followed changes all the time, and what was found stays found.
  }, [query, isFiltered, hasOlder]);
  return {
    tasks,
    missing: Math.max(0, total - tasks.size),
    isFiltered,
    hasMore: hasOlder && !asked.isAll,
    isAsking: asked.isAsking,
    said: asked.said,
    ask: () => void go(asked),
  };
}

/** The node may list first what is here already: goes on until a page holds something new. */
async function more(from: Asked, live: ReadonlyMap<string, Task>): Promise<Asked> {
  const tasks = new Map(from.tasks);
  let { offset } = from;
  while (tasks.size === from.tasks.size && offset < OLDER_MAX) {
    const page = await api<Task[]>('GET', `api/swarm/tasks?${from.query ?? ''}&limit=${PAGE}&offset=${offset}`);
    for (const task of page) if (!live.has(task.id)) tasks.set(task.id, task);
    offset += PAGE;
    if (page.length < PAGE) return { ...from, tasks, offset, isAll: true };
  }
  return { ...from, tasks, offset, isAll: offset >= OLDER_MAX };
}
