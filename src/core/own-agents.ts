/** This node's own agents as presence tells of them: busy or idle by their attempts, unless the shell saw otherwise. */
import type { OpId } from './brand.ts';
import type { AgentPresence } from './presence.ts';
import type { ContextUse } from './schema/transcript.ts';
import type { Tasks } from './task/tasks.ts';

/** Its state, or what is in its conversation; undefined: none. */
export type AgentSeen = { agent: OpId; state: string | undefined } | { agent: OpId; context: ContextUse | undefined };

export class OwnAgents {
  /** States the shell reported that differ from idle: exited, waiting, unknown, … */
  private readonly states = new Map<OpId, string>();
  private readonly contexts = new Map<OpId, ContextUse>();
  private said = '';

  /** True when it takes no work now: only an agent whose driver has nothing to say of it, or says idle, does. */
  isHeld(agent: OpId): boolean {
    return this.states.has(agent);
  }

  /** True when others are to hear of it at once: how full a conversation is goes with whatever is told next. */
  see(seen: AgentSeen): boolean {
    if ('context' in seen) {
      if (seen.context === undefined) this.contexts.delete(seen.agent);
      else this.contexts.set(seen.agent, seen.context);
      return false;
    }
    if (seen.state === undefined || seen.state === 'idle') this.states.delete(seen.agent);
    else this.states.set(seen.agent, seen.state);
    return true;
  }

  list(tasks: Tasks): AgentPresence[] {
    return [...tasks.ownAgents()].map((agent) => {
      const work = tasks.workOf(agent);
      return {
        agent,
        status: this.states.get(agent) ?? (work === undefined ? idleOrHeld(agent, tasks) : 'busy'),
        task: work?.task ?? null,
        attempt: work?.attempt ?? null,
        context: this.contexts.get(agent),
      };
    });
  }

  /** True when what presence says has changed since the last time this was asked. */
  changed(tasks: Tasks): boolean {
    const now = JSON.stringify(this.list(tasks).map((one) => ({ ...one, context: undefined })));
    if (now === this.said) return false;
    this.said = now;
    return true;
  }
}

/** `held:account`: work waits that it could do, and a cap or its machine keeps it from it. */
function idleOrHeld(agent: OpId, tasks: Tasks): string {
  const hold = tasks.heldBack(agent);
  return hold === undefined ? 'idle' : `held:${hold.why}`;
}
