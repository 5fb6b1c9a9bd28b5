/** Tasks that the page does not follow: asked for in pages, when somebody wants to see them. */
import { useMemo, useState } from 'react';
import { api, sayError } from './api.ts';
import type { Task } from './frame.ts';
import { useSwarm } from './store.ts';

/** As many as the node gives at once. */
const PAGE = 1_000;
/** More than a browser should hold, and than anybody looks through: a search at the node is not there yet. */
const OLDER_MAX = 20_000;

export type OlderTasks = {
  /** All that are here: those that are followed, and those that were asked for. */
  tasks: ReadonlyMap<string, Task>;
  /** How many the node knows that are not here. */
  missing: number;
  isAsking: boolean;
  said: string;
  ask: () => void;
};

/** `live`: those that are followed; they go before what was asked for, which may be out of date. */
export function useOlder(live: ReadonlyMap<string, Task>): OlderTasks {
  const total = useSwarm((swarm) => swarm.node?.tasks.total ?? 0);
  const [asked, setAsked] = useState<ReadonlyMap<string, Task>>(new Map());
  const [offset, setOffset] = useState(0);
  const [state, setState] = useState<{ isAsking: boolean; said: string }>({ isAsking: false, said: '' });
  const tasks = useMemo(() => (asked.size === 0 ? live : new Map([...asked, ...live])), [asked, live]);
  /** The node lists the most urgent first, which are here already: goes on until a page holds something new. */
  const ask = async (): Promise<void> => {
    if (state.isAsking) return;
    setState({ isAsking: true, said: '' });
    try {
      const more = new Map(asked);
      let at = offset;
      while (more.size === asked.size && at < OLDER_MAX) {
        const page = await api<Task[]>('GET', `api/swarm/tasks?limit=${PAGE}&offset=${at}`);
        for (const task of page) if (!live.has(task.id)) more.set(task.id, task);
        at += PAGE;
        if (page.length < PAGE) break;
      }
      setOffset(at);
      setAsked(more);
      setState({ isAsking: false, said: more.size === asked.size ? 'The node has no more.' : '' });
    } catch (error) {
      setState({ isAsking: false, said: sayError(error) });
    }
  };
  return { tasks, missing: Math.max(0, total - tasks.size), ...state, ask: () => void ask() };
}
