/** How tmux says that the program of a pane has ended. Pure. */
import type { PaneEnd } from './pane.ts';

/** As {@link endIn} reads it. */
export const END = '#{pane_dead}|#{pane_dead_status}|#{pane_dead_signal}';
/** As {@link listed} reads it. */
export const LISTED = `#{pane_id} #{window_linked_sessions} ${END}`;

/** A pane in a list. `links`: sessions that its window is in. */
export type Listed = { links: number; end: PaneEnd | undefined };

/** By its number. */
export function listed(line: string): [number, Listed] {
  const [id = '', links, end = ''] = line.split(' ');
  return [Number(id.slice(1)), { links: Number(links), end: endIn(end) }];
}

/** Undefined: the program runs. */
export function endIn(text: string): PaneEnd | undefined {
  const [dead, code = '', signal = ''] = text.split('|');
  if (dead !== '1') return undefined;
  return { how: 'dead', code: code === '' ? null : Number(code), signal: signal === '' ? null : signal };
}
