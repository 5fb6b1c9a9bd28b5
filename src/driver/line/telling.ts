import type { AgentEvent } from '#agent-ports.ts';

type StateEvent = Extract<AgentEvent, { kind: 'state' }>;

/** What a dialect told last, so that the same state is not told twice, and what is said ends its lines. */
export class Telling {
  #state: string | undefined;
  #endsLine = true;

  stand(state: StateEvent['state'], evidence: string, untilMs?: number): AgentEvent[] {
    if (state === this.#state) return [];
    this.#state = state;
    const until = untilMs === undefined ? {} : { untilMs };
    return [{ kind: 'state', state, source: 'protocol', exact: true, evidence, ...until }];
  }

  /** The next state is told, also when it is the same: its evidence is another. */
  forgetState(): void {
    this.#state = undefined;
  }

  say(text: string): AgentEvent {
    this.#endsLine = text.endsWith('\n');
    return { kind: 'delta', stream: 'stdout', text };
  }

  /** What the model thinks, where its tool shows it: no part of what it says. */
  think(text: string): AgentEvent {
    return { kind: 'delta', stream: 'thought', text };
  }

  /** What was said is over. */
  endLine(): AgentEvent[] {
    return this.#endsLine ? [] : [this.say('\n')];
  }
}
