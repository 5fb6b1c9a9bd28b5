/** What hubs tell one another in passing, between fake nodes. */
import type { NodeId } from '#core/brand.ts';
import type { Signals } from '#core/signals.ts';

export class FakeSignals implements Signals {
  /** Nodes whose hubs hear what this one tells. */
  readonly hubPeers = new Set<FakeSignals>();
  private readonly own: NodeId;
  private readonly signalListeners = new Set<(from: NodeId, text: string) => void>();

  constructor(own: NodeId) {
    this.own = own;
  }

  signal(text: () => string): boolean {
    for (const peer of this.hubPeers) for (const listener of peer.signalListeners) listener(this.own, text());
    return true;
  }

  onSignal(listener: (from: NodeId, text: string) => void): () => void {
    this.signalListeners.add(listener);
    return () => this.signalListeners.delete(listener);
  }
}
