/** Texts of a swarm made fit for a terminal: nothing that others wrote may move the cursor, and everything has a width. */
import { stripVTControlCharacters } from 'node:util';

/** Control characters (tab and newline apart), and the marks that turn the direction of text around. */
// oxlint-disable-next-line no-control-regex -- these are what it looks for
const UNPRINTABLE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** A text of somebody else's, without escapes and control characters. Lines stay lines. */
export const printable = (text: string): string =>
  stripVTControlCharacters(text.replaceAll('\r\n', '\n')).replace(UNPRINTABLE, '');

/** The same on one line. */
export const printableLine = (text: string): string => printable(text).replace(/\s+/g, ' ').trim();

/** What takes two columns: East Asian wide and full-width characters, and emoji. */
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}|\ufe0f|[\u{20000}-\u{3fffd}]/u;
/** What takes none: marks on the letter before, joiners. */
const MARK = /^(\p{Mn}|\p{Me}|\p{Cf}|[\ufe00-\ufe0e])+$/u;

let segmenter: Intl.Segmenter | undefined;

/** Columns that a line takes in a terminal; colours take none. */
export function columnsOf(line: string): number {
  const plain = stripVTControlCharacters(line);
  if (/^[\u0020-\u007e]*$/.test(plain)) return plain.length;
  segmenter ??= new Intl.Segmenter(undefined, { granularity: 'grapheme' });
  let columns = 0;
  for (const { segment } of segmenter.segment(plain)) columns += MARK.test(segment) ? 0 : WIDE.test(segment) ? 2 : 1;
  return columns;
}

/** At most `columns` wide; what was cut ends in `…`. For text without colours. */
export function cut(line: string, columns: number): string {
  if (columnsOf(line) <= columns) return line;
  segmenter ??= new Intl.Segmenter(undefined, { granularity: 'grapheme' });
  let kept = '';
  let width = 0;
  for (const { segment } of segmenter.segment(line)) {
    width += columnsOf(segment);
    if (width > columns - 1) break;
    kept += segment;
  }
  return columns < 1 ? '' : `${kept}…`;
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** `4m`: how long something took or has been, in its largest unit (two units from a minute to an hour and above). */
export function duration(ms: number): string {
  const long = Math.max(0, ms);
  if (long < MINUTE) return `${Math.floor(long / SECOND)}s`;
  if (long < HOUR) return `${Math.floor(long / MINUTE)}m ${Math.floor((long % MINUTE) / SECOND)}s`;
  if (long < DAY) return `${Math.floor(long / HOUR)}h ${Math.floor((long % HOUR) / MINUTE)}m`;
  return `${Math.floor(long / DAY)}d ${Math.floor((long % DAY) / HOUR)}h`;
}

/** `4m ago`; a time in the future, as another machine's clock may give, is `now`. Empty for no time. */
export function ago(time: number | string | null | undefined, nowMs: number): string {
  if (time === null || time === undefined) return '';
  const thenMs = typeof time === 'number' ? time : Date.parse(time);
  if (Number.isNaN(thenMs)) return '';
  const longMs = nowMs - thenMs;
  return longMs < SECOND ? 'now' : `${duration(longMs).split(' ')[0]} ago`;
}

/** `1.4 MiB`. */
export function size(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  const step = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10));
  const value = bytes / 1024 ** step;
  return `${step === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[step]}`;
}

/** `1 task`, `2 tasks`. */
export const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;
