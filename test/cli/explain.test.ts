import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { skep, testWorld } from './test-world.ts';

const SCREENS = join(import.meta.dirname, '../driver/tmux/screens');

describe('skep explain --file', () => {
  it('says what a saved screen is taken for, by which rule, and what it found', async () => {
    const world = testWorld();
    const file = join(SCREENS, 'claude-2.1.328-error-529.txt');
    expect(await skep(world, 'explain', '--file', file, '--tool', 'claude')).toBe(0);
    expect(world.said.out).toBe(
      [
        'agent  claude',
        'state  error',
        'rule   the last turn ended with an API error',
        'box    ❯',
        'turn   ● API Error: 529 stub error 529. This is a server-side issue, usually temporary — try again in a moment. If it',
        '',
      ].join('\n'),
    );
  });

  it('takes the title of the pane, where only it tells', async () => {
    const file = join(SCREENS, 'codex-0.169.0-running-stream.txt');
    const state = async (...title: string[]): Promise<unknown> => {
      const world = testWorld();
      expect(await skep(world, 'explain', '--file', file, '--tool', 'codex', '--json', ...title)).toBe(0);
      return JSON.parse(world.said.out);
    };
    expect(await state()).toMatchObject({ state: 'unknown', evidence: [] });
    expect(await state('--title', '⠹ proj')).toMatchObject({ state: 'running', seen: '0.169.0' });
  });

  it('wants the tool, and a file that can be read', async () => {
    const world = testWorld();
    expect(await skep(world, 'explain', '--file', 'screen.txt')).toBe(2);
    expect(await skep(world, 'explain', '--file', '/nowhere/screen.txt', '--tool', 'claude')).toBe(2);
    expect(world.said.err).toContain('/nowhere/screen.txt cannot be read');
  });
});
