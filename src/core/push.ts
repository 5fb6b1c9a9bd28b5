/**
 * Push: how new ops spread. An author sends each batch to all links; whoever gets a new one passes it on to links that are not linked with the
 * author. What is lost on the way is found by repair (`sync.ts`).
 */
import type { NodeId } from './brand.ts';
import type { Op } from './op.ts';
import { batches, frameOf } from './op-frame.ts';
import type { PresenceBoard } from './presence.ts';
import type { Outgoing } from './turn.ts';
import type { World } from './world.ts';

export class Push {
  private readonly world: World;
  private readonly presence: Pick<PresenceBoard, 'isLinked'>;

  constructor(world: World, presence: Pick<PresenceBoard, 'isLinked'>) {
    this.world = world;
    this.presence = presence;
  }

  /** The frames of own ops that are on disk now. */
  own(ops: readonly Op[]): Outgoing[] {
    const to = [...this.world.links];
    if (to.length === 0) return [];
    return batches(ops).flatMap((batch) => {
      const frame = frameOf(batch, false);
      return frame === undefined ? [] : [{ to, frame }];
    });
  }

  /** New ops that `from` sent: they leave before this node's own commit. */
  relay(from: NodeId, author: NodeId, ops: readonly Op[]): void {
    const { world, presence } = this;
    const frame = frameOf(ops, false);
    const to = [...world.links].filter(
      (link) => link !== from && link !== author && !presence.isLinked(link, author) && !presence.isLinked(link, from),
    );
    if (frame !== undefined && to.length > 0) world.turn.relays.push({ to, frame });
  }
}
