import { describe, expect, it } from 'vitest';
import { INPUT_MAX_CHARS, OUTPUT_MAX_CHARS, toolInput, toolOutput } from '#driver/tool-text.ts';

describe('what a tool is given', () => {
  it('is its command, or a line for each argument', () => {
    expect(toolInput({ command: 'npm test' })).toEqual({ text: 'npm test', chars: 8 });
    expect(toolInput({ file_path: 'a.ts', limit: 3, new: 'x\ny', none: null })?.text).toBe(
      'file_path: a.ts\nlimit: 3\nnew:\nx\ny',
    );
    expect(toolInput({})).toBeUndefined();
    expect(toolInput(undefined)).toBeUndefined();
  });

  it('is cut where it is long, and tells how long it was', () => {
    const text = 'x'.repeat(50_000);
    expect(toolInput(text)).toEqual({ text: 'x'.repeat(INPUT_MAX_CHARS), chars: 50_000 });
    const inTwo = `${'x'.repeat(INPUT_MAX_CHARS - 1)}😀`;
    expect(toolInput(inTwo)?.text).toBe('x'.repeat(INPUT_MAX_CHARS - 1));
  });
});

describe('what a tool answers', () => {
  it('is a text, or the texts of its parts', () => {
    expect(toolOutput('three\nlines\nhere')).toEqual({ text: 'three\nlines\nhere', chars: 16 });
    expect(toolOutput([{ type: 'text', text: 'a' }, { type: 'image' }])?.text).toBe('a\n[image]');
    expect(toolOutput({ code: 0 })?.text).toBe('{\n  "code": 0\n}');
    expect(toolOutput('')).toBeUndefined();
    expect(toolOutput(null)).toBeUndefined();
  });

  it('keeps its beginning and its end where it is long', () => {
    const told = toolOutput(`begin${'.'.repeat(3_000_000)}end`);
    expect(told?.chars).toBe(3_000_008);
    expect(told?.text.length).toBeLessThan(OUTPUT_MAX_CHARS + 10);
    expect(told?.text).toMatch(/^begin\.+\n\[…\]\n\.+end$/);
  });

  it('holds no secret of a known shape, also where it is cut', () => {
    const key = `-----BEGIN PRIVATE KEY-----\n${'QUJD'.repeat(1_000)}\n-----END PRIVATE KEY-----`;
    for (let before = 0; before < 5_000; before += 250) {
      const text = `${'.'.repeat(before)}${key}${'.'.repeat(OUTPUT_MAX_CHARS)}`;
      expect(toolOutput(text)?.text).not.toContain('QUJD');
      expect(toolOutput(`${'.'.repeat(OUTPUT_MAX_CHARS)}${key}${'.'.repeat(before)}`)?.text).not.toContain('QUJD');
    }
    const token = `ghp_${'a'.repeat(36)}`;
    expect(toolInput(`${'x '.repeat(INPUT_MAX_CHARS / 2 - 6)}${token}`)?.text).not.toContain('aaaa');
    expect(toolInput({ command: `curl -H "Authorization: Bearer ${'b'.repeat(40)}"` })?.text).toContain('[masked]');
  });
});
