/** The row of a turn, as it begins and as it ends. */
import type { AgentTurn, Wake } from '#core/schema/agent-turn.ts';
import { masked } from '#core/approval/mask.ts';
import type { TurnEnd } from './agent-turn.ts';
import type { Letter } from './wake-prompt.ts';

/** Of why a turn did not complete. */
const WHY_MAX_CHARS = 1_000;

export const rowOf = (o: {
  n: number;
  wake: Wake;
  told: readonly Letter[];
  conversation: number;
  nowMs: number;
}): AgentTurn => ({
  n: o.n,
  state: 'running',
  wake: o.wake,
  messages: o.told.map(({ id }) => id),
  redelivered: o.told.filter(({ redelivered }) => redelivered).length,
  why: null,
  model: null,
  input_tokens: 0,
  cached_tokens: 0,
  output_tokens: 0,
  cost_usd: null,
  started_at: new Date(o.nowMs).toISOString(),
  ms: null,
  context: null,
  conversation: o.conversation,
});

export function endedRow(row: AgentTurn, end: TurnEnd, nowMs: number): AgentTurn {
  const { outcome, text, spent, stop, failure } = end;
  const why = [failure, stop === undefined ? undefined : STOPS[stop], text.trim() === '' ? undefined : text.trim()];
  return {
    ...row,
    state: outcome,
    why:
      outcome === 'completed'
        ? null
        : masked(why.filter((part) => part !== undefined).join(': ')).slice(0, WHY_MAX_CHARS) || null,
    model: spent.model,
    input_tokens: spent.inputTokens,
    cached_tokens: spent.cachedTokens,
    output_tokens: spent.outputTokens,
    cost_usd: spent.model === null && spent.inputTokens === 0 ? null : spent.costUsd,
    ms: Math.max(0, nowMs - Date.parse(row.started_at)),
    context: end.context,
  };
}

const STOPS = {
  person: 'a person stopped it',
  stopped: 'its agent was stopped',
  withdrawn: 'its agent was withdrawn',
  budget: 'its budget was used up',
} as const;
