import { expect, it } from 'vitest';
import { nameBar } from '#core/file/name.ts';

it.each(['lexer.patch', 'a b.txt', '..a', 'ä.md', '.env.example'])('%s is the name of a file', (name) => {
  expect(nameBar(name)).toBeUndefined();
});

it.each(['..', '.', '../x', 'a/b', '/etc/passwd', 'a\\b', 'a\0b', 'a\nb', 'a\u202eb', 'x'.repeat(256)])(
  '%j leads elsewhere, or hides what it is',
  (name) => {
    expect(nameBar(name)).toMatchObject({ code: 'invalid' });
  },
);

it.each(['setup.exe', 'x.LNK', 'lib.so'])('%s is a program', (name) => {
  expect(nameBar(name)).toMatchObject({ code: 'forbidden' });
});
