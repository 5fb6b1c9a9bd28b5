/** What a terminal sends when keys are pressed, as keys by their names in tmux, which encodes each as the program in the pane wants it. */

/** A key by its name, or text that is typed as it is. */
export type Press = { key: string } | { text: string };

const CURSOR: Readonly<Record<string, string>> = {
  A: 'Up',
  B: 'Down',
  C: 'Right',
  D: 'Left',
  H: 'Home',
  F: 'End',
  P: 'F1',
  Q: 'F2',
  R: 'F3',
  S: 'F4',
};
const NUMBERED: Readonly<Record<string, string>> = {
  1: 'Home',
  2: 'IC',
  3: 'DC',
  4: 'End',
  5: 'PPage',
  6: 'NPage',
  15: 'F5',
  17: 'F6',
  18: 'F7',
  19: 'F8',
  20: 'F9',
  21: 'F10',
  23: 'F11',
  24: 'F12',
};
const NAMED: Readonly<Record<string, string>> = {
  '\0': 'C-Space',
  '\t': 'Tab',
  '\r': 'Enter',
  '\x1b': 'Escape',
  '\x1c': 'C-\\',
  '\x1d': 'C-]',
  '\x1e': 'C-^',
  '\x1f': 'C-_',
  '\x7f': 'BSpace',
};

/** A sequence (`ESC [ 1 ; 5 A`, `ESC O P`, `ESC [ 3 ~`, `ESC [ Z`), Alt with one key, one control character, or text up to the next of those. */
const PIECE =
  // eslint-disable-next-line no-control-regex -- keys are control characters
  /\x1b\[(?<numbers>[\d;]*)(?<end>[A-Za-z~])|\x1bO(?<ss3>[A-Z])|\x1b(?<alt>[^\x1b[O])|(?<control>[\0-\x1f\x7f])|(?<text>[^\0-\x1f\x7f]+)/gu;

/** A sequence that is no key of this list is left out. */
export function pressesOf(data: string): Press[] {
  return [...data.matchAll(PIECE)].flatMap(({ groups = {} }): Press[] => {
    const { numbers = '', end, ss3, alt, control, text } = groups;
    if (text !== undefined) return [{ text }];
    const key =
      end !== undefined
        ? sequenceKey(numbers, end)
        : ss3 !== undefined
          ? CURSOR[ss3]
          : alt !== undefined
            ? altKey(alt)
            : controlKey(control ?? '');
    return key === undefined ? [] : [{ key }];
  });
}

function sequenceKey(numbers: string, end: string): string | undefined {
  if (end === 'Z') return 'BTab';
  const [first = '', modifier = '1'] = numbers.split(';');
  const name = end === '~' ? NUMBERED[first] : CURSOR[end];
  return name === undefined ? undefined : `${modifiersOf(Number(modifier) - 1)}${name}`;
}

/** As xterm counts them: 1 is Shift, 2 Alt, 4 Ctrl. */
const modifiersOf = (bits: number): string =>
  [
    [4, 'C-'],
    [2, 'M-'],
    [1, 'S-'],
  ]
    .map(([bit, name]) => ((bits & Number(bit)) === 0 ? '' : name))
    .join('');

function altKey(char: string): string | undefined {
  const key = controlKey(char) ?? char;
  return `M-${key === ' ' ? 'Space' : key}`;
}

function controlKey(char: string): string | undefined {
  const code = char.codePointAt(0) ?? 0;
  if (NAMED[char] !== undefined) return NAMED[char];
  return code >= 1 && code <= 26 ? `C-${String.fromCodePoint(code + 96)}` : undefined;
}
