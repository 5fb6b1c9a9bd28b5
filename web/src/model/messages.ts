/** What was said to one reader or in one channel: the newest asked for, earlier ones by pages, and what is heard meanwhile. */
import { useEffect, useMemo, useRef, useState } from 'react';
import { api, sayError } from './api.ts';
import type { Message } from './frame.ts';
import type { Held } from './message-list.ts';
import { compareMessages, KEPT_MAX, nothingOf, PAGE, withEarlier, withHeard, withNewest } from './message-list.ts';
import { useSwarm } from './store.ts';

/** Between two questions for what is new, where the stream does not bring it. */
const GAP_MS = 250;

/** Earlier ones: the list moves on while it is read, so a page may bring what is here already. */
async function earlier(held: Held): Promise<Message[]> {
  for (let offset = held.messages.size; offset < KEPT_MAX; offset += PAGE) {
    const page = await api<Message[]>('GET', `${held.path}&limit=${PAGE}&offset=${offset}`);
    if (page.length < PAGE || page.some(({ id }) => !held.messages.has(id))) return page;
  }
  return [];
}

export type Place = {
  /** As the node calls it: `#general`, `operator`, an agent's id, `@3f1c…`. */
  to: string;
  /** Only this conversation. */
  thread: string | undefined;
  /** The stream brings what is said there. */
  isOpen: boolean;
};

export type Messages = Pick<Held, 'hasOlder' | 'isAsking' | 'said' | 'isLoaded'> & {
  /** Oldest first. */
  messages: readonly Message[];
  older: () => void;
};

/** `look`: asked again when it is another one. */
export function useMessages({ to, thread, isOpen }: Place, look: number): Messages {
  const about = thread === undefined ? '' : `&thread=${encodeURIComponent(thread)}`;
  const path = `api/messages?to=${encodeURIComponent(to)}${about}`;
  const [state, setState] = useState(() => nothingOf(path));
  const held = state.path === path ? state : nothingOf(path);
  const change = (next: (before: Held) => Held): void =>
    setState((before) => next(before.path === path ? before : nothingOf(path)));
  const asked = useRef({ count: 0, path: '', atMs: -Infinity });
  const snapshots = useSwarm((swarm) => swarm.snapshots);
  const news = useSwarm((swarm) => (isOpen ? swarm.said.lost : swarm.said.mailChanged));
  useEffect(() => {
    const { path: before, atMs } = asked.current;
    const waitMs = before === path ? Math.max(0, atMs + GAP_MS - performance.now()) : 0;
    const timer = window.setTimeout(() => {
      const question = asked.current.count + 1;
      asked.current = { count: question, path, atMs: performance.now() };
      api<Message[]>('GET', `${path}&limit=${PAGE}`).then(
        (page) => change((now) => withNewest(now, page, question)),
        (error: unknown) => change((now) => ({ ...now, said: sayError(error) })),
      );
    }, waitMs);
    return () => clearTimeout(timer);
  }, [path, snapshots, news, look]);
  const heard = useSwarm((swarm) => swarm.said.messages);
  useEffect(() => {
    const mine = [...heard.values()].filter(
      (one) => one.to === to && (thread === undefined || one.thread === thread || one.id === thread),
    );
    if (mine.length > 0) change((now) => withHeard(now, mine));
  }, [path, heard]);
  const older = (): void => {
    if (held.isAsking) return;
    change((now) => ({ ...now, isAsking: true, said: '' }));
    earlier(held).then(
      (page) => change((now) => withEarlier(now, page)),
      (error: unknown) => change((now) => ({ ...now, isAsking: false, said: sayError(error) })),
    );
  };
  const messages = useMemo(() => [...held.messages.values()].toSorted(compareMessages), [held.messages]);
  const { hasOlder, isAsking, said, isLoaded } = held;
  return { messages, hasOlder, isAsking, said, isLoaded, older };
}
