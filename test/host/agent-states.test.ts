import { afterEach, describe, expect, it, vi } from 'vitest';
import { parsedOpId } from '#core/brand.ts';
import { AgentStates } from '../../src/host/agent-states.ts';

const AGENT = parsedOpId(`${'a'.repeat(32)}-1`);
const seen = (state: 'running' | 'waiting' | 'rate_limited' | 'error', untilMs?: number) => ({
  kind: 'state' as const,
  state,
  source: 'protocol' as const,
  exact: true,
  evidence: `it said ${state}`,
  ...(untilMs === undefined ? {} : { untilMs }),
});

function states() {
  const told: (string | undefined)[] = [];
  return { told, states: new AgentStates({ setState: (_, state) => told.push(state), nowMs: Date.now }) };
}

describe('states of agents that speak a protocol', () => {
  afterEach(() => vi.useRealTimers());

  it('are told where they are more than being at work, and end with the attempt', () => {
    const one = states();
    one.states.stands(AGENT, seen('running'));
    one.states.stands(AGENT, seen('waiting'));
    expect(one.states.explain(AGENT, 'claude')).toMatchObject({
      state: 'waiting',
      exact: true,
      rule: 'it said waiting',
    });
    one.states.stands(AGENT, undefined);
    expect(one.told).toEqual([undefined, 'waiting', undefined]);
    expect(one.states.explain(AGENT, 'claude')).toMatchObject({ tool: 'claude', state: 'idle' });
  });

  it('keep an agent parked at a rate limit until its reset', () => {
    vi.useFakeTimers();
    const one = states();
    one.states.stands(AGENT, seen('rate_limited', Date.now() + 90_000));
    one.states.stands(AGENT, undefined);
    vi.advanceTimersByTime(89_999);
    expect(one.told).toEqual(['rate_limited']);
    vi.advanceTimersByTime(1);
    expect(one.told).toEqual(['rate_limited', undefined]);
  });

  it('hold an agent whose tool does not start until it is tried again, and none for another error', () => {
    vi.useFakeTimers();
    const one = states();
    one.states.stands(AGENT, seen('error'));
    one.states.stands(AGENT, undefined);
    expect(one.told).toEqual(['error', undefined]);
    one.states.stands(AGENT, seen('error', Date.now() + 90_000));
    one.states.stands(AGENT, undefined);
    vi.advanceTimersByTime(89_999);
    expect(one.states.explain(AGENT, 'claude')).toMatchObject({ state: 'error', rule: 'it said error' });
    expect(one.told).toEqual(['error', undefined, 'error']);
    vi.advanceTimersByTime(1);
    expect(one.told).toEqual(['error', undefined, 'error', undefined]);
  });

  it('take a rate limit without a reset for a minute, and a new attempt ends the parking', () => {
    vi.useFakeTimers();
    const one = states();
    one.states.stands(AGENT, seen('rate_limited'));
    one.states.stands(AGENT, undefined);
    one.states.stands(AGENT, seen('running'));
    vi.advanceTimersByTime(60_000);
    expect(one.told).toEqual(['rate_limited', undefined]);
    expect(one.states.explain(AGENT, 'claude').state).toBe('running');
    one.states.close();
  });

  it('leave an agent in a terminal to whoever looks at its screen', () => {
    const one = states();
    one.states.stands(AGENT, { ...seen('waiting'), source: 'screen' });
    one.states.stands(AGENT, undefined);
    expect(one.told).toEqual([]);
  });
});
