/** Who stands at a door of this node. */
import { agentPrincipal } from '#core/brand.ts';
import type { Caller } from '#core/policy.ts';
import type { AttemptBearer } from '#agent-ports.ts';
import type { Door } from './door.ts';
import type { DoorRefusal } from './refusal.ts';
import { isRefusal, refused } from './refusal.ts';

/** `bearer`: the attempt whose secret was shown. */
export type DoorCaller = Caller & { bearer?: AttemptBearer };

/** An agent by the secret of its attempt; undefined for a token that is of another kind. */
export function agentCaller(token: string, door: Door): DoorCaller | DoorRefusal | undefined {
  const bearer = door.node.attemptBearer(token);
  if (bearer === undefined || isRefusal(bearer)) return bearer;
  return { principal: agentPrincipal(bearer.agent), role: 'agent', bearer };
}

export const unknownToken = (): DoorRefusal =>
  refused('unauthorised', 'this token is not known', { expected: 'Authorization: Bearer <token>', got: 'another' });
