/** A turn as screens tell it, over time: when it has ended, when it has not, and what its result is. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { detect } from '#driver/tmux/detect.ts';
import type { PaneEnd, Seen } from '#driver/tmux/pane.ts';
import { toolOf } from '#driver/tmux/tool.ts';
import { Turn } from '#driver/tmux/turn.ts';

const claude = toolOf('claude');
const screen = (name: string): string => readFileSync(join(import.meta.dirname, 'screens', `${name}.txt`), 'utf8');
const IDLE = screen('claude-2.1.328-idle-start');
const RUNNING = screen('claude-2.1.328-running-stream');
const DONE = screen('claude-2.1.328-idle-after-turn');
const PROMPT =
  'slow <<stub [{"text":"one two three four five six seven eight nine ten eleven twelve","chunks":20,"delayMs":400}]>>';

function seen(text: string, changedMs: number, o: { tool?: typeof claude; end?: PaneEnd } = {}): Seen {
  const detection = detect(o.tool ?? claude, { text, title: undefined });
  return { text, title: undefined, detection, changedMs, end: o.end };
}

const turnOf = (o: { before?: string; prompt?: string; hasRun?: boolean } = {}): Turn =>
  new Turn(claude, { prompt: o.prompt ?? PROMPT, before: o.before ?? IDLE, submittedMs: 0, hasRun: o.hasRun ?? false });

describe('a turn', () => {
  it('is not over because the pane still looks idle right after the prompt was typed', () => {
    const turn = turnOf();
    expect(turn.look(seen(IDLE, -10_000), 100)).toMatchObject({ kind: 'going' });
    expect(turn.look(seen(IDLE, -10_000), 4_999)).toMatchObject({ kind: 'going', pressEnter: false });
  });

  it('is over when it was seen running and has then been quiet', () => {
    const turn = turnOf();
    expect(turn.look(seen(RUNNING, 500), 500)).toEqual({ kind: 'going', lookMs: undefined, pressEnter: false });
    expect(turn.look(seen(DONE, 6_000), 6_000)).toEqual({ kind: 'going', lookMs: 8_000, pressEnter: false });
    expect(turn.look(seen(DONE, 6_000), 8_000)).toEqual({
      kind: 'ended',
      outcome: 'completed',
      text: '● one two three four five six seven eight nine ten eleven twelve',
    });
  });

  it('goes on when it runs again within the quiet time', () => {
    const turn = turnOf({ hasRun: true });
    expect(turn.look(seen(DONE, 1_000), 2_000)).toMatchObject({ kind: 'going' });
    expect(turn.look(seen(RUNNING, 2_500), 9_000)).toMatchObject({ kind: 'going' });
  });

  it('takes the text behind the mark, and does not wait long for it', () => {
    const turn = turnOf({ hasRun: true });
    const marked = DONE.replace('● one two', '● some words\n  TASK_RESULT: forty-two\n● one two');
    expect(turn.look(seen(marked, 1_000), 1_300)).toMatchObject({ kind: 'ended', text: 'forty-two' });
  });

  it('does not take the mark in its own prompt for a result', () => {
    const prompt = 'slow\nTASK_RESULT: <what you did>';
    const turn = turnOf({ hasRun: true, prompt });
    const echoed = DONE.replace('● one two', '  TASK_RESULT: <what you did>\n● one two');
    expect(turn.look(seen(echoed, 1_000), 1_300)).toMatchObject({ kind: 'going' });
    expect(turn.look(seen(echoed, 1_000), 3_000)).toMatchObject({ text: expect.stringContaining('● one two') });
  });

  it('presses Enter once more when nothing happens, and then gives up', () => {
    const turn = turnOf();
    const pending = screen('claude-2.1.328-idle-paste-pending');
    const same = new Turn(claude, { prompt: 'x', before: pending, submittedMs: 0, hasRun: false });
    expect(same.look(seen(pending, 0), 5_000)).toMatchObject({ kind: 'going', pressEnter: true });
    expect(same.look(seen(pending, 0), 6_000)).toMatchObject({ kind: 'going', pressEnter: false, lookMs: 60_000 });
    expect(same.look(seen(pending, 0), 60_000)).toMatchObject({ kind: 'ended', outcome: 'failed' });
    expect(turn.look(seen('no rule knows this', 0), 60_000)).toMatchObject({ kind: 'ended', outcome: 'failed' });
  });

  it('does not take a hint that came or went for a turn: the prompt stands there, and Enter is pressed again', () => {
    const tool = toolOf('gemini');
    const [before, pending, done] = ['idle-start-bars', 'idle-prompt-pending', 'idle-after-turn-bars'].map((name) =>
      screen(`gemini-0.61.0-${name}`),
    );
    const prompt = `commit <<stub [{"bash":"echo two > two.txt && git add -A && git commit -qm two"},{"text":"TASK_RESULT: two is committed","chunks":8,"delayMs":100}]>>`;
    const turn = new Turn(tool, { prompt, before: before ?? '', submittedMs: 0, hasRun: false });
    expect(turn.look(seen(pending ?? '', 500, { tool }), 5_500)).toMatchObject({ kind: 'going', pressEnter: true });
    expect(turn.look(seen(pending ?? '', 500, { tool }), 10_000)).toMatchObject({ kind: 'going', pressEnter: false });
    expect(turn.look(seen(done ?? '', 12_000, { tool }), 20_000)).toMatchObject({
      kind: 'ended',
      text: 'two is committed',
    });
  });

  it('that nobody saw running is over after a longer quiet, when its transcript went on', () => {
    const turn = turnOf();
    expect(turn.look(seen(DONE, 1_000), 3_500)).toMatchObject({ kind: 'going', lookMs: 6_000 });
    expect(turn.look(seen(DONE, 1_000), 6_000)).toMatchObject({ kind: 'ended', outcome: 'completed' });
  });

  it('waits as long as it takes while the agent waits for a person', () => {
    const waiting = screen('claude-2.1.328-waiting-permission');
    expect(turnOf().look(seen(waiting, 100), 3_600_000)).toEqual({
      kind: 'going',
      lookMs: undefined,
      pressEnter: false,
    });
  });

  it('fails with what the tool says of its error', () => {
    const turn = turnOf({ hasRun: true });
    const look = turn.look(seen(screen('claude-2.1.328-error-429'), 0), 2_000);
    expect(look).toMatchObject({ kind: 'ended', outcome: 'failed' });
    expect(JSON.stringify(look)).toContain('API Error: Request rejected (429)');
  });

  it('does not fail for the error of the turn before', () => {
    const before = screen('claude-2.1.328-error-429');
    expect(turnOf({ before }).look(seen(before, 0), 2_000)).toMatchObject({ kind: 'going' });
  });

  it('is gone with its program', () => {
    const end: PaneEnd = { how: 'dead', code: 1, signal: null };
    expect(turnOf().look(seen(DONE, 0, { end }), 100)).toMatchObject({ kind: 'gone' });
  });
});

describe('a turn of any other program', () => {
  const shell = toolOf('bash');
  const turn = (before: string): Turn => new Turn(shell, { prompt: 'make', before, submittedMs: 0, hasRun: false });

  it('is at work while it shows neither question nor prompt', () => {
    const one = turn('$ ');
    expect(one.look(seen('$ make\ncc a.c', 100, { tool: shell }), 100)).toMatchObject({ kind: 'going' });
    const done = '$ make\ncc a.c\nok\n$ ';
    expect(one.look(seen(done, 1_000, { tool: shell }), 2_999)).toMatchObject({ kind: 'going' });
    expect(one.look(seen(done, 1_000, { tool: shell }), 3_000)).toMatchObject({ text: expect.stringContaining('ok') });
  });

  it('knows a mark of its own from one that was there before, the same words or not', () => {
    const old = '$ x\nTASK_RESULT: done\n$ ';
    const one = turn(old);
    one.look(seen('busy', 10, { tool: shell }), 10);
    expect(one.look(seen(`${old}make\nok\n$ `, 100, { tool: shell }), 500)).toMatchObject({ kind: 'going' });
    const again = seen(`${old}make\nTASK_RESULT: done\n$ `, 100, { tool: shell });
    expect(one.look(again, 500)).toMatchObject({ kind: 'ended', text: 'done' });
  });
});
