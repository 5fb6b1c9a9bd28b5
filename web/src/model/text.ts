/** Small texts: ids as people read them, ages, sizes, words of the wire. */

/** `3fa9c1d2-12`, as the command line shows ids. */
export const shortId = (id: string): string => `${id.slice(0, 8)}${id.slice(32)}`;

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** `12 s`, `3 min`, `5 h`, `2 d`: how long something takes or took. */
export function spanText(ms: number): string {
  const span = Math.max(0, ms);
  if (span < MINUTE_MS) return `${Math.floor(span / SECOND_MS)} s`;
  if (span < HOUR_MS) return `${Math.floor(span / MINUTE_MS)} min`;
  if (span < DAY_MS) return `${Math.floor(span / HOUR_MS)} h`;
  return `${Math.floor(span / DAY_MS)} d`;
}

/** `just now`, `3 min ago`. Clocks differ, so what is in the future is now. */
export const ageText = (atMs: number, nowMs: number): string =>
  nowMs - atMs < 5 * SECOND_MS ? 'just now' : `${spanText(nowMs - atMs)} ago`;

/** Wire words for people: `in_progress` → `in progress`. */
export const words = (name: string): string => name.replaceAll('_', ' ');

/** What an event of the log is called on the page. */
export const eventText = (event: string): string => words(event.replace(/^(task|agent|node|project|log)_/, ''));

export function sizeText(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`;
  if (bytes < 1_000_000) return `${(bytes / 1_000).toFixed(1)} kB`;
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}
