/** The two halves of delivery at one node: what is let in here, and the mailboxes of its agents. */
import type { Op } from '../op.ts';
import type { World } from '../world.ts';
import { Loops } from './loops.ts';
import { Mailboxes } from './mailboxes.ts';
import { Sender } from './sender.ts';

export class Mail {
  readonly boxes: Mailboxes;
  readonly sender: Sender;
  private readonly loops: Loops;

  constructor(world: World) {
    this.boxes = new Mailboxes(world);
    world.onWriting = (ops) => this.boxes.onWriting(ops);
    this.loops = new Loops(world);
    this.sender = new Sender(world, { mailboxes: this.boxes, loops: this.loops });
  }

  onCommitted(ops: readonly Op[]): void {
    this.loops.onCommitted(ops);
    this.boxes.onCommitted(ops);
  }
}
