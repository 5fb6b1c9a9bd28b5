/** What runs on a simulated machine beside its node: agents' work goes on while the node is down. */
import type { OpId } from '#core/brand.ts';
import type { EndValue } from '#core/schema/body.ts';
import type { Random } from './random.ts';
import type { VirtualTime } from './time.ts';

export type HolderKnobs = {
  workMinMs: number;
  workMaxMs: number;
  /** How often a script fails. */
  failProbability: number;
  /** How often an agent hangs, or waits for somebody who never answers: it is stopped at its time limit, {@link LIMIT_MS}. */
  hangProbability: number;
};

/** Beyond every lease of the storms: who is hung is held by its beats alone. */
const LIMIT_MS = 30_000;

export type AttemptId = { task: OpId; attempt: number };
export type WorkEnd = Pick<EndValue, 'kind' | 'reason'>;

type Work = AttemptId & { endsAtMs: number; end: WorkEnd };

const keyOf = ({ task, attempt }: AttemptId): string => `${task}/${attempt}`;

export class SimHolder {
  private readonly time: VirtualTime;
  private readonly random: Random;
  private readonly knobs: HolderKnobs;
  private readonly running = new Map<string, Work>();
  /** How often an agent hung. */
  hung = 0;

  constructor(o: { time: VirtualTime; random: Random; knobs: HolderKnobs }) {
    this.time = o.time;
    this.random = o.random;
    this.knobs = o.knobs;
  }

  start({ task, attempt }: AttemptId, ended: (attempt: AttemptId, end: WorkEnd) => void): void {
    const { random, knobs, time } = this;
    let workMs = random.between(knobs.workMinMs, knobs.workMaxMs);
    let end: WorkEnd = random.chance(knobs.failProbability)
      ? { kind: 'failed', reason: 'script_failed' }
      : { kind: 'completed', reason: null };
    // Where nobody hangs nothing is drawn: a history is what it was before there was such a fault.
    if (knobs.hangProbability > 0 && random.chance(knobs.hangProbability)) {
      this.hung += 1;
      workMs = LIMIT_MS;
      end = { kind: 'failed', reason: 'timed_out' };
    }
    this.running.set(keyOf({ task, attempt }), { task, attempt, endsAtMs: time.nowMs + workMs, end });
    this.follow({ task, attempt }, ended);
  }

  /** Tells of the end, now or when it comes; false when nothing of the attempt is known. */
  follow(attempt: AttemptId, ended: (attempt: AttemptId, end: WorkEnd) => void): boolean {
    const work = this.running.get(keyOf(attempt));
    if (work === undefined) return false;
    this.time.after(work.endsAtMs - this.time.nowMs, () => {
      if (this.running.get(keyOf(attempt)) === work) ended(attempt, work.end);
    });
    return true;
  }

  /** Stops it; false when it was at no work. */
  stop(attempt: AttemptId): boolean {
    const work = this.running.get(keyOf(attempt));
    this.forget(attempt);
    return work !== undefined && work.endsAtMs > this.time.nowMs;
  }

  forget(attempt: AttemptId): void {
    this.running.delete(keyOf(attempt));
  }

  /** The machine went down. */
  clear(): void {
    this.running.clear();
  }
}
