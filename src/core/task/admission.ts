/**
 * Whether one more attempt may begin here: caps of the node, its tools and the accounts of the swarm, and what the machine has left. Asked before a
 * claim and of nothing that runs. Swarm-wide caps count what this node knows to be at work or claimed: nodes that claim in the same moment, or that
 * do not hear of one another, can go above them together.
 */
import type { OpId } from '../brand.ts';
import type { CapKind } from '../schema/body.ts';
import type { LiveAgent } from '../view/agent.ts';
import { isLive } from '../view/agent.ts';
import { capId, isLiveCap } from '../view/cap.ts';
import type { Lack, World } from '../world.ts';
import type { Board } from './board.ts';

/** Why an agent takes nothing although work waits that fits it. */
export type Hold = { why: CapKind | Lack['why']; text: string };

export type AdmissionOptions = {
  board: Board;
  own: ReadonlyMap<OpId, LiveAgent>;
  /** What an own agent is at, until it is cleaned. */
  workOf: (agent: OpId) => { task: OpId; attempt: number } | undefined;
};

export class Admission {
  private readonly world: World;
  private readonly o: AdmissionOptions;

  constructor(world: World, o: AdmissionOptions) {
    this.world = world;
    this.o = o;
  }

  /** Undefined: it may. */
  holdOf(agent: LiveAgent): Hold | undefined {
    const { settings, self } = this.world;
    const { tool, account } = agent.registered;
    const own = this.takenHere();
    const ofTool = own.filter((one) => one.agent.registered.tool === tool);
    return (
      held('node', 'this node', own.length, settings.maxAgents) ??
      held('node', 'this node', own.length, this.cap('node', self)) ??
      held('tool', `${tool} on this node`, ofTool.length, settings.maxAgentsOf?.[tool]) ??
      this.ofSwarm('tool', tool) ??
      (account === null ? undefined : this.ofSwarm('account', account)) ??
      settings.lacksFor?.(agent, own)
    );
  }

  private takenHere() {
    return [...this.o.own.values()].flatMap((agent) => {
      const work = this.o.workOf(agent.id);
      return work === undefined && this.o.board.isFree(agent.id) ? [] : [{ agent, work }];
    });
  }

  private ofSwarm(kind: 'tool' | 'account', name: string): Hold | undefined {
    const max = this.cap(kind, name);
    if (max === undefined) return undefined;
    const taken = new Set(this.o.board.taken());
    // An attempt that is over for the swarm goes on here until it is stopped.
    for (const { agent } of this.takenHere()) taken.add(agent.id);
    const count = [...taken].filter((id) => {
      const row = this.world.store.get('agent', id);
      return isLive(row) && row.registered[kind] === name;
    }).length;
    return held(kind, `the ${kind} ${name} in the swarm`, count, max);
  }

  private cap(kind: CapKind, name: string): number | undefined {
    const row = this.world.store.get('cap', capId({ kind, name }));
    return isLiveCap(row) ? row.set.max : undefined;
  }
}

function held(why: CapKind, what: string, count: number, max: number | undefined): Hold | undefined {
  if (max === undefined || count < max) return undefined;
  return { why, text: `${count} at work or claimed, and the cap of ${what} is ${max}` };
}
