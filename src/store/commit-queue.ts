/**
 * Group commit: what is handed in during one turn of the event loop is run together, as one transaction, and answered after it. The first
 * failure ends it: everything of that turn and everything later is refused, because what is on disk is no longer known.
 */
import { StoreError } from './errors.ts';

/** One job's answer; an error refuses that job alone, and nothing of it was stored. */
export type Outcome<Result> = { value: Result } | { error: StoreError };

/** Calls `run` when the turn is over, or `fail` when the disk did. */
export type CommitWhen = (run: () => void, fail: (cause: Error) => void) => void;

type Pending<Job, Result> = { job: Job; resolve: (result: Result) => void; reject: (error: StoreError) => void };

/** How many jobs wait is bounded by the doors: each holds its caller's promise until the turn ends. */
export class CommitQueue<Job, Result> {
  private readonly commitWhen: CommitWhen;
  private readonly runAll: (jobs: readonly Job[]) => readonly Outcome<Result>[];
  private pending: Pending<Job, Result>[] = [];
  private refusal: StoreError | undefined;

  /** `runAll` does the transaction and gives one outcome a job, in order; what it throws fails the queue for good. */
  constructor(commitWhen: CommitWhen, runAll: (jobs: readonly Job[]) => readonly Outcome<Result>[]) {
    this.commitWhen = commitWhen;
    this.runAll = runAll;
  }

  add(job: Job): Promise<Result> {
    if (this.refusal !== undefined) return Promise.reject(this.refusal);
    return new Promise((resolve, reject) => {
      this.pending.push({ job, resolve, reject });
      if (this.pending.length > 1) return;
      this.commitWhen(
        () => this.flush(),
        (cause) => this.fail(this.take(), cause),
      );
    });
  }

  /** Refuses what comes after this; what waits is run now. */
  close(): void {
    this.flush();
    this.refusal ??= new StoreError('store_closed', 'The store is closed; nothing was stored.');
  }

  /** As a crash would: what waits is neither run nor answered. */
  abandon(): void {
    this.take();
    this.refusal ??= new StoreError('store_closed', 'The store crashed; nothing was stored.');
  }

  private flush(): void {
    const turn = this.take();
    if (turn.length === 0) return;
    let outcomes: readonly Outcome<Result>[];
    try {
      outcomes = this.runAll(turn.map((one) => one.job));
    } catch (cause) {
      this.fail(turn, cause);
      return;
    }
    for (const [index, one] of turn.entries()) {
      const outcome = outcomes[index];
      if (outcome === undefined) throw new Error(`commit queue: ${outcomes.length} outcomes for ${turn.length} jobs`);
      if ('error' in outcome) one.reject(outcome.error);
      else one.resolve(outcome.value);
    }
  }

  private take(): Pending<Job, Result>[] {
    const turn = this.pending;
    this.pending = [];
    return turn;
  }

  private fail(turn: readonly Pending<Job, Result>[], cause: unknown): void {
    const why = cause instanceof Error ? cause.message : String(cause);
    const message = `A commit failed (${why}). The store takes no more; stop the node, make the disk right, start again.`;
    this.refusal ??= new StoreError('store_failed', message, { cause });
    for (const one of turn) one.reject(this.refusal);
  }
}
