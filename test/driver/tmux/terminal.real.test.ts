// Needs: tmux
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Terminal } from '#driver/tmux/terminal.ts';
import { toolOf } from '#driver/tmux/tool.ts';

let dir: string;
let terminal: Terminal | undefined;
const tmux = (...args: string[]): string =>
  execFileSync('tmux', ['-S', join(dir, 's'), '-f', '/dev/null', ...args], {
    encoding: 'utf8',
    stdio: 'pipe',
    timeout: 30_000,
  }).trim();

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'skep-terminal-'));
});
afterEach(async () => {
  await terminal?.close();
  try {
    tmux('kill-server');
  } catch {
    // The test ended it.
  }
  rmSync(dir, { recursive: true, force: true });
});

const attach = (onGone: (reason: string) => void): Terminal =>
  (terminal = new Terminal({
    server: ['-S', join(dir, 's')],
    session: 'one',
    env: { PATH: process.env['PATH'] ?? '' },
    linksMin: 1,
    pasteDirectory: dir,
    now: Date.now,
    onGone,
  }));

const paneNumber = (): number => Number(tmux('display-message', '-p', '-t', 'one', '#{pane_id}').slice(1));

it('types nothing into a pane whose program ended unseen, of which tmux 3.3a would die', async () => {
  tmux('new-session', '-d', '-s', 'one', 'cat', ';', 'set-option', '-g', 'remain-on-exit', 'on');
  tmux('respawn-pane', '-k', '-t', 'one', 'true');
  // Looked at again and again: the hook of a pane that died was once not heard, and then waited for without an end.
  await expect.poll(() => tmux('display-message', '-p', '-t', 'one', '#{pane_dead}')).toBe('1');
  const reasons: string[] = [];
  const held = attach((reason) => reasons.push(reason));
  const pane = held.watch(paneNumber(), toolOf('bash'));
  expect(pane.seen).toBeUndefined();
  expect(await held.type(pane, 'hello')).toBe(false);
  // What is asked next gets its own answer.
  expect(await held.ask('display-message -p next')).toEqual(['next']);
  expect(tmux('list-panes', '-a', '-F', '#{session_name} #{pane_dead}')).toBe('one 1');
  expect(tmux('list-buffers')).toBe('');
  expect(reasons).toEqual([]);
});

it('says of a pane that it is asked to watch after its server ended that it is gone: nobody else would', async () => {
  tmux('new-session', '-d', '-s', 'one', 'cat');
  const gone = Promise.withResolvers<string>();
  const held = attach(gone.resolve);
  expect(await held.ask('display-message -p there')).toEqual(['there']);
  tmux('kill-server');
  await gone.promise;
  expect(held.watch(0, toolOf('bash')).seen).toMatchObject({ detection: { state: 'exited' }, end: { how: 'gone' } });
});

it('finds out that a program was killed though tmux tells nothing of it', async () => {
  tmux('new-session', '-d', '-s', 'one', 'cat', ';', 'set-option', '-g', 'remain-on-exit', 'on');
  const held = attach(() => {});
  expect(await held.ask('display-message -p there')).toEqual(['there']);
  // Without its name for a format, tmux forgets what it was to tell.
  await held.ask('refresh-client -B ends');
  const pane = held.watch(paneNumber(), toolOf('bash'));
  process.kill(Number(tmux('display-message', '-p', '-t', 'one', '#{pane_pid}')), 'SIGKILL');
  await expect.poll(() => pane.seen?.end).toEqual({ how: 'dead', code: null, signal: '9' });
});
