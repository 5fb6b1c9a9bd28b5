/** Small slot values for the tests of the register. */
import type { NodeId, OpId } from '#core/brand.ts';
import { opIdOf } from '#core/brand.ts';
import type { EndValue, GrantValue } from '#core/schema/body.ts';
import { simNodeId } from '#sim/crypto.ts';

export const home = simNodeId(0);
export const other = simNodeId(1);
export const third = simNodeId(2);
export const task: OpId = opIdOf(home, 5);

export const granted = (attempt = 1, node: NodeId = other): GrantValue => ({
  kind: 'granted',
  attempt,
  claim: opIdOf(node, 9),
  node,
  agent: opIdOf(node, 2),
});

export const ended = (kind: EndValue['kind'], attempt = 1): EndValue => ({
  kind,
  attempt,
  reason: kind === 'completed' ? null : kind === 'cancelled' ? 'cancelled' : 'lost',
  result: null,
  error: null,
  work: null,
  by: null,
});
