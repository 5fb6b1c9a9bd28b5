/** Messages of one query, as pages and the stream bring them. */
import type { Message } from './frame.ts';

/** Asked for at once. */
export const PAGE = 200;
/** More than a browser should hold; a search finds the others. */
export const KEPT_MAX = 5_000;

/** As the node orders them: two of one place are of two nodes. */
export const compareMessages = (a: Message, b: Message): number =>
  a.lamport_ts === b.lamport_ts ? (a.id < b.id ? -1 : 1) : a.lamport_ts - b.lamport_ts;

/** What is held of one query. */
export type Held = {
  path: string;
  messages: ReadonlyMap<string, Message>;
  /** The newest page was here. */
  isLoaded: boolean;
  hasOlder: boolean;
  isAsking: boolean;
  said: string;
  /** The question whose answer was taken last. */
  taken: number;
};

export const nothingOf = (path: string): Held => ({
  path,
  messages: new Map(),
  isLoaded: false,
  hasOlder: false,
  isAsking: false,
  said: 'Asking …',
  taken: 0,
});

const byId = (messages: readonly Message[]): [string, Message][] => messages.map((one) => [one.id, one]);

/** With the newest page. What it does not reach back to was followed by more than a page: it would leave a hole, and can be asked for again. */
export function withNewest(held: Held, page: readonly Message[], question: number): Held {
  if (question <= held.taken) return held;
  const oldest = page.at(-1);
  const isFull = page.length === PAGE;
  const leavesHole = isFull && !page.some(({ id }) => held.messages.has(id));
  const kept = [...held.messages.values()].filter(
    (one) => !leavesHole || oldest === undefined || compareMessages(one, oldest) > 0,
  );
  const hasOlder = held.isLoaded && !leavesHole ? held.hasOlder : isFull;
  const messages = new Map([...byId(kept), ...byId(page)]);
  return { ...held, messages, hasOlder, isLoaded: true, said: '', taken: question };
}

/** With what the stream brought; the same where it is here already. */
export function withHeard(held: Held, heard: readonly Message[]): Held {
  const fresh = heard.filter(({ id }) => !held.messages.has(id));
  return fresh.length === 0 ? held : { ...held, messages: new Map([...held.messages, ...byId(fresh)]) };
}

/** With a page of earlier ones. */
export const withEarlier = (held: Held, page: readonly Message[]): Held => {
  const { messages } = withHeard(held, page);
  return { ...held, messages, hasOlder: page.length === PAGE && messages.size < KEPT_MAX, isAsking: false };
};
