/** A simulated agent that reads its mailbox as a harness does: takes some, has a turn with them, acknowledges. It outlives its node, and dies by itself. */
import type { OpId } from '#core/brand.ts';
import type { Handed } from '#core/message/mailboxes.ts';
import type { MailWatch } from './mail-watch.ts';
import type { SimNode } from './node.ts';
import type { Random } from './random.ts';
import type { VirtualTime } from './time.ts';

const WAIT_MS = 5_000;
/** How often it looks whether its node is back. */
const LOOK_MS = 250;
const TURN_MAX_MS = 800;
const BATCH_MAX = 3;

export type ReaderKnobs = { turnFailsProbability: number; readerDiesProbability: number };

export class SimReader {
  private readonly o: {
    agent: OpId;
    node: SimNode;
    time: VirtualTime;
    random: Random;
    watch: MailWatch;
    knobs: ReaderKnobs;
  };
  /** Counts what it is at: what an earlier one waits for is no matter of a later one. */
  private step = 0;
  /** The storm is over: no turn fails any more. */
  isCalm = false;

  constructor(o: SimReader['o']) {
    this.o = o;
  }

  /** As at its boot: what it had in hand in an earlier life goes back. */
  start(): void {
    const { node, agent } = this.o;
    this.whenUp(() => {
      node.mail(({ boxes }) => boxes.requeue({ agent, messages: undefined }));
      this.ask();
    });
  }

  private ask(): void {
    const { node, agent, random, time, watch } = this.o;
    const step = (this.step += 1);
    const life = node.lives();
    const done = (handed: readonly Handed[]): void => {
      watch.handed(agent, node, handed);
      if (this.step !== step) return;
      if (handed.length === 0) this.ask();
      else this.turn(handed.map(({ message }) => message.id));
    };
    node.mail(({ boxes }) => void boxes.receive({ agent, max: random.between(1, BATCH_MAX), waitMs: WAIT_MS, done }));
    const look = (): void => {
      if (this.step !== step) return;
      if (node.lives() !== life) this.whenUp(() => this.ask());
      else time.after(LOOK_MS, look);
    };
    time.after(LOOK_MS, look);
  }

  private turn(messages: readonly OpId[]): void {
    const { node, agent, random, time, watch, knobs } = this.o;
    this.step += 1;
    const fails = random.chance(knobs.turnFailsProbability) && !this.isCalm;
    const dies = random.chance(knobs.readerDiesProbability) && !this.isCalm;
    time.after(random.between(1, TURN_MAX_MS), () => {
      if (dies) {
        watch.bites.readerCrashes += 1;
        return this.start();
      }
      if (!fails) return this.acknowledge(messages);
      watch.bites.failedTurns += 1;
      this.whenUp(() => {
        node.mail(({ boxes }) => boxes.requeue({ agent, messages }));
        this.ask();
      });
    });
  }

  /** Says it until the node has it on disk, as a harness does whose node went away in between. */
  private acknowledge(messages: readonly OpId[]): void {
    const { node, agent, time } = this.o;
    this.whenUp(() => {
      const life = node.lives();
      let isSaid = false;
      node.mail(({ boxes }) => (isSaid = boxes.acknowledge({ agent, messages }) !== 'comparing'));
      time.after(LOOK_MS, () => (isSaid && node.lives() === life ? this.ask() : this.acknowledge(messages)));
    });
  }

  private whenUp(run: () => void): void {
    if (this.o.node.answers()) run();
    else this.o.time.after(LOOK_MS, () => this.whenUp(run));
  }
}
