import type { Given } from './given.ts';

/** Whether a new agent is woken by its messages, and what becomes of those that no turn answers. */
export function turnsGiven(given: Given): { turns?: 'on' | 'echo' } {
  if (given.flag('echo')) return { turns: 'echo' };
  return given.flag('turns') ? { turns: 'on' } : {};
}
