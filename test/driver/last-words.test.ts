import { describe, expect, it } from 'vitest';
import { LastWords, plainText, RESULT_MAX_BYTES } from '#driver/last-words.ts';

const said = (o: { stdout?: string[]; stderr?: string[] }): LastWords => {
  const words = new LastWords();
  for (const line of o.stdout ?? []) words.take('stdout', line);
  for (const line of o.stderr ?? []) words.take('stderr', line);
  return words;
};

describe('the plain text of a line', () => {
  it.each([
    ['\x1b[1;31mred\x1b[0m', 'red'],
    ['\x1b]0;title\x07text', 'text'],
    ['\x1b]8;;http://a\x1b\\link\x1b]8;;\x1b\\', 'link'],
    ['\x1b]52;c;c2VjcmV0', ''],
    ['\x1bPq#0;2;0\x1b\\after', 'after'],
    ['a\x1b(Bb\x1b7c\x1bMd', 'abcd'],
    ['\x9b31mred\u009b0m', 'red'],
    ['10 %\r50 %\r100 %\r', '100 %'],
    ['dos line\r', 'dos line'],
    ['50 %\r\x1b[K100 %', '100 %'],
    ['100 %\r\x1b[0m', '100 %'],
    ['tab\tbell\x07 nul\0 del\x7f', 'tab\tbell nul del'],
    ['\u2028 stays, as do é and 🐝', '\u2028 stays, as do é and 🐝'],
    ['cut off \x1b[3', 'cut off '],
    ['cut off \x1b', 'cut off '],
  ])('%j is %j', (line, text) => {
    expect(plainText(line)).toBe(text);
  });
});

describe('the text of a result', () => {
  it('is the last fifty lines that are not empty', () => {
    const lines = Array.from({ length: 100 }, (_, n) => [`line ${n}`, ' \x1b[0m ', '']).flat();
    const text = said({ stdout: lines, stderr: ['noise'] }).text(true);
    expect(text.split('\n')).toEqual(Array.from({ length: 50 }, (_, n) => `line ${n + 50}`));
  });

  it('is what stands behind the last TASK_RESULT, wherever it was said', () => {
    const lines = [
      'TASK_RESULT: one',
      '\x1b[32m> TASK_RESULT:  two \x1b[0m',
      ...Array.from({ length: 99 }, () => 'more'),
    ];
    expect(said({ stdout: lines }).text(true)).toBe('two');
    expect(said({ stdout: lines }).text(false)).toBe('two');
    expect(said({ stdout: ['text'], stderr: ['+ echo TASK_RESULT: traced'] }).text(true)).toBe('text');
  });

  it('is of standard error where the script said nothing else, and of both where it failed', () => {
    expect(said({ stderr: ['only'] }).text(true)).toBe('only');
    const many = (word: string): string[] => Array.from({ length: 60 }, (_, n) => `${word} ${n}`);
    const lines = said({ stdout: many('out'), stderr: many('err') })
      .text(false)
      .split('\n');
    expect(lines).toEqual([...many('out').slice(-25), ...many('err').slice(-25)]);
    expect(
      said({ stderr: many('err') })
        .text(false)
        .split('\n'),
    ).toEqual(many('err').slice(-50));
    expect(
      said({ stdout: many('out'), stderr: ['err'] })
        .text(false)
        .split('\n'),
    ).toEqual([...many('out').slice(-49), 'err']);
  });

  it('is bounded in bytes, and whole in its characters', () => {
    const lines = Array.from({ length: 50 }, (_, n) => `${n} ${'é'.repeat(500)}`);
    const text = said({ stdout: lines }).text(true);
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(RESULT_MAX_BYTES);
    expect(text.endsWith(lines.at(-1) ?? '')).toBe(true);
    const one = said({ stdout: [`TASK_RESULT: ${'🐝'.repeat(30_000)}`] }).text(true);
    expect(Buffer.byteLength(one)).toBeLessThanOrEqual(RESULT_MAX_BYTES);
    expect(Buffer.byteLength(one)).toBeGreaterThan(RESULT_MAX_BYTES / 2);
    expect(one).not.toContain('\ufffd');
  });
});
