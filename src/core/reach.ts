/** Who can be reached, and who is trusted to be there: what presence says of links and what the detector finds out, joined for the rest of the core. */
import type { NodeId } from './brand.ts';
import type { Calls } from './calls.ts';
import { Detector } from './detector.ts';
import type { PresenceBoard } from './presence.ts';
import type { Heartbeat, MemberState } from './schema/frame.ts';
import type { Tasks } from './task/tasks.ts';
import type { Outgoing } from './turn.ts';
import type { World } from './world.ts';

/** Made after this. */
type Parts = { tasks: () => Tasks; calls: () => Calls };

export class Reach {
  readonly detector: Detector;
  private readonly world: World;
  private readonly presence: PresenceBoard;
  private readonly parts: Parts;

  constructor(world: World, presence: PresenceBoard, parts: Parts) {
    this.world = world;
    this.presence = presence;
    this.parts = parts;
    this.detector = new Detector(world, {
      isLinked: (link, node) => presence.isLinked(link, node),
      mayDial: (node) => world.mayReach(node),
      onChange: (node, state) => {
        world.turn.actions.push({ kind: 'member', node, state });
        if (state === 'alive') parts.tasks().onReach();
        else parts.tasks().onDoubt(node);
      },
      unlink: (node, why) => world.turn.actions.push({ kind: 'unlink', node, why }),
    });
    world.hasNeighbour = (node) => presence.neighbourOf(node) !== undefined;
    world.isDoubted = (node) => (this.detector.shown(node) ?? 'alive') !== 'alive';
  }

  onHeartbeat(from: NodeId, frame: Heartbeat): void {
    const { tasks, calls } = this.parts;
    const taken = this.presence.onHeartbeat(from, frame);
    if (taken === 'old') return;
    tasks().onHeartbeat(frame);
    if (taken !== 'links') return;
    // Somebody may be within reach now, or out of it, who was not before.
    calls().onWaysChanged();
    this.detector.onReach();
    tasks().onReach();
  }

  /** Every node that is linked, or was ever heard of: as it is shown. */
  standings(): ReadonlyMap<NodeId, MemberState> {
    const { detector, world } = this;
    const said = this.presence.all();
    const near = [...world.links].flatMap((link) => [link, ...(said.get(link)?.links ?? [])]);
    const nodes = new Set([...near, ...detector.nodes()]);
    nodes.delete(world.self);
    return new Map([...nodes].map((node) => [node, detector.shown(node) ?? 'alive']));
  }

  leaving(): Outgoing[] {
    return this.detector.leaving().map(({ to, frame }) => ({ to: [to], frame }));
  }
}
