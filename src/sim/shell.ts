/** The hands of a simulated node: carries out what its core wants done, and tells it how attempts ended. */
import type { NodeId } from '#core/brand.ts';
import type { Clock, NodeCore } from '#core/node.ts';
import type { EndValue } from '#core/schema/body.ts';
import type { Action } from '#core/turn.ts';
import type { History } from './history.ts';
import type { AttemptId, SimHolder, WorkEnd } from './holder.ts';
import type { Network } from './network.ts';

export type ShellOptions = {
  id: NodeId;
  index: number;
  history: History;
  network: Pick<Network, 'unlink' | 'keep'>;
  holder: SimHolder;
  core: () => NodeCore | undefined;
  clock: () => Clock;
  /** The core was told something: its next turn is due. */
  kick: () => void;
  /** Runs later in that life of the node; never in another. */
  later: (life: number, delayMs: number, run: () => void) => void;
};

export class SimShell {
  private readonly options: ShellOptions;

  constructor(options: ShellOptions) {
    this.options = options;
  }

  act(action: Action, life: number): void {
    const { id, index, history, network, holder, core, clock, kick, later } = this.options;
    switch (action.kind) {
      case 'start':
        history.started({ node: id, task: action.task, attempt: action.attempt, atMs: clock().nowMs });
        holder.start(action, this.whenEnded(life));
        return;
      case 'resume':
        if (!holder.follow(action, this.whenEnded(life))) this.end(action, { kind: 'lost', reason: 'lost' });
        return;
      case 'interrupt':
        // As the host does: whoever is stopped at its work tells how that ended, before it is cleaned.
        if (holder.stop(action)) later(life, 0, () => this.end(action, { kind: 'failed', reason: action.reason }));
        return;
      case 'clean':
        return later(life, 1, () => {
          holder.forget(action);
          core()?.attemptGone(action, clock());
          kick();
        });
      case 'serve':
        core()?.reply(action.call, { ok: false, code: 'unknown', message: 'not simulated' }, clock());
        return kick();
      case 'checked':
      case 'excluded':
        return;
      case 'member':
        return history.leases.shown(action.state);
      case 'unlink':
        return network.unlink(id, action.node);
      case 'keepLinks':
        return network.keep(id, action.nodes);
      case 'alarm':
        return history.broken(`always/no-alarm: node ${index}: ${action.text}`);
    }
  }

  /** Tells this life of the node how an attempt ended. */
  private whenEnded(life: number): (attempt: AttemptId, end: WorkEnd) => void {
    return (attempt, end) => this.options.later(life, 0, () => this.end(attempt, end));
  }

  private end({ task, attempt }: AttemptId, end: WorkEnd): void {
    const { core, clock, kick } = this.options;
    const value: EndValue = { ...end, attempt, result: null, error: null, work: null, by: null };
    core()?.attemptEnded({ task, attempt, value }, clock());
    kick();
  }
}
