/** Who stands at a door of this node. */
import { agentPrincipal } from '#core/brand.ts';
import type { Caller } from '#core/policy.ts';
import type { AttemptBearer, HookBearer } from '#agent-ports.ts';
import type { Door } from './door.ts';
import type { DoorRefusal } from './refusal.ts';
import { isRefusal, refused } from './refusal.ts';

/** `bearer`: the attempt whose secret was shown. `hooks`: the agent whose hooks' secret it was. */
export type DoorCaller = Caller & { bearer?: AttemptBearer; hooks?: HookBearer };

/** An agent by the secret of its attempt or of its hooks; undefined for a token that is of another kind. */
export function agentCaller(token: string, door: Door): DoorCaller | DoorRefusal | undefined {
  const hooks = door.node.hookBearer(token);
  if (hooks !== undefined) return { principal: agentPrincipal(hooks.agent), role: 'hook', hooks };
  const bearer = door.node.attemptBearer(token);
  if (bearer === undefined || isRefusal(bearer)) return bearer;
  return { principal: agentPrincipal(bearer.agent), role: 'agent', bearer };
}

export const unknownToken = (): DoorRefusal =>
  refused('unauthorised', 'this token is not known', { expected: 'Authorization: Bearer <token>', got: 'another' });
