/** How tools are told of hooks, and how their words are read. */
import { describe, expect, it } from 'vitest';
import { claudeSettings, codexArguments } from '#driver/tmux/hook-setup.ts';
import { endOf, isPrompt, resultIn } from '#driver/tmux/hook-turn.ts';
import { commandOf, toolOf } from '#driver/tmux/tool.ts';

const command = ['/opt/node', "/opt/it's/hook.mjs", '/state/hooks/a.json'];
const LINE = `exec '/opt/node' '/opt/it'\\''s/hook.mjs' '/state/hooks/a.json' 2>/dev/null`;

describe('hooks', () => {
  it('are told to Claude Code as settings', () => {
    const { hooks } = JSON.parse(claudeSettings({ command, answerMaxSeconds: 1_860 }));
    expect(hooks.Stop).toEqual([{ hooks: [{ type: 'command', command: LINE, timeout: 5 }] }]);
    expect(hooks.PermissionRequest[0].hooks[0].timeout).toBe(1_860);
  });

  it('are told to Codex as arguments, each with the hash by which it is trusted', () => {
    const given = codexArguments({ command: ['node', '/h.mjs', '/a.json'] });
    expect(given.slice(0, 2)).toEqual([
      '-c',
      `hooks.SessionStart=[{hooks=[{type="command",command="exec 'node' '/h.mjs' '/a.json' 2>/dev/null",timeout=5}]}]`,
    ]);
    expect(given.at(-1)).toContain(
      '"/<session-flags>/config.toml:user_prompt_submit:0:0"={trusted_hash="sha256:466c0e8a5d36287fdc51c05a3445d0faa7e074497b6f7c186952879ed2a8634c"}',
    );
  });

  it('stand before whatever else a command line says', () => {
    const more = ['--settings', "/it's.json"];
    expect(commandOf(toolOf('claude'), 'claude', more)).toEqual([
      'claude',
      '--permission-mode',
      'acceptEdits',
      ...more,
    ]);
    expect(commandOf(toolOf('claude'), ' /opt/claude --model x; echo over', more)).toEqual([
      `/opt/claude '--settings' '/it'\\''s.json' --model x; echo over`,
    ]);
    expect(commandOf(toolOf('bash'), 'bash -l')).toEqual(['bash -l']);
  });
});

describe('what a hook tells of a turn', () => {
  it('is of ours where it holds the beginning of what was typed', () => {
    expect(isPrompt('fix   the\ntest, and more', 'fix the test, and more')).toBe(true);
    expect(isPrompt('<pasted_content>\nfix the test\n</pasted_content>', 'fix the test')).toBe(true);
    expect(isPrompt('how are you?', 'fix the test')).toBe(false);
    expect(isPrompt('how are you?', ' ')).toBe(false);
  });

  it('ends it with the last words of the agent, of which the marked ones are the result', () => {
    const stop = { kind: 'stopped', session: null, isLast: true, failure: undefined } as const;
    expect(endOf({ ...stop, message: 'done\n  TASK_RESULT: two' }, () => 'screen')).toEqual({
      outcome: 'completed',
      text: 'two',
    });
    expect(endOf({ ...stop, message: '' }, () => 'screen')).toEqual({ outcome: 'completed', text: 'screen' });
    expect(resultIn('one\ntwo\n')).toBe('one\ntwo');
  });

  it('ends it with what went wrong', () => {
    const stop = { kind: 'stopped', session: null, isLast: true, message: '' } as const;
    const end = (failure: string) => endOf({ ...stop, failure }, () => 'screen');
    expect(end('rate_limit')).toEqual({ outcome: 'failed', text: 'rate_limit', failure: 'rate_limited' });
    expect(end('authentication_failed')).toMatchObject({ failure: 'login' });
    expect(end('server_error')).toMatchObject({ failure: 'model' });
    expect(end('interrupted')).toEqual({ outcome: 'interrupted', text: '' });
  });
});
