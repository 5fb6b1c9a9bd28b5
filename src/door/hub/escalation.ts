/** What comes of breaking the limits again and again, with AgentChat's numbers: a warning, pauses, and in the end the door. In memory, as its clock. */

/** Breaches that are counted together. */
const WINDOW_MS = 60_000;
/** From so many in a window on. */
const [WARN_AT, THROTTLE_AT, TIMEOUT_AT] = [3, 6, 10];
const [THROTTLE_MS, TIMEOUT_MS] = [5_000, 60_000];
const TIMEOUTS_MAX = 3;
/** One time-out is forgiven after so long without a breach. */
const FORGIVE_MS = 300_000;
/** After so long nothing is known any more. */
const MEMORY_MS = 3_600_000;
/** Speakers that are remembered; the one that broke a limit least lately is forgotten. */
const REMEMBERED_MAX = 10_000;

type Kept = { breachesMs: number[]; timeouts: number; untilMs: number; lastMs: number };
export type Step = { level: 'none' | 'warn' | 'throttle' | 'timeout' | 'kick'; pauseMs: number };

export class Escalation {
  private readonly kept = new Map<string, Kept>();

  /** How long this one has to be silent yet; 0 for not at all. */
  pauseMs(id: string, nowMs: number): number {
    return Math.max(0, (this.kept.get(id)?.untilMs ?? 0) - nowMs);
  }

  /** It broke a limit: what follows. */
  breach(id: string, nowMs: number): Step {
    const kept = this.of(id, nowMs);
    kept.breachesMs = [...kept.breachesMs.filter((atMs) => atMs > nowMs - WINDOW_MS), nowMs];
    kept.lastMs = nowMs;
    const count = kept.breachesMs.length;
    if (count >= TIMEOUT_AT) {
      kept.timeouts += 1;
      kept.breachesMs = [];
      if (kept.timeouts > TIMEOUTS_MAX) return { level: 'kick', pauseMs: 0 };
      return paused(kept, { level: 'timeout', pauseMs: TIMEOUT_MS }, nowMs);
    }
    if (count >= THROTTLE_AT) return paused(kept, { level: 'throttle', pauseMs: THROTTLE_MS }, nowMs);
    return { level: count >= WARN_AT ? 'warn' : 'none', pauseMs: 0 };
  }

  private of(id: string, nowMs: number): Kept {
    const held = this.kept.get(id);
    const isKnown = held !== undefined && nowMs - held.lastMs < MEMORY_MS;
    const kept = isKnown ? held : { breachesMs: [], timeouts: 0, untilMs: 0, lastMs: nowMs };
    const forgiven = Math.floor((nowMs - kept.lastMs) / FORGIVE_MS);
    kept.timeouts = Math.max(0, kept.timeouts - forgiven);
    this.kept.delete(id);
    this.kept.set(id, kept);
    const [oldest] = this.kept.keys();
    if (this.kept.size > REMEMBERED_MAX && oldest !== undefined) this.kept.delete(oldest);
    return kept;
  }
}

/** A pause that runs already is never made shorter by what is said in it. */
function paused(kept: Kept, step: Step, nowMs: number): Step {
  kept.untilMs = Math.max(kept.untilMs, nowMs + step.pauseMs);
  return { ...step, pauseMs: kept.untilMs - nowMs };
}
