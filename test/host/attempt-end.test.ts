import { describe, expect, it } from 'vitest';
import { failureOf, promptOf } from '../../src/host/attempt-end.ts';

describe('the prompt of an agent that reads', () => {
  it('is the description, then what to know, then where', () => {
    const task = { title: 'Add tests', projectPath: '/home/you/project' };
    const texts = { description: 'Write tests.\n', context: 'Focus on edge cases' };
    expect(promptOf(task, texts)).toBe(
      'Write tests.\n\nContext: Focus on edge cases\n\nProject path: /home/you/project',
    );
  });

  it('is the title where nothing else was said', () => {
    expect(promptOf({ title: 'Add tests', projectPath: null }, { description: ' ', context: '' })).toBe('Add tests');
  });
});

describe('the error of an attempt', () => {
  const failed = { kind: 'turn_ended', turn: 't', outcome: 'failed' } as const;
  const about = { said: null, limitSeconds: null, tail: 'the last lines' };

  it('begins with what the tool said of its error', () => {
    const event = { ...failed, text: 'API Error: 400', exit: undefined };
    expect(failureOf({ ...about, event })).toMatchObject({
      end: { kind: 'failed', reason: 'script_failed' },
      text: 'API Error: 400\nthe last lines',
    });
  });

  it('is why its tool did not start, and no fault of the task', () => {
    const exit = { code: 1, signal: null, error: null };
    const event = { ...failed, text: 'claude ended at its start', exit, failure: 'start_failed' } as const;
    expect(failureOf({ ...about, event })).toMatchObject({
      end: { kind: 'failed', reason: 'setup_failed' },
      text: 'claude ended at its start',
    });
  });

  it('begins with the exit of a program that ended', () => {
    const event = { ...failed, text: 'ignored', exit: { code: 3, signal: null, error: null } };
    expect(failureOf({ ...about, event })?.text).toBe('exit code 3\nthe last lines');
  });
});
