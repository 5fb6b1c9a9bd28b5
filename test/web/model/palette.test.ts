import { describe, expect, it } from 'vitest';
import type { Entry } from '../../../web/src/model/palette.ts';
import { found } from '../../../web/src/model/palette.ts';

const entry = (kind: Entry['kind'], title: string, hint = ''): Entry => ({
  key: `${kind} ${title}`,
  kind,
  title,
  hint,
});
const titles = (entries: readonly Entry[], text: string): string[] => found(entries, text).map(({ title }) => title);

describe('the palette', () => {
  const all = [
    entry('Task', 'Settle the tests', '3fa9c1d2-7 pending'),
    entry('Page', 'Settings'),
    entry('Task', 'Test the setup', '3fa9c1d2-8 failed'),
    entry('Agent', 'setter', 'shell on hive'),
    entry('Action', 'New task', 'create'),
  ];

  it('finds what holds every word, the beginnings of titles first, pages before agents before tasks', () => {
    expect(titles(all, 'set')).toEqual(['Settings', 'setter', 'Settle the tests', 'Test the setup']);
    expect(titles(all, 'test the')).toEqual(['Test the setup', 'Settle the tests']);
    expect(titles(all, 'the FAILED')).toEqual(['Test the setup']);
    expect(titles(all, 'nothing like it')).toEqual([]);
  });

  it('offers pages and actions first before anything is typed, and never more than can be read', () => {
    expect(titles(all, ' ')).toEqual(['Settings', 'New task', 'setter', 'Settle the tests', 'Test the setup']);
    expect(
      found(
        Array.from({ length: 5_000 }, (_, n) => entry('Task', `task ${n}`)),
        'task',
      ),
    ).toHaveLength(30);
  });
});
