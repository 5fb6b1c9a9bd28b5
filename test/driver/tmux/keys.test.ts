import { describe, expect, it } from 'vitest';
import { pressesOf } from '#driver/tmux/keys.ts';

const E = '\x1b';
const keys = (data: string): string[] => pressesOf(data).map((one) => ('key' in one ? `<${one.key}>` : one.text));

describe('what a terminal sends', () => {
  it.each([
    ['text', 'ls -la; echo "x"', ['ls -la; echo "x"']],
    ['letters of any script', 'äöü 日本 🐝', ['äöü 日本 🐝']],
    ['Enter behind text', 'ls\r', ['ls', '<Enter>']],
    ['arrows', `${E}[A${E}[B${E}[C${E}[D`, ['<Up>', '<Down>', '<Right>', '<Left>']],
    [
      'Home, End and the others',
      `${E}[H${E}[F${E}[2~${E}[3~${E}[5~${E}[6~`,
      ['<Home>', '<End>', '<IC>', '<DC>', '<PPage>', '<NPage>'],
    ],
    ['function keys', `${E}OP${E}OS${E}[15~${E}[24~`, ['<F1>', '<F4>', '<F5>', '<F12>']],
    ['keys that are held together', `${E}[1;5A${E}[1;2C${E}[3;3~${E}[Z`, ['<C-Up>', '<S-Right>', '<M-DC>', '<BTab>']],
    [
      'control characters',
      '\x01\x03\x04\t\x7f\x1a\0\x1c',
      ['<C-a>', '<C-c>', '<C-d>', '<Tab>', '<BSpace>', '<C-z>', '<C-Space>', '<C-\\>'],
    ],
    ['Escape alone, twice, and with a key', `${E}${E}x${E}b`, ['<Escape>', '<M-x>', '<M-b>']],
    ['Escape at the end', `a${E}`, ['a', '<Escape>']],
    ['what is no key', `${E}[200~x${E}[999~${E}[1;5n`, ['x']],
  ])('is keys: %s', (_what, data, pressed) => {
    expect(keys(data)).toEqual(pressed);
  });
});
