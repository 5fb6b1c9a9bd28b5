/** When a pane is looked at: time is a number here. */
import { describe, expect, it } from 'vitest';
import type { Seen } from '#driver/tmux/pane.ts';
import { Pane } from '#driver/tmux/pane.ts';
import { toolOf } from '#driver/tmux/tool.ts';

function paneAt(startMs = 0, tool = 'bash'): { pane: Pane; at: (ms: number) => void; seen: Seen[] } {
  let nowMs = startMs;
  const pane = new Pane({ number: 3, tool: toolOf(tool), now: () => nowMs });
  const seen: Seen[] = [];
  pane.onSeen((one) => void seen.push(one));
  return { pane, seen, at: (ms) => (nowMs = ms) };
}
const shows = (pane: Pane, text: string): void => pane.captured({ text, title: undefined });

describe('a pane', () => {
  it('is looked at once when it is new, and then only after it printed', () => {
    const { pane, at } = paneAt();
    expect(pane.takeTurn()).toBe(true);
    shows(pane, '$ ');
    at(60_000);
    expect(pane.takeTurn()).toBe(false);
    pane.printed();
    expect(pane.takeTurn()).toBe(true);
  });

  it('has one look under way, and is looked at no more often than four times a second', () => {
    const { pane, at } = paneAt();
    let looks = 0;
    for (let ms = 0; ms < 1_000; ms += 5) {
      at(ms);
      pane.printed();
      if (!pane.takeTurn()) continue;
      looks += 1;
      expect(pane.takeTurn()).toBe(false);
      shows(pane, `line ${ms}`);
    }
    expect(looks).toBe(4);
  });

  it('that is at work and prints without a pause is looked at once a second, and at once when it pauses', () => {
    const { pane, at } = paneAt();
    const looks: number[] = [];
    for (let ms = 0; ms < 3_600; ms += 25) {
      at(ms);
      if (ms <= 3_000) pane.printed();
      if (!pane.takeTurn()) continue;
      looks.push(ms);
      shows(pane, `thinking ${ms} (esc to interrupt)`);
    }
    expect(looks.slice(0, 4)).toEqual([0, 1_000, 2_000, 3_000]);
    expect(looks.at(-1)).toBeLessThanOrEqual(3_300);
  });

  it('is looked at more often for a while after something was typed', () => {
    const { pane, at } = paneAt();
    pane.takeTurn();
    shows(pane, '$ ');
    at(10_000);
    pane.hurry(1_000);
    expect(pane.takeTurn()).toBe(true);
    shows(pane, '$ x');
    at(10_060);
    pane.printed();
    expect(pane.takeTurn()).toBe(true);
  });

  it('tells of what is new, once, and of its end', () => {
    const { pane, seen, at } = paneAt();
    shows(pane, '$ ');
    at(500);
    shows(pane, '$ ');
    expect(seen).toHaveLength(1);
    // Its program has closed the terminal; how it ended is told a moment later.
    pane.ended({ how: 'dead', code: null, signal: null });
    pane.ended({ how: 'dead', code: 3, signal: null });
    pane.ended({ how: 'dead', code: 3, signal: null });
    expect(seen.at(-1)).toMatchObject({
      text: '$ ',
      detection: { state: 'exited', rule: expect.stringContaining('code 3') },
    });
    expect(seen).toHaveLength(3);
    pane.ended({ how: 'gone', code: null, signal: null });
    expect(seen.at(-1)).toMatchObject({ end: { how: 'gone' } });
    pane.printed();
    at(10_000);
    expect(pane.takeTurn()).toBe(false);
    // Whoever goes through the panes comes to rest.
    expect(pane.isDirty).toBe(false);
  });

  it('of a program that may ask something first shows a prompt once the same one has stood for a while', () => {
    const { pane, at } = paneAt(0, 'codex');
    const prompt = (header: string): string => `${header}\n\n› Ask Codex to do anything\n\n  ? for shortcuts`;
    expect(pane.unsettledMs()).toBe(0);
    shows(pane, prompt('one'));
    expect(pane.unsettledMs()).toBe(2_000);
    at(1_500);
    expect(pane.unsettledMs()).toBe(500);
    shows(pane, prompt('two'));
    expect(pane.unsettledMs()).toBe(2_000);
    at(3_500);
    expect(pane.unsettledMs()).toBe(0);
    shows(pane, prompt('three'));
    expect(pane.unsettledMs()).toBe(0);
  });

  it('that was at work is past its start', () => {
    const { pane } = paneAt(0, 'codex');
    pane.captured({ text: 'x', title: '⠹ proj' });
    pane.captured({ text: '› Ask Codex to do anything\n\n  ? for shortcuts', title: 'proj' });
    expect(pane.seen?.detection.state).toBe('idle');
    expect(pane.unsettledMs()).toBe(0);
  });
});
