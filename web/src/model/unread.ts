/** What this browser showed of each channel last: a habit of one reader, so it lies in the browser. */
import { create } from 'zustand';

const KEY = 'skep-read';
/** Channels that are remembered; the one that was read least lately is forgotten, and shown as new. */
const CHANNELS_MAX = 1_000;

/** By channel, the id of the last message that was shown. */
export type Read = ReadonlyMap<string, string>;

/** Whatever cannot be read is left out: another version of the page may have written it. */
export function readOf(text: string | null): Read {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text ?? '[]');
  } catch {
    return new Map();
  }
  if (!Array.isArray(parsed)) return new Map();
  return new Map(
    parsed.flatMap((one: unknown): [string, string][] =>
      Array.isArray(one) && typeof one[0] === 'string' && typeof one[1] === 'string' ? [[one[0], one[1]]] : [],
    ),
  );
}

/** The same where nothing is new. */
export function withRead(read: Read, channel: string, id: string): Read {
  if (read.get(channel) === id) return read;
  const rest = [...read].filter(([name]) => name !== channel);
  return new Map([...rest.slice(-CHANNELS_MAX + 1), [channel, id]]);
}

/** A browser may forbid storage; then nothing was read. */
function kept(): Read {
  try {
    return readOf(localStorage.getItem(KEY));
  } catch {
    return new Map();
  }
}

const useKept = create<{ read: Read }>(() => ({ read: kept() }));

export const useRead = (): Read => useKept(({ read }) => read);

export function markRead(channel: string, id: string): void {
  const before = useKept.getState().read;
  const read = withRead(before, channel, id);
  if (read === before) return;
  useKept.setState({ read });
  try {
    localStorage.setItem(KEY, JSON.stringify([...read]));
  } catch {
    // It is kept as long as the page is open.
  }
}
