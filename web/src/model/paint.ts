/**
 * A screen as text for a terminal: what colours characters goes through, and nothing else does. An agent prints what it likes, and what it prints must not
 * write to the clipboard, name the window, open links, move or ask the terminal of whoever looks at it.
 */
import type { Screen } from './frame.ts';

/** Lines and columns that are drawn; no screen of a person is larger. */
export const ROWS_MAX = 200;
export const COLUMNS_MAX = 400;
/** What one line may hold with its colours: about 30 characters for each column. */
const LINE_MAX_CHARS = COLUMNS_MAX * 48;

/** A colour or a style; characters for lines on and off (SO, SI), which tmux writes for them; whatever else is a character. */
// eslint-disable-next-line no-control-regex -- that is what it looks for
const PIECE = /\x1b\[[\d;:]{0,64}m|\x0e|\x0f|[^\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]+/gu;

/** Steps of red, green and blue in the cube of 216 colours that every terminal has. */
const STEPS: readonly number[] = [0, 95, 135, 175, 215, 255];
const CUBE_FROM = 16;

const stepOf = (value: number): number =>
  STEPS.reduce((best, step, at) => (Math.abs(step - value) < Math.abs((STEPS[best] ?? 0) - value) ? at : best), 0);

/** Colours beyond the palette would be styles in the page's text, which its policy forbids: the nearest of the palette stands for each. */
const COLOUR = /(?<ground>[34]8)(?:;2;|:2:(?:\d*:)?)(?<red>\d+)[;:](?<green>\d+)[;:](?<blue>\d+)/g;
const inPalette = (style: string): string =>
  style
    .replace(COLOUR, (_all, ground: string, ...rgb: string[]) => {
      const [red = 0, green = 0, blue = 0] = rgb.slice(0, 3).map((value) => stepOf(Number(value)));
      return `${ground};5;${CUBE_FROM + 36 * red + 6 * green + blue}`;
    })
    // The colour of an underline.
    .replace(/(?:^|;)58[;:](?:2[;:](?:\d*:)?\d+[;:]\d+[;:]\d+|5[;:]\d+)/g, '');

/** One line without anything that is not a character or its colour. */
export const cleanLine = (line: string): string =>
  (line.slice(0, LINE_MAX_CHARS).match(PIECE) ?? []).map(drawn).join('');

function drawn(piece: string): string {
  if (piece === '\x0e') return '\x1b(0';
  if (piece === '\x0f') return '\x1b(B';
  return piece.startsWith('\x1b[') ? `\x1b[${inPalette(piece.slice(2, -1))}m` : piece;
}

export const sizeOf = ({ columns, rows }: Pick<Screen, 'columns' | 'rows'>): { columns: number; rows: number } => ({
  columns: Math.min(Math.max(Math.floor(columns), 1), COLUMNS_MAX),
  rows: Math.min(Math.max(Math.floor(rows), 1), ROWS_MAX),
});

/** Draws the whole screen anew, in one write: no wrapping, each line in its place, then the cursor. */
export function paint(screen: Screen): string {
  const { columns, rows } = sizeOf(screen);
  const lines = screen.text.split('\n').slice(0, rows);
  const text = lines.map((line, at) => `\x1b[${at + 1};1H${cleanLine(line)}`).join('');
  const [x, y] = screen.cursor ?? [0, 0];
  const place = `\x1b[${Math.min(y, rows - 1) + 1};${Math.min(x, columns - 1) + 1}H`;
  return `\x1b[?25l\x1b[?7l\x1b(B\x1b[0m\x1b[2J${text}\x1b(B\x1b[0m${place}${screen.cursor === null ? '' : '\x1b[?25h'}`;
}
