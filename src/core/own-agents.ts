/** This node's own agents as presence tells of them: busy or idle by their attempts, unless the shell saw otherwise. */
import type { OpId } from './brand.ts';
import type { AgentPresence } from './presence.ts';
import type { Tasks } from './task/tasks.ts';

export class OwnAgents {
  /** States the shell reported that differ from idle: exited, waiting, unknown, … */
  private readonly states = new Map<OpId, string>();
  private said = '';

  /** True when it takes no work now: only an agent whose driver has nothing to say of it, or says idle, does. */
  isHeld(agent: OpId): boolean {
    return this.states.has(agent);
  }

  setState(agent: OpId, state: string | undefined): void {
    if (state === undefined || state === 'idle') this.states.delete(agent);
    else this.states.set(agent, state);
  }

  list(tasks: Tasks): AgentPresence[] {
    return [...tasks.ownAgents()].map((agent) => {
      const work = tasks.workOf(agent);
      return {
        agent,
        status: this.states.get(agent) ?? (work === undefined ? idleOrHeld(agent, tasks) : 'busy'),
        task: work?.task ?? null,
        attempt: work?.attempt ?? null,
      };
    });
  }

  /** True when what presence says has changed since the last time this was asked. */
  changed(tasks: Tasks): boolean {
    const now = JSON.stringify(this.list(tasks));
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
