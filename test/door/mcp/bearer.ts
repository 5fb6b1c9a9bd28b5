/** Whoever calls a tool for an agent whose attempt does not matter here. */
import type { AttemptBearer } from '#agent-ports.ts';

export const bearerOf = (agent: AttemptBearer['agent']): AttemptBearer => ({
  agent,
  task: agent,
  attempt: 1,
  complete: async () => 'x',
  fail: async () => 'x',
  ask: async () => 'x',
  progress: () => 'x',
  mayCreateTask: () => true,
});
