import { expect, it } from 'vitest';
import type { AgentEvent } from '#agent-ports.ts';
import { Revival } from '#host/revival.ts';

type TurnEnded = Extract<AgentEvent, { kind: 'turn_ended' }>;

const gone = (o: Partial<TurnEnded> = {}): TurnEnded => ({
  kind: 'turn_ended',
  turn: 't',
  outcome: 'failed',
  text: '',
  exit: { code: null, signal: 'SIGKILL', error: null },
  failure: 'agent_gone',
  ...o,
});

const made = (nowMs: () => number): Revival => new Revival({ nowMs, show: () => {} });

it('waits twice as long each time, at most five minutes, and gives up after ten quick deaths', () => {
  const revival = made(() => 0);
  for (const seconds of [5, 10, 20, 40, 80, 160, 300, 300, 300, 300]) {
    expect(revival.after(gone())).toBe(seconds * 1_000);
    revival.started();
  }
  expect(revival.after(gone())).toBeUndefined();
});

it('begins anew with an agent that was up for five minutes', () => {
  let nowMs = 0;
  const revival = made(() => nowMs);
  revival.after(gone());
  expect(revival.after(gone())).toBe(10_000);
  revival.started();
  nowMs += 299_999;
  expect(revival.after(gone())).toBe(20_000);
  revival.started();
  nowMs += 300_000;
  expect(revival.after(gone())).toBe(5_000);
});

it.each([
  { what: 'that did not die', ended: gone({ failure: 'model' }) },
  { what: 'that did not start', ended: gone({ failure: 'start_failed' }) },
  { what: 'whose arguments are wrong', ended: gone({ exit: { code: 2, signal: null, error: null } }) },
  { what: 'whose holder is lost', ended: gone({ exit: { code: null, signal: null, error: 'holder_lost' } }) },
  {
    what: 'that was stopped with its node',
    ended: gone({ exit: { code: null, signal: null, error: 'holder_stopped' } }),
  },
])('leaves an agent alone $what', ({ ended }) => {
  expect(made(() => 0).after(ended)).toBeUndefined();
});

it('shows that it waits, and ends the wait with the attempt', async () => {
  const shown: AgentEvent[] = [];
  const revival = new Revival({ nowMs: () => 1_000, show: (state) => shown.push(state) });
  const abort = new AbortController();
  const due = revival.isDue(gone(), abort.signal);
  expect(shown).toMatchObject([{ kind: 'state', state: 'retrying', untilMs: 6_000 }]);
  abort.abort();
  expect(await due).toBe(false);
  expect(await revival.isDue(gone({ failure: 'model' }), abort.signal)).toBe(false);
});
