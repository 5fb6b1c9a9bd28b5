import { describe, expect, it } from 'vitest';
import { nearest } from '#cli/nearest.ts';
import { meansId, shortId, shortIds } from '#cli/short-id.ts';
import { paint, pairs, table } from '#cli/table.ts';
import { ago, columnsOf, cut, duration, printable, printableLine, size } from '#cli/text.ts';
import type { Output } from '#cli/world.ts';

const output = (o: Partial<Output> = {}): Output => ({
  write: () => {},
  isTerminal: false,
  colours: false,
  columns: undefined,
  ...o,
});
const ESC = '\u001b';

describe('printable', () => {
  it('takes escapes, control characters and direction marks out of what others wrote', () => {
    expect(printable(`${ESC}[31mred${ESC}[0m ${ESC}]0;title\u0007x\u0008y\u202ez`)).toBe('red xyz');
  });
  it('keeps lines and tabs, and makes one line where one is wanted', () => {
    expect(printable('a\r\n\tb\n')).toBe('a\n\tb\n');
    expect(printableLine(' a\r\n\tb \n')).toBe('a b');
  });
});

describe('columnsOf and cut', () => {
  it.each([
    ['plain', 5],
    ['日本', 4],
    ['e\u0301', 1],
    ['👩‍💻', 2],
    ['⚠️', 2],
    ['한글', 4],
    [`${ESC}[1mbold${ESC}[0m`, 4],
    ['', 0],
  ])('%j is %d wide', (text, columns) => {
    expect(columnsOf(text)).toBe(columns);
  });
  it.each([
    ['short', 10, 'short'],
    ['a longer text', 8, 'a longe…'],
    ['日本語の題', 5, '日本…'],
    ['x', 0, ''],
  ])('%j cut to %d is %j', (text, columns, expected) => {
    expect(cut(text, columns)).toBe(expected);
    expect(columnsOf(cut(text, columns))).toBeLessThanOrEqual(columns);
  });
});

describe('table', () => {
  const columns = [{ title: 'ID' }, { title: 'TITLE', gives: true }, { title: 'N', align: 'right' as const }];
  const rows = [
    ['1', '日本語', '5'],
    ['22', 'a title that is rather long', '1234'],
  ];
  it('lines columns up by their width on the screen, without spaces at the end', () => {
    expect(table(columns, rows, output()).split('\n')).toEqual([
      'ID  TITLE                           N',
      '1   日本語                          5',
      '22  a title that is rather long  1234',
      '',
    ]);
  });
  it('narrows what gives to the width of the terminal', () => {
    const lines = table(columns, rows, output({ columns: 26 }))
      .trimEnd()
      .split('\n');
    expect(lines[2]).toBe('22  a title that is…  1234');
    for (const line of lines) expect(columnsOf(line)).toBeLessThanOrEqual(26);
  });
  it('colours only where colours are shown', () => {
    const cells = [[{ text: 'ok', style: 'green' as const }]];
    expect(table([{ title: 'A' }], cells, output())).toBe('A\nok\n');
    expect(table([{ title: 'A' }], cells, output({ colours: true }))).toContain(`${ESC}[32mok`);
    expect(paint(output(), 'red', 'x')).toBe('x');
  });
  it('shows only the head without rows, and leaves empty pairs out', () => {
    expect(table([{ title: 'A' }], [], output())).toBe('A\n');
    expect(
      pairs(
        [
          ['id', '1'],
          ['error', ''],
          ['what', 'a\nb'],
        ],
        output(),
      ),
    ).toBe('id    1\nwhat  a\n      b\n');
  });
});

describe('times and sizes', () => {
  const now = Date.UTC(2026, 10, 20, 12);
  it.each([
    ['2026-11-20T11:59:58Z', '2s ago'],
    ['2026-11-20T11:55:00Z', '5m ago'],
    ['2026-11-20T09:00:00Z', '3h ago'],
    ['2026-11-10T12:00:00Z', '10d ago'],
    ['2026-11-20T12:00:30Z', 'now'],
    ['nonsense', ''],
    [undefined, ''],
  ])('%s is %j', (time, expected) => {
    expect(ago(time, now)).toBe(expected);
  });
  it('tells long times in two units, bytes in the largest', () => {
    expect([duration(999), duration(61_000), duration(3_600_000), duration(90_000_000)]).toEqual([
      '0s',
      '1m 1s',
      '1h 0m',
      '1d 1h',
    ]);
    expect([size(0), size(1023), size(1536), size(200 * 1024 ** 3)]).toEqual(['0 B', '1023 B', '1.5 KiB', '200 GiB']);
  });
});

describe('ids', () => {
  const a = `${'ab'.repeat(16)}-12`;
  const b = `${'ab'.repeat(5)}${'cd'.repeat(11)}-12`;
  it('are as short as a node takes them, and longer where two would be the same', () => {
    expect(shortId(a)).toBe('abababab-12');
    expect([a, b].map(shortIds([a, b]))).toEqual(['abababababa-12', 'ababababab' + 'c-12']);
    expect(shortIds(['my-task', a])('my-task')).toBe('my-task');
  });
  it('are understood by their beginning', () => {
    expect([meansId('abababab-12', a), meansId(a, a), meansId('abababab-1', a), meansId('abab-12', a)]).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });
});

describe('nearest', () => {
  it.each([
    ['http_prot', 'http_port'],
    ['HTTP_PORT', 'http_port'],
    ['sed', 'seeds'],
    ['something_else', undefined],
  ])('%s → %s', (typed, expected) => {
    expect(nearest(typed, ['http_port', 'seeds', 'role'])).toBe(expected);
  });
});
