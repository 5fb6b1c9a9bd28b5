/** What an agent did, entry by entry: the newest first asked for, older ones on demand, and what is new as it comes. */
import { useCallback, useEffect, useRef, useState } from 'react';
import type { ContextUse, Conversation, Entry, Transcript } from '../../../src/core/schema/transcript.ts';
import { api, sayError } from './api.ts';
import { mergeEntries } from './entries.ts';
import { follow } from './stream.ts';
import { useStore } from './store.ts';

/** Entries asked for at once. */
const PAGE = 200;
/** What is kept here of a long transcript; the rest is at the agent's node. */
const ENTRIES_KEPT_MAX = 5_000;
/** Between two questions for what is new: more than a reader can see. */
const GAP_MS = 250;

export type TranscriptState = {
  entries: readonly Entry[];
  attempt: number | undefined;
  context: ContextUse | null;
  /** Its tool goes on with it by that name. */
  conversation: Conversation | null;
  /** There are older ones at the node. */
  hasOlder: boolean;
  isAsking: boolean;
  said: string;
  older: () => void;
};

type Held = Pick<
  TranscriptState,
  'entries' | 'attempt' | 'context' | 'conversation' | 'hasOlder' | 'isAsking' | 'said'
> & {
  change: number;
};

const NOTHING: Held = {
  entries: [],
  attempt: undefined,
  context: null,
  conversation: null,
  hasOlder: false,
  isAsking: false,
  said: 'Asking …',
  change: 0,
};

/** As the newest page of it says. */
const begun = (told: Transcript): Held => ({
  ...NOTHING,
  entries: told.entries,
  attempt: told.attempt,
  context: told.context,
  conversation: told.conversation,
  hasOlder: told.more,
  said: told.entries.length === 0 ? 'Nothing yet.' : '',
  change: told.change,
});

/** `path`: of the route, without its query. `task`: the one at work, whose news are followed; null: none is. */
export function useTranscript(path: string, task: string | null): TranscriptState {
  const [state, setState] = useState<Held>(NOTHING);
  const held = useRef(NOTHING);
  const set = useCallback((next: Held): void => {
    held.current = next;
    setState(next);
  }, []);
  useEffect(() => {
    set(NOTHING);
    return followed({ path, task, get: () => held.current, set });
  }, [path, task, set]);
  const older = useCallback((): void => {
    const { isAsking, entries } = held.current;
    const first = entries[0]?.n;
    if (isAsking || first === undefined) return;
    set({ ...held.current, isAsking: true });
    ask(path, { before: first }).then(
      (told) => {
        const next = held.current;
        const merged = told.attempt === next.attempt ? mergeEntries(next.entries, told.entries) : next.entries;
        set({ ...next, entries: merged, hasOlder: told.more && merged.length < ENTRIES_KEPT_MAX, isAsking: false });
      },
      (error: unknown) => set({ ...held.current, isAsking: false, said: sayError(error) }),
    );
  }, [path, set]);
  return { ...state, older };
}

const ask = (path: string, query: Record<string, number>): Promise<Transcript> => {
  const asked = Object.entries({ limit: PAGE, ...query }).map(([name, value]) => `${name}=${value}`);
  return api<Transcript>('GET', `${path}${path.includes('?') ? '&' : '?'}${asked.join('&')}`);
};

type Following = { path: string; task: string | null; get: () => Held; set: (next: Held) => void };

/** One question at a time; what is told meanwhile is asked for next. */
function followed({ path, task, get, set }: Following): () => void {
  let isOver = false;
  let isBusy = false;
  let wanted = 0;
  let timer: number | undefined;
  const take = (told: Transcript): void => {
    const held = get();
    if (held.attempt !== told.attempt) return set(begun(told));
    const entries = mergeEntries(held.entries, told.entries);
    const isCut = entries.length > ENTRIES_KEPT_MAX;
    set({
      ...held,
      entries: isCut ? entries.slice(-ENTRIES_KEPT_MAX) : entries,
      hasOlder: held.hasOlder || isCut,
      context: told.context,
      conversation: told.conversation,
      said: '',
      change: told.entries.reduce((highest, { change }) => Math.max(highest, change), held.change),
    });
    if (told.more) wanted = Infinity;
  };
  const catchUp = (): void => {
    const { attempt, change } = get();
    if (isOver || isBusy || (attempt !== undefined && wanted <= change)) return;
    isBusy = true;
    wanted = 0;
    const query: Record<string, number> = attempt === undefined ? {} : { after: change };
    ask(path, query)
      .then(
        (told) => isOver || take(told),
        (error: unknown) => isOver || set({ ...get(), said: sayError(error) }),
      )
      .finally(() => {
        timer = window.setTimeout(() => {
          isBusy = false;
          catchUp();
        }, GAP_MS);
      });
  };
  const stop =
    task === null
      ? undefined
      : listen(task, (change) => {
          wanted = Math.max(wanted, change);
          catchUp();
        });
  catchUp();
  return () => {
    isOver = true;
    clearTimeout(timer);
    stop?.();
  };
}

/** Calls back with how far the transcript of a task has come; also when the connection is there again. */
function listen(task: string, told: (change: number) => void): () => void {
  let cursor = useStore.getState().swarm.cursor;
  return follow(
    {
      frames: (frames) => {
        for (const frame of frames) {
          if ('id' in frame && frame.id !== undefined) cursor = frame.id;
          if (frame.type !== 'task_event' || frame.event !== 'task_output' || frame.data === null) continue;
          if ('transcript' in frame.data && frame.data.task_id === task) told(frame.data.transcript ?? 0);
        }
      },
      connection: (state) => state === 'live' && told(Infinity),
      stopped: () => undefined,
      heard: () => undefined,
      loggedOut: () => undefined,
      cursor: () => cursor,
    },
    { task },
  );
}
