/** States of this node's agents that speak a protocol: as their drivers told them, to the core and to whoever asks why. */
import type { AgentExplained } from '#core/agent-terminal.ts';
import type { OpId } from '#core/brand.ts';
import type { ContextUse } from '#core/schema/transcript.ts';
import type { AgentEvent } from '#agent-ports.ts';
import type { Engine } from './engine.ts';

type StateEvent = Extract<AgentEvent, { kind: 'state' }>;

/** An agent that ended an attempt at a rate limit of unknown end takes nothing for so long. */
const PARKED_MS = 60_000;
/** The longest a timer can wait. */
const TIMER_MAX_MS = 2 ** 31 - 1;
/** While it works, presence tells so by its attempt. */
const BY_ATTEMPT: ReadonlySet<string> = new Set(['starting', 'idle', 'running']);

export class AgentStates {
  readonly #setState: (agent: OpId, state: string | undefined) => void;
  readonly #engine: Pick<Engine, 'agentState'> | undefined;
  readonly #nowMs: () => number;
  readonly #last = new Map<OpId, StateEvent & { sinceMs?: number }>();
  readonly #parked = new Map<OpId, NodeJS.Timeout>();
  readonly #held = new Map<OpId, StateEvent>();
  /** In a turn that no attempt tells of. */
  readonly #inTurn = new Set<OpId>();

  constructor(o: {
    setState: (agent: OpId, state: string | undefined) => void;
    /** Hears what is in the conversation of an agent. */
    engine?: Pick<Engine, 'agentState'>;
    nowMs: () => number;
  }) {
    this.#setState = o.setState;
    this.#engine = o.engine;
    this.#nowMs = o.nowMs;
  }

  /** Undefined: the attempt is over. An agent at a rate limit stays parked until it is reset, one that does not start until it is tried again. */
  stands(agent: OpId, state: StateEvent | undefined): void {
    // A terminal is looked at between attempts, too, and whoever looks tells how its agent stands.
    if (state !== undefined && state.source !== 'protocol') return;
    // The attempt is over, and its conversation with it.
    if (state === undefined) this.#engine?.agentState({ agent, context: undefined });
    clearTimeout(this.#parked.get(agent));
    this.#parked.delete(agent);
    if (state !== undefined) {
      const held = this.#last.get(agent);
      const sinceMs = held?.state === state.state ? held.sinceMs : this.#nowMs();
      this.#last.set(agent, { ...state, ...(sinceMs === undefined ? {} : { sinceMs }) });
      this.#setState(agent, BY_ATTEMPT.has(state.state) ? this.#plainState(agent) : state.state);
      return;
    }
    this.#inTurn.delete(agent);
    const held = this.#heldNow(agent);
    if (held !== undefined) {
      this.#last.set(agent, held);
      this.#setState(agent, held.state);
    }
    const last = held ?? this.#last.get(agent);
    const isBroken = last?.state === 'error' && last.untilMs !== undefined;
    if (last?.state !== 'rate_limited' && !isBroken) return this.#free(agent);
    const leftMs = (last.untilMs ?? this.#nowMs() + PARKED_MS) - this.#nowMs();
    const timer = setTimeout(() => this.#free(agent), Math.min(Math.max(leftMs, 0), TIMER_MAX_MS));
    this.#parked.set(agent, timer.unref());
  }

  /** It is in a turn, and in no attempt, until {@link stands} hears that it is over. */
  turnBegins(agent: OpId, evidence: string): void {
    this.#inTurn.add(agent);
    this.stands(agent, { kind: 'state', state: 'running', source: 'protocol', exact: true, evidence });
  }

  /** What is in its conversation now. */
  holds(agent: OpId, { tokens, max }: ContextUse): void {
    this.#engine?.agentState({ agent, context: { tokens, max } });
  }

  /** These take nothing until then, once they are at nothing. */
  hold(agents: ReadonlySet<OpId>, o: { evidence: string; untilMs: number }): void {
    const state = { kind: 'state', state: 'rate_limited', source: 'protocol', exact: true, ...o } as const;
    for (const agent of agents) {
      // Whatever holds it longest.
      if ((this.#heldNow(agent)?.untilMs ?? 0) > o.untilMs) continue;
      this.#held.set(agent, state);
      if (!this.#last.has(agent)) this.stands(agent, undefined);
    }
  }

  /** What held it is no reason any more. */
  release(agent: OpId): void {
    const held = this.#held.get(agent);
    this.#held.delete(agent);
    if (held !== undefined && this.#last.get(agent) === held) this.#free(agent);
  }

  explain(agent: OpId, tool: string): AgentExplained {
    const last = this.#last.get(agent);
    if (last === undefined) {
      const rule = 'it has no attempt here: its next one starts it';
      return { tool, state: 'idle', source: 'protocol', exact: true, rule, evidence: [] };
    }
    const { state, source, exact, evidence, sinceMs } = last;
    const until = last.untilMs === undefined ? [] : [{ zone: 'until', text: new Date(last.untilMs).toISOString() }];
    return { tool, state, source, exact, rule: evidence, evidence: until, sinceMs };
  }

  close(): void {
    for (const timer of this.#parked.values()) clearTimeout(timer);
    this.#parked.clear();
  }

  #plainState(agent: OpId): string | undefined {
    return this.#inTurn.has(agent) ? 'running' : undefined;
  }

  #heldNow(agent: OpId): StateEvent | undefined {
    const state = this.#held.get(agent);
    return (state?.untilMs ?? 0) > this.#nowMs() ? state : undefined;
  }

  #free(agent: OpId): void {
    clearTimeout(this.#parked.get(agent));
    this.#parked.delete(agent);
    if (this.#last.delete(agent)) this.#setState(agent, undefined);
  }
}
