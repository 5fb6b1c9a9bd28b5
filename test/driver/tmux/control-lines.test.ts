import { describe, expect, it } from 'vitest';
import { quoted } from '#driver/tmux/control-client.ts';
import { ControlLines } from '#driver/tmux/control-lines.ts';

type Read = { answers: unknown[]; outputs: number[]; notices: string[] };

function read(bytes: Buffer, pieces: number): Read {
  const seen: Read = { answers: [], outputs: [], notices: [] };
  const lines = new ControlLines({
    answered: (answer) => void seen.answers.push(answer),
    output: (pane) => void seen.outputs.push(pane),
    notified: (line) => void seen.notices.push(line),
  });
  for (let at = 0; at < bytes.length; at += pieces) lines.feed(bytes.subarray(at, at + pieces));
  return seen;
}

/** As tmux 3.3a wrote it, with the pane's text made worse. */
const SAID = Buffer.from(
  [
    '%begin 1795692853 281 0',
    '%end 1795692853 281 0',
    '%session-changed $1 skep-monitor',
    String.raw`%output %7 \033[1mhé漢\015\012`,
    '%begin 1795692853 286 1',
    'first ❯ é漢',
    '%output %9 not news but what the pane shows',
    '%end 1795692853 285 1',
    '%end 1795692853 286 1',
    '%output %12 x',
    '%begin 1795692854 287 1',
    "can't find pane: %99",
    '%error 1795692854 287 1',
    '%subscription-changed ends $1 @1 0 %1 : 1|137|KILL',
    '',
  ].join('\n'),
);

describe('what tmux writes', () => {
  it.each([1, 2, 3, 7, 64, 100_000])('is the same in pieces of %d bytes', (pieces) => {
    expect(read(SAID, pieces)).toEqual({
      answers: [
        {
          ok: true,
          lines: ['first ❯ é漢', '%output %9 not news but what the pane shows', '%end 1795692853 285 1'],
        },
        { ok: false, lines: ["can't find pane: %99"] },
      ],
      outputs: [7, 12],
      notices: ['%session-changed $1 skep-monitor', '%subscription-changed ends $1 @1 0 %1 : 1|137|KILL'],
    });
  });

  it('is given up when a line does not end', () => {
    const lines = new ControlLines({ answered: () => {}, output: () => {}, notified: () => {} });
    const piece = Buffer.alloc(1024 * 1024, 'x');
    expect(() => {
      for (let n = 0; n < 5; n += 1) lines.feed(piece);
    }).toThrow('a line of more than');
  });
});

describe('a word for tmux', () => {
  it.each([
    ['plain', '"plain"'],
    ['a "b" $c \\d', String.raw`"a \"b\" \$c \\d"`],
    ['~root', String.raw`"\176root"`],
    ['two\nlines', String.raw`"two\nlines"`],
  ])('%j', (word, line) => expect(quoted(word)).toBe(line));
});
