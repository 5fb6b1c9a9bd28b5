/** What several verbs print in the same way. */
import type { ExitCode } from './exit.ts';
import { EXIT } from './exit.ts';
import type { Cell, Column } from './table.ts';
import { table } from './table.ts';
import type { World } from './world.ts';

/** A node's answer as it came, for programs. */
export function showJson(value: unknown, world: World): ExitCode {
  world.out.write(`${JSON.stringify(value, undefined, 2)}\n`);
  return EXIT.ok;
}

/** A text that ends its line, whatever it ended with before. Nothing for no text. */
export function showText(text: string, world: World): void {
  if (text !== '') world.out.write(text.endsWith('\n') ? text : `${text}\n`);
}

/** Rows under their columns; `none` is said where there are none. */
export function showRows(
  o: { columns: readonly Column[]; rows: readonly (readonly Cell[])[]; none: string },
  world: World,
): ExitCode {
  world.out.write(o.rows.length === 0 ? `${o.none}\n` : table(o.columns, o.rows, world.out));
  return EXIT.ok;
}

const STATUS_STYLES: Readonly<Record<string, 'green' | 'red' | 'yellow' | 'cyan' | 'dim'>> = {
  completed: 'green',
  failed: 'red',
  cancelled: 'dim',
  in_progress: 'cyan',
  claimed: 'cyan',
  waiting: 'yellow',
  pending: 'yellow',
  idle: 'green',
  busy: 'cyan',
  offline: 'dim',
  alive: 'green',
  self: 'green',
  suspect: 'yellow',
  dead: 'red',
  left: 'dim',
  replaced: 'dim',
  revoked: 'red',
  retired: 'dim',
  unreachable: 'red',
};

/** A status word in its colour. */
export function statusCell(status: string): Cell {
  const style = STATUS_STYLES[status];
  return style === undefined ? status : { text: status, style };
}
