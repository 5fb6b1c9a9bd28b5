import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { endedByItself, isWord, saidIn, startFailure, TESTED_VERSIONS, toldVersion } from '#driver/line/tool-end.ts';

const exit = { code: 1, signal: null, error: null };
const said = "error: unknown option '--input-format'";

it('says of a tool that does not start what it said, its version, and which one was tested', () => {
  const about = { tool: 'claude', exit, said, version: '1.0.3', tested: '2.1.328' };
  const began = 'claude ended at its start (exit code 1), before the first word of its protocol';
  expect(startFailure(about)).toBe(
    `${began}: its version here is 1.0.3, and skep was tested with 2.1.328. It said: ${said}`,
  );
  expect(startFailure({ ...about, version: undefined, said: '' })).toBe(
    `${began}: it does not say its version, and skep was tested with 2.1.328. It said nothing.`,
  );
  expect(startFailure({ ...about, tested: undefined })).toBe(`${began}. It said: ${said}`);
});

it('takes what a tool said as one bounded line, without what a terminal obeys and what looks like a secret', () => {
  expect(saidIn(' \u001b[31mno such option\u001b[0m ')).toBe('no such option');
  expect(saidIn('x'.repeat(1_000_000))).toBe('x'.repeat(300));
  expect(saidIn(`bad key sk-ant-${'a'.repeat(40)}`)).toBe('bad key sk-ant-[masked]');
});

it('takes a version only from a tool that answered', () => {
  expect(toldVersion({ exit: { ...exit, code: 0 }, stdout: '\n2.1.328 (Claude Code)\nmore\n', stderr: '' })).toBe(
    '2.1.328 (Claude Code)',
  );
  expect(toldVersion({ exit: { ...exit, code: 0 }, stdout: '\n', stderr: '' })).toBeUndefined();
  expect(toldVersion({ exit, stdout: 'usage: claude', stderr: '' })).toBeUndefined();
});

it.each([
  { ended: exit, itself: true },
  { ended: { ...exit, code: 137 }, itself: false },
  { ended: { ...exit, code: null, signal: 'SIGKILL' }, itself: false },
  { ended: { ...exit, error: 'start_timeout' }, itself: false },
])('knows $ended for an end by itself: $itself', ({ ended, itself }) => {
  expect(endedByItself(ended)).toBe(itself);
});

it('knows a usage from a word of a protocol', () => {
  expect(isWord({ kind: 'line', text: '{"type":"system"}' })).toBe(true);
  expect(isWord({ kind: 'line', text: 'Usage: claude [options]' })).toBe(false);
});

it('names the versions that the real tests drive', () => {
  const { dependencies } = JSON.parse(readFileSync('tools/agents/package.json', 'utf8'));
  expect(TESTED_VERSIONS).toEqual({
    claude: dependencies['@anthropic-ai/claude-code'],
    codex: dependencies['@openai/codex'],
    gemini: dependencies['@google/gemini-cli'],
    opencode: dependencies['opencode-ai'],
  });
});
