import { describe, expect, it } from 'vitest';
import { cleanLine, COLUMNS_MAX, paint, ROWS_MAX, sizeOf } from '../../../web/src/model/paint.ts';

const E = '\x1b';

describe('a line of a screen', () => {
  it('keeps characters, their colours, and the characters that lines are drawn with', () => {
    expect(cleanLine(`${E}[1;31mred${E}[0m \x0eqqq\x0f 日本 🐝`)).toBe(`${E}[1;31mred${E}[0m ${E}(0qqq${E}(B 日本 🐝`);
  });

  it.each([
    ['the clipboard', `${E}]52;c;ZWNobw==\x07`, ']52;c;ZWNobw=='],
    ['the title', `${E}]0;owned${E}\\`, ']0;owned\\'],
    ['a link', `${E}]8;;http://x${E}\\go${E}]8;;${E}\\`, ']8;;http://x\\go]8;;\\'],
    ['the window', `${E}[8;999;999t`, '[8;999;999t'],
    ['a question to the terminal', `${E}[c${E}[6n${E}[>q`, '[c[6n[>q'],
    ['the cursor', `${E}[H${E}[2J${E}7${E}c`, '[H[2J7c'],
    ['a picture', `${E}Pq#0;2;0;0;0#0!10~${E}\\`, 'Pq#0;2;0;0;0#0!10~\\'],
    ['one in eight bits', '\x9b31m\x9d52;c;x\x9c', '31m52;c;x'],
    ['the end of the line, in any form', 'a\r\n\u2028\u2029\u0085b\x00\x08\x7f', 'ab'],
    ['the direction of the text', 'a\u202ecba\u2066\u2069', 'acba'],
  ])('lets nothing of %s through', (_what, line, shown) => {
    expect(cleanLine(line)).toBe(shown);
  });

  it('has the nearest colours of the palette for those beyond it', () => {
    expect(cleanLine(`${E}[1;38;2;255;0;90;48:2::0:0:0mx`)).toBe(`${E}[1;38;5;197;48;5;16mx`);
    expect(cleanLine(`${E}[4;58;2;1;2;3mx`)).toBe(`${E}[4mx`);
    expect(cleanLine(`${E}[38;5;42mx`)).toBe(`${E}[38;5;42mx`);
  });

  it('that does not end is cut', () => {
    expect(cleanLine('x'.repeat(1_000_000)).length).toBeLessThanOrEqual(COLUMNS_MAX * 48);
  });
});

describe('a screen', () => {
  it('is drawn line by line in one piece, and the cursor stands where it is', () => {
    const drawn = paint({ text: 'one\ntwo', columns: 80, rows: 24, cursor: [3, 1] });
    expect(drawn).toContain(`${E}[1;1Hone${E}[2;1Htwo`);
    expect(drawn.endsWith(`${E}[2;4H${E}[?25h`)).toBe(true);
    expect(paint({ text: '', columns: 80, rows: 24, cursor: null })).not.toContain(`${E}[?25h`);
  });

  it('has no more lines than it says, is of a size that can be drawn, and its cursor stands in it', () => {
    expect(paint({ text: 'a\nb\nc', columns: 10, rows: 2, cursor: [99, 99] })).not.toContain('c');
    expect(paint({ text: '', columns: 10, rows: 2, cursor: [99, 99] })).toContain(`${E}[2;10H`);
    expect(sizeOf({ columns: 1e9, rows: 1e9 })).toEqual({ columns: COLUMNS_MAX, rows: ROWS_MAX });
    expect(sizeOf({ columns: 0, rows: -1 })).toEqual({ columns: 1, rows: 1 });
  });
});
