/** Every recorded screen names its state, with the title its pane had: what the recordings prove is told in `screens/README.md`. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { detect } from '#driver/tmux/detect.ts';
import { knownTools, toolOf } from '#driver/tmux/tool.ts';

const FOLDER = join(import.meta.dirname, 'screens');
const read = (file: string): string => readFileSync(join(FOLDER, file), 'utf8');

/** What file names begin with, after tool and version, and the state they show. */
const STATES: readonly [RegExp, string][] = [
  [/^starting/, 'starting'],
  [/^(idle|interrupted)/, 'idle'],
  [/^running/, 'running'],
  [/^(waiting|dialog)/, 'waiting'],
  [/^retrying/, 'retrying'],
  [/^error/, 'error'],
  [/^exited/, 'exited'],
];
const files = readdirSync(FOLDER).filter((name) => name.endsWith('.txt'));

function parts(file: string): { tool: string; scene: string; state: string } {
  const [, tool = '', scene = ''] = /^([a-z]+)-[\d.]+-(.+)\.txt$/.exec(file) ?? [];
  return { tool, scene, state: STATES.find(([start]) => start.test(scene))?.[1] ?? 'no state in the name' };
}

/** Of the four only Codex tells anything by it. */
function titleOf(tool: string, state: string): string | undefined {
  if (tool !== 'codex') return 'proj';
  return { running: '⠹ proj', waiting: '[ ! ] Action Required | proj' }[state] ?? 'proj';
}

describe('recorded screens', () => {
  it('are all here', () => expect(files).toHaveLength(59));

  it.each(files)('%s', (file) => {
    const { tool, state } = parts(file);
    const found = detect(toolOf(tool), { text: read(file), title: titleOf(tool, state) });
    expect(found).toMatchObject({ state });
    expect(found.evidence.map((one) => one.text).join('')).not.toBe('');
  });

  it.each(files)('%s without its title: the same, or unknown, never idle for another', (file) => {
    const { tool, state } = parts(file);
    const { state: found } = detect(toolOf(tool), { text: read(file), title: undefined });
    expect([state, 'unknown']).toContain(found);
  });

  it.each(files)('%s in a taller or shorter frame of blank lines', (file) => {
    const { tool, state } = parts(file);
    const text = `\n\n\n${read(file).replaceAll(/\n/g, '   \n')}\n\n\n   \n`;
    expect(detect(toolOf(tool), { text, title: titleOf(tool, state) })).toMatchObject({ state });
  });

  it.each(files)('%s is no screen of any other tool', (file) => {
    const { tool } = parts(file);
    for (const name of knownTools().filter((one) => one !== tool)) {
      const { state, rule } = detect(toolOf(name), { text: read(file), title: undefined });
      expect({ file, name, rule, idle: state === 'idle' }).toMatchObject({ idle: false });
    }
  });
});

describe('a screen that no rule knows', () => {
  it.each([...knownTools(), 'some-agent'])('is unknown, and says so: %s', (name) => {
    const found = detect(toolOf(name), { text: 'Segmentation fault\nsomething is printed here\n', title: undefined });
    expect(found).toMatchObject({ state: 'unknown', evidence: [] });
    expect(found.rule).toMatch(/^none of the \d+ rules/);
  });

  it('is starting while it is empty', () => {
    expect(detect(toolOf('claude'), { text: '\n \n\n', title: undefined })).toMatchObject({ state: 'starting' });
  });

  it('never takes history for now: the end of the screen decides', () => {
    const waiting = read('claude-2.1.328-waiting-permission.txt');
    const idle = read('claude-2.1.328-idle-start.txt');
    expect(detect(toolOf('claude'), { text: `${waiting}\n${idle}`, title: undefined })).toMatchObject({
      state: 'idle',
    });
  });
});

describe('any other program', () => {
  it.each([
    ['user@host:~/proj$ ', 'idle'],
    ['>>> ', 'idle'],
    ['ready> ', 'idle'],
    ['Overwrite the file? [y/N] ', 'waiting'],
    ['thinking (esc to interrupt)', 'running'],
    ['100 %', 'unknown'],
    ['compiling a.c', 'unknown'],
  ])('%j is %s', (line, state) => {
    expect(detect(toolOf('my-agent --fast'), { text: `hello\n${line}`, title: undefined })).toMatchObject({ state });
  });

  it('is told by the name of its program', () => {
    expect(toolOf('/opt/bin/claude --model x').tool).toBe('claude');
    expect(toolOf('claudette').tool).toBe('other');
  });
});
