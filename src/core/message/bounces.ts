/** Messages that nobody is to have any more, until this node has written so: at once, or as soon as it may write. */
import type { OpId } from '../brand.ts';
import { nodePrincipal } from '../brand.ts';
import type { BodyOf } from '../schema/body.ts';
import type { World } from '../world.ts';

export type Bounce = { agent: OpId; reason: BodyOf<'message.bounced'>['reason'] };

export class Bounces {
  private readonly world: World;
  private readonly tryLater: () => void;
  private readonly waiting = new Map<OpId, Bounce>();

  /** `tryLater`: this node may not write yet; {@link write} is to be called again. */
  constructor(world: World, tryLater: () => void) {
    this.world = world;
    this.tryLater = tryLater;
  }

  add(message: OpId, bounce: Bounce): void {
    this.waiting.set(message, bounce);
    this.write();
  }

  /** The row of a lease goes with the op that ends it. */
  write(): void {
    const { world } = this;
    if (this.waiting.size === 0) return;
    if (!world.mayAppend()) return this.tryLater();
    for (const [id, { agent, reason }] of this.waiting) {
      world.append([{ entity: id, by: nodePrincipal(world.self), body: { type: 'message.bounced', agent, reason } }]);
      world.persist({ table: 'lease', key: id, value: undefined });
    }
    this.waiting.clear();
  }
}
