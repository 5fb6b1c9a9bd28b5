/**
 * What becomes of an attempt whose agent ended by itself in the middle of its turn: it is started again with its conversation, after the wait that
 * the account of its crashes says, until that gives it up.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { AgentEvent } from '#agent-ports.ts';
import type { Crashes } from './crash-watch.ts';

type TurnEnded = Extract<AgentEvent, { kind: 'turn_ended' }>;

/** What an agent is asked that was started again. The task is said once more, for its conversation may be lost. */
export const revived = (task: string): string =>
  `Your process ended in the middle of this task and was started again. Look at what is done already, then go on. The task:\n\n${task}`;

export class Revival {
  readonly #crashes: Pick<Crashes, 'ended' | 'started'>;
  readonly #nowMs: () => number;
  readonly #show: (state: AgentEvent) => void;

  constructor(o: {
    crashes: Pick<Crashes, 'ended' | 'started'>;
    nowMs: () => number;
    show: (state: AgentEvent) => void;
  }) {
    this.#crashes = o.crashes;
    this.#nowMs = o.nowMs;
    this.#show = o.show;
    o.crashes.started();
  }

  /** How long to wait before it is started again; undefined where it is not. Called once for each turn that ended. */
  after(ended: TurnEnded): number | undefined {
    return this.#crashes.ended(ended);
  }

  /** True, after the wait, where the agent that died is to be started again; false at once without one, and when `signal` ends the wait. */
  async isDue(waitMs: number | undefined, signal: AbortSignal): Promise<boolean> {
    if (waitMs === undefined) return false;
    this.#show(waiting(waitMs, this.#nowMs()));
    await sleep(waitMs, undefined, { signal }).catch(() => undefined);
    this.#crashes.started();
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
