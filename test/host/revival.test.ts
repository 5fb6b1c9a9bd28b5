/** An attempt whose agent died shows that it waits, and ends the wait with the attempt. The account of deaths: crash-watch.test.ts. */
import { expect, it } from 'vitest';
import type { AgentEvent } from '#agent-ports.ts';
import { Revival } from '#host/revival.ts';

it('shows that it waits, and ends the wait with the attempt', async () => {
  const shown: AgentEvent[] = [];
  let starts = 0;
  const crashes = { ended: () => 5_000, started: () => void (starts += 1) };
  const revival = new Revival({ crashes, nowMs: () => 1_000, show: (state) => shown.push(state) });
  expect(starts).toBe(1);
  const abort = new AbortController();
  const due = revival.isDue(5_000, abort.signal);
  expect(shown).toMatchObject([{ kind: 'state', state: 'retrying', untilMs: 6_000 }]);
  abort.abort();
  expect(await due).toBe(false);
  expect(await revival.isDue(undefined, new AbortController().signal)).toBe(false);
  expect(shown).toHaveLength(1);
});
