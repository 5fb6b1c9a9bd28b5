/** Tables for people: columns as wide as their content, one of them narrowed where the terminal ends. */
import { styleText } from 'node:util';
import { columnsOf, cut } from './text.ts';
import type { Output } from './world.ts';

export type Column = {
  title: string;
  align?: 'left' | 'right';
  /** Narrowed first when the table is wider than the terminal. */
  gives?: boolean;
};

type Style = Parameters<typeof styleText>[0];

/** Text, or text in a colour. */
export type Cell = string | { text: string; style: Style };

const GAP = '  ';
/** A column that gives keeps this much: below it nothing can be recognised. */
const KEPT_MIN = 12;

const textOf = (cell: Cell | undefined): string =>
  cell === undefined ? '' : typeof cell === 'string' ? cell : cell.text;

/** Colours where the output shows colours. */
export const paint = (out: Output, style: Style, text: string): string =>
  out.colours ? styleText(style, text, { validateStream: false }) : text;

/** The table's lines, each ended by a newline. No rows: only the head. */
export function table(columns: readonly Column[], rows: readonly (readonly Cell[])[], out: Output): string {
  const widths = widthsOf(columns, rows, out.columns);
  const line = (cells: readonly Cell[]): string =>
    columns
      .map((column, at) => {
        const cell = cells[at];
        const width = widths[at] ?? 0;
        const text = cut(textOf(cell), width);
        const space = ' '.repeat(Math.max(0, width - columnsOf(text)));
        const shown = cell !== undefined && typeof cell !== 'string' ? paint(out, cell.style, text) : text;
        return column.align === 'right' ? space + shown : shown + space;
      })
      .join(GAP)
      .trimEnd();
  const head = columns.map((column): Cell => ({ text: column.title, style: 'bold' }));
  return [head, ...rows].map((cells) => `${line(cells)}\n`).join('');
}

function widthsOf(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  terminal: number | undefined,
): number[] {
  const widths = columns.map((column, at) =>
    rows.reduce((most, row) => Math.max(most, columnsOf(textOf(row[at]))), columnsOf(column.title)),
  );
  if (terminal === undefined) return widths;
  let over = widths.reduce((sum, width) => sum + width, GAP.length * (columns.length - 1)) - terminal;
  for (const [at, column] of columns.entries()) {
    const width = widths[at] ?? 0;
    if (over <= 0 || column.gives !== true || width <= KEPT_MIN) continue;
    const less = Math.min(over, width - KEPT_MIN);
    widths[at] = width - less;
    over -= less;
  }
  return widths;
}

/** `title    Add tests`: names on the left, values on the right; empty values are left out. */
export function pairs(list: readonly (readonly [name: string, value: string])[], out: Output): string {
  const shown = list.filter(([, value]) => value !== '');
  const width = Math.max(0, ...shown.map(([name]) => columnsOf(name)));
  return shown
    .map(([name, value]) => {
      const indented = value.split('\n').join(`\n${' '.repeat(width + GAP.length)}`);
      return `${paint(out, 'dim', name.padEnd(width))}${GAP}${indented}\n`;
    })
    .join('');
}
