/** The two halves of delivery at one node: what is let in here, and the mailboxes of its agents. */
import type { World } from '../world.ts';
import { Mailboxes } from './mailboxes.ts';
import { Sender } from './sender.ts';

export class Mail {
  readonly boxes: Mailboxes;
  readonly sender: Sender;

  constructor(world: World) {
    this.boxes = new Mailboxes(world);
    world.onWriting = (ops) => this.boxes.onWriting(ops);
    this.sender = new Sender(world, this.boxes);
  }
}
