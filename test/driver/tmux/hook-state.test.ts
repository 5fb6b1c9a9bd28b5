/** An agent's state by its hooks, and when its screen takes over. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { HookReport } from '#agent-ports.ts';
import { detect } from '#driver/tmux/detect.ts';
import { HookState } from '#driver/tmux/hook-state.ts';
import type { Seen } from '#driver/tmux/pane.ts';
import { toolOf } from '#driver/tmux/tool.ts';

const seen = (name: string): Seen => {
  const text = readFileSync(join(import.meta.dirname, 'screens', `${name}.txt`), 'utf8');
  const detection = detect(toolOf('claude'), { text, title: undefined });
  return { text, title: undefined, detection, changedMs: 0, end: undefined };
};
const IDLE = seen('claude-2.1.328-idle-after-turn');
const RUNNING = seen('claude-2.1.328-running-stream');
const RETRYING = seen('claude-2.1.328-retrying-529');
const WAITING = seen('claude-2.1.328-waiting-permission');

const NOTHING: HookReport = {
  event: '',
  session: null,
  cwd: null,
  source: null,
  prompt: null,
  tool: null,
  input: {},
  notification: null,
  message: null,
  error: null,
  request: null,
};
const hook = (event: string, o: Partial<HookReport> = {}): HookReport => ({ ...NOTHING, event, ...o });

describe('the state by hooks', () => {
  it('follows a turn from its prompt to its end', () => {
    const hooks = new HookState();
    const states = ['SessionStart', 'UserPromptSubmit', 'PreToolUse', 'PermissionRequest', 'PostToolUse', 'Stop'].map(
      (event) => {
        hooks.report(hook(event));
        return hooks.standing?.state;
      },
    );
    expect(states).toEqual([undefined, 'running', 'running', 'waiting', 'running', 'idle']);
  });

  it('tells a failure, and a rate limit from any other', () => {
    const hooks = new HookState();
    hooks.report(hook('UserPromptSubmit'));
    expect(hooks.report(hook('StopFailure', { error: 'server_error', message: 'API Error: 529' }))).toBe(true);
    expect(hooks.standing).toEqual({
      state: 'error',
      rule: 'a hook says that its turn failed (server_error): API Error: 529',
    });
    hooks.report(hook('UserPromptSubmit'));
    hooks.report(hook('StopFailure', { error: 'rate_limit' }));
    expect(hooks.standing?.state).toBe('rate_limited');
  });

  it('says nothing at an end that leaves a prompt waiting: it may have been taken into the turn, or get one of its own', () => {
    const hooks = new HookState();
    hooks.report(hook('UserPromptSubmit'));
    hooks.report(hook('UserPromptSubmit'));
    expect(hooks.report(hook('Stop'))).toBe(false);
    expect(hooks.standing).toBeUndefined();
    expect(hooks.report(hook('Stop'))).toBe(true);
    expect(hooks.standing?.state).toBe('idle');
  });

  it('goes on with a conversation that is made shorter, and begins anew with any other', () => {
    const hooks = new HookState();
    hooks.report(hook('UserPromptSubmit'));
    hooks.report(hook('SessionStart', { source: 'compact' }));
    expect(hooks.standing?.state).toBe('running');
    hooks.report(hook('SessionStart', { source: 'clear' }));
    expect(hooks.standing).toBeUndefined();
  });
});

describe('a screen that contradicts', () => {
  it('takes over after Escape, which fires no hook, once it has done so for two seconds', () => {
    const hooks = new HookState();
    hooks.report(hook('UserPromptSubmit'));
    expect(hooks.look(RUNNING, 1_000)).toBeUndefined();
    expect(hooks.look(IDLE, 2_000)).toBe(2_000);
    expect(hooks.look(IDLE, 3_999)).toBe(1);
    expect(hooks.standing?.state).toBe('running');
    hooks.look(IDLE, 4_000);
    expect(hooks.standing).toBeUndefined();
  });

  it('is given five seconds where it has not shown yet that it heard of the prompt', () => {
    const hooks = new HookState();
    hooks.report(hook('UserPromptSubmit'));
    expect(hooks.look(IDLE, 0)).toBe(5_000);
    hooks.look(IDLE, 4_999);
    expect(hooks.standing?.state).toBe('running');
  });

  it('has to do so without a pause, and a further hook counts more', () => {
    const hooks = new HookState();
    hooks.report(hook('UserPromptSubmit'));
    hooks.look(RUNNING, 0);
    hooks.look(IDLE, 100);
    hooks.look(RUNNING, 1_900);
    expect(hooks.look(IDLE, 2_000)).toBe(2_000);
    hooks.report(hook('PreToolUse'));
    expect(hooks.look(IDLE, 4_500)).toBe(2_000);
    expect(hooks.standing?.state).toBe('running');
  });

  it.each([
    ['a retry', 'UserPromptSubmit', RETRYING],
    ['a dialog without a hook', 'UserPromptSubmit', WAITING],
    ['a Yes in the terminal', 'PermissionRequest', RUNNING],
    ['a prompt whose hook was lost', 'Stop', RUNNING],
  ])('takes over for %s', (_what, event, screen) => {
    const hooks = new HookState();
    hooks.report(hook('UserPromptSubmit'));
    hooks.look(RUNNING, 0);
    hooks.report(hook(event));
    hooks.look(screen, 10_000);
    hooks.look(screen, 12_000);
    expect(hooks.standing).toBeUndefined();
  });

  it('does not, where both say the same', () => {
    const hooks = new HookState();
    hooks.report(hook('UserPromptSubmit'));
    hooks.report(hook('Stop'));
    hooks.look(IDLE, 0);
    hooks.look(IDLE, 60_000);
    expect(hooks.standing?.state).toBe('idle');
  });
});
