/**
 * The shell around one {@link NodeCore}: takes its turns one at a time and carries them out in the only safe order: relays, one write, then
 * sends and actions. The host and the simulator use this same loop, with different adapters.
 */
import type { NodeCore, Clock } from '#core/node.ts';
import type { Action, Outgoing, Turn } from '#core/turn.ts';
import { writesNothing } from '#core/turn.ts';
import type { Arrival, OpStore } from '#ports.ts';

export type TurnLoopOptions = {
  core: NodeCore;
  store: Pick<OpStore, 'commit' | 'truncateLog'>;
  clock: () => Clock;
  /** Runs a function soon, after everything that is at hand now: inputs of one turn of the event loop become one turn of the core. */
  soon: (run: () => void) => void;
  send: (outgoing: Outgoing) => void;
  act: (action: Action) => void;
  /** Committed ops, in order of arrival, after the core has seen them. */
  arrived: (arrivals: readonly Arrival[]) => void;
  /** The core has nothing more to do now: time to look at its next deadline. */
  rested?: () => void;
  /** A commit failed: nothing later may happen, the node stops. */
  failed: (error: unknown) => void;
};

type Waiter = { resolve: (arrivals: readonly Arrival[]) => void; reject: (error: unknown) => void };

export class TurnLoop {
  private readonly options: TurnLoopOptions;
  private waiters: Waiter[] = [];
  private scheduled = false;
  private running = false;
  private stopped: { error: unknown } | undefined;

  constructor(options: TurnLoopOptions) {
    this.options = options;
  }

  /** Something was put into the core: its turn runs soon. */
  kick(): void {
    if (this.scheduled || this.running || this.stopped !== undefined) return;
    this.scheduled = true;
    this.options.soon(() => {
      this.scheduled = false;
      void this.run();
    });
  }

  /** Resolves when the turn that is open now is on disk, with all its arrivals; rejects when its commit failed, or the loop stopped before it began. */
  settled(): Promise<readonly Arrival[]> {
    if (this.stopped !== undefined)
      return Promise.reject(new Error('the node has stopped', { cause: this.stopped.error }));
    const promise = new Promise<readonly Arrival[]>((resolve, reject) => this.waiters.push({ resolve, reject }));
    this.kick();
    return promise;
  }

  /** No turn is taken any more; whoever waits is told. Idempotent. */
  stop(error: unknown = new Error('the node is stopping')): void {
    if (this.stopped !== undefined) return;
    this.stopped = { error };
    for (const waiter of this.waiters.splice(0)) waiter.reject(error);
  }

  private async run(): Promise<void> {
    if (this.running) return;
    this.running = true;
    try {
      for (let turn = this.take(); turn !== undefined; turn = this.take()) {
        await this.carryOut(turn.turn, turn.waiters);
        // A write holds everything up: answers leave before the next one, and what came in meanwhile goes with it.
        if (!writesNothing(turn.turn)) await new Promise<void>((resolve) => this.options.soon(resolve));
      }
    } catch (error) {
      this.stop(error);
      this.options.failed(error);
    } finally {
      this.running = false;
      this.options.rested?.();
    }
  }

  /** The next turn with those who wait for it; undefined when the core has nothing to do. */
  private take(): { turn: Turn; waiters: Waiter[] } | undefined {
    if (this.stopped !== undefined) return undefined;
    const turn = this.options.core.take();
    const waiters = this.waiters.splice(0);
    if (turn !== undefined) return { turn, waiters };
    for (const waiter of waiters) waiter.resolve([]);
    return undefined;
  }

  /** Whoever waits for the turn is answered exactly once: what is on disk when the loop stops was still stored. */
  private async carryOut(turn: Turn, waiters: readonly Waiter[]): Promise<void> {
    const { core, store, send, act, arrived, clock } = this.options;
    for (const relay of turn.relays) send(relay);
    try {
      const arrivals = writesNothing(turn) ? [] : await store.commit({ ops: turn.ops, rows: turn.rows });
      for (const { node, seq } of turn.truncate) await store.truncateLog(node, seq);
      if (this.stopped === undefined) core.settle(turn, clock());
      for (const waiter of waiters) waiter.resolve(arrivals);
      if (this.stopped !== undefined) return;
      for (const outgoing of turn.sends) send(outgoing);
      if (arrivals.length > 0) arrived(arrivals);
      for (const action of turn.actions) act(action);
    } catch (error) {
      for (const waiter of waiters) waiter.reject(error);
      throw error;
    }
  }
}
