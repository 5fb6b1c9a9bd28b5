/** Messages that nobody is to have any more, until this node has written so: at once, or as soon as it may write. */
import type { OpId } from '../brand.ts';
import { nodePrincipal } from '../brand.ts';
import type { BodyOf } from '../schema/body.ts';
import type { World } from '../world.ts';

/** While this node may not write yet, they wait so long. */
const RETRY_MS = 1_000;

export type Bounce = { agent: OpId; message: OpId; reason: BodyOf<'message.bounced'>['reason'] };

export class Bounces {
  private readonly world: World;
  private readonly tryLater: (afterMs: number) => void;
  /** By the key of its lease: one of a channel may bounce for several readers. */
  private readonly waiting = new Map<string, Bounce>();

  /** `tryLater`: this node may not write yet; {@link write} is to be called again. */
  constructor(world: World, tryLater: (afterMs: number) => void) {
    this.world = world;
    this.tryLater = tryLater;
  }

  add(lease: string, bounce: Bounce): void {
    this.waiting.set(lease, bounce);
    this.write();
  }

  /** The row of a lease goes with the op that ends it. */
  write(): void {
    const { world } = this;
    if (this.waiting.size === 0) return;
    if (!world.mayAppend()) return this.tryLater(RETRY_MS);
    for (const [key, { agent, message, reason }] of this.waiting) {
      const body = { type: 'message.bounced', agent, reason } as const;
      world.append([{ entity: message, by: nodePrincipal(world.self), body }]);
      world.persist({ table: 'lease', key, value: undefined });
    }
    this.waiting.clear();
  }
}
