/** Ages that go on by themselves, in the reader's own time zone when pointed at. */
import { useSyncExternalStore } from 'react';
import { ageText, spanText } from '../model/text.ts';

/** All ages on the page move together. */
const TICK_MS = 1_000;

let nowMs = Date.now();
let timer: number | undefined;
const readers = new Set<() => void>();

function subscribe(reader: () => void): () => void {
  readers.add(reader);
  timer ??= window.setInterval(() => {
    // A page that nobody looks at draws nothing.
    if (document.visibilityState !== 'visible') return;
    nowMs = Date.now();
    for (const one of readers) one();
  }, TICK_MS);
  return () => {
    readers.delete(reader);
    if (readers.size > 0) return;
    window.clearInterval(timer);
    timer = undefined;
  };
}

/** Now, once a second. */
export const useNow = (): number => useSyncExternalStore(subscribe, () => nowMs);

/** Another number every so often: for what is told by no event and has to be looked at again. */
export const useLook = (everyMs: number): number => useSyncExternalStore(subscribe, () => Math.floor(nowMs / everyMs));

/** Draws again only when its text changes. */
const useTimeText = (text: (now: number) => string): string => useSyncExternalStore(subscribe, () => text(nowMs));

export function Age({ at }: { at: string }) {
  const atMs = Date.parse(at);
  const text = useTimeText((now) => ageText(atMs, now));
  return (
    <time dateTime={at} title={new Date(atMs).toLocaleString()} className="whitespace-nowrap">
      {text}
    </time>
  );
}

/** How long it goes on since then. */
export function Since({ at }: { at: string }) {
  const atMs = Date.parse(at);
  const text = useTimeText((now) => spanText(now - atMs));
  return (
    <time dateTime={at} title={`since ${new Date(atMs).toLocaleString()}`} className="whitespace-nowrap tabular-nums">
      {text}
    </time>
  );
}

/** How long it is until then, by this reader's clock; the node that decides has its own. */
export function Until({ at }: { at: string }) {
  const atMs = Date.parse(at);
  const text = useTimeText((now) => (atMs <= now ? 'expires now' : `expires in ${spanText(atMs - now)}`));
  return (
    <time dateTime={at} title={new Date(atMs).toLocaleString()} className="whitespace-nowrap tabular-nums">
      {text}
    </time>
  );
}

export const clockText = (atMs: number): string =>
  new Date(atMs).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit', second: '2-digit', hour12: false });
