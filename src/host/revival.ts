/**
 * What becomes of an attempt whose agent ended by itself in the middle of its turn: it is started again with its conversation, each time after a
 * longer wait, until it has died too often too quickly.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { AgentEvent } from '#agent-ports.ts';

type TurnEnded = Extract<AgentEvent, { kind: 'turn_ended' }>;

/** The first wait; each further one is twice as long. */
const WAIT_FIRST_MS = 5_000;
const WAIT_MAX_MS = 300_000;
/** An agent that was up for so long counts as sound again. */
const SOUND_MS = 300_000;
/** After so many deaths in a row, each before it was sound, it is given up: it would die of the same again. */
const DEATHS_MAX = 10;
/** It does not know its arguments or its settings: the next start would end the same way. */
const EXIT_USAGE = 2;

/** What an agent is asked that was started again. The task is said once more, for its conversation may be lost. */
export const revived = (task: string): string =>
  `Your process ended in the middle of this task and was started again. Look at what is done already, then go on. The task:\n\n${task}`;

export class Revival {
  readonly #nowMs: () => number;
  readonly #show: (state: AgentEvent) => void;
  #upSinceMs: number;
  #deaths = 0;

  constructor(o: { nowMs: () => number; show: (state: AgentEvent) => void }) {
    this.#nowMs = o.nowMs;
    this.#show = o.show;
    this.#upSinceMs = o.nowMs();
  }

  /** How long to wait before it is started again; undefined where it is not. Called once for each death. */
  after({ failure, exit }: TurnEnded): number | undefined {
    if (failure !== 'agent_gone' || exit?.code === EXIT_USAGE || exit?.error?.startsWith('holder_') === true) {
      return undefined;
    }
    if (this.#nowMs() - this.#upSinceMs >= SOUND_MS) this.#deaths = 0;
    this.#deaths += 1;
    if (this.#deaths > DEATHS_MAX) return undefined;
    return Math.min(WAIT_FIRST_MS * 2 ** (this.#deaths - 1), WAIT_MAX_MS);
  }

  /** It is started again now. */
  started(): void {
    this.#upSinceMs = this.#nowMs();
  }

  /** True, after the wait, where the agent that died is to be started again; false at once where not, and when `signal` ends the wait. */
  async isDue(ended: TurnEnded, signal: AbortSignal): Promise<boolean> {
    const waitMs = this.after(ended);
    if (waitMs === undefined) return false;
    this.#show(waiting(waitMs, this.#nowMs()));
    await sleep(waitMs, undefined, { signal }).catch(() => undefined);
    this.started();
    return !signal.aborted;
  }
}

/** Shown while it waits. */
const waiting = (waitMs: number, nowMs: number): AgentEvent => ({
  kind: 'state',
  state: 'retrying',
  source: 'protocol',
  exact: true,
  evidence: `it ended by itself; started again after ${waitMs / 1_000} s`,
  untilMs: nowMs + waitMs,
});
