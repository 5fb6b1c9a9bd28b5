/**
 * Maelstrom's world in virtual time: nodes that talk in its messages over a network with a delay, partitions that drop what crosses them, and clients
 * beside each node, without delay (as in its `net.clj`). Counts the messages between nodes. Everything passes through JSON, as it would there.
 */
import { nodeIdOf } from '#core/brand.ts';
import type { Answer, Envelope } from '#maelstrom/message.ts';
import { envelopeSchema } from '#maelstrom/message.ts';
import type { MaelstromSettings } from '#maelstrom/node.ts';
import { MaelstromNode } from '#maelstrom/node.ts';
import { simCrypto, simNodeId, simPublicKey } from '../crypto.ts';
import { Random } from '../random.ts';
import { VirtualTime } from '../time.ts';

export type LabKnobs = {
  nodes: number;
  /** Of each message between nodes. */
  latencyMs: number;
  /** `constant`: every message takes {@link latencyMs}; `exponential`: on average, so that messages overtake one another. */
  latency: 'constant' | 'exponential';
  settings: MaelstromSettings;
  seed: number;
};

const EVENTS_MAX = 50_000_000;

export class MaelstromLab {
  readonly time = new VirtualTime();
  readonly random: Random;
  readonly names: string[];
  /** Between nodes, also those that a partition dropped. */
  messages = 0;
  dropped = 0;
  readonly problems: string[] = [];
  private readonly knobs: LabKnobs;
  private readonly nodes = new Map<string, MaelstromNode>();
  private readonly waiting = new Map<string, (answer: Answer) => void>();
  private isCut: (from: string, to: string) => boolean = () => false;
  private next = 0;

  /** `visible` is told of each value that a node's reads show from now on. */
  constructor(knobs: LabKnobs, visible: (node: string, value: unknown) => void = () => {}) {
    this.knobs = knobs;
    this.random = new Random(knobs.seed);
    this.names = Array.from({ length: knobs.nodes }, (_, index) => `n${index}`);
    for (const [index, name] of this.names.entries()) this.nodes.set(name, this.make(index, name, visible));
  }

  /** Every node has heard `init`, and `topology` where it is given. */
  start(o: { topology: boolean }): void {
    for (const name of this.names) {
      this.request(name, { type: 'init', node_id: name, node_ids: this.names }, () => {});
      if (o.topology) this.request(name, { type: 'topology', topology: {} }, () => {});
    }
  }

  /** A client's request; `done` runs when it is answered. */
  request(node: string, body: { type: string; [field: string]: unknown }, done: (answer: Answer) => void): void {
    const msgId = (this.next += 1);
    this.waiting.set(`c ${msgId}`, done);
    this.deliver({ src: 'c', dest: node, body: { ...body, msg_id: msgId } }, 0);
  }

  /** From now on messages between nodes of which this says true are dropped. */
  cut(isCut: (from: string, to: string) => boolean): void {
    this.isCut = isCut;
  }

  heal(): void {
    this.isCut = () => false;
  }

  run(untilMs: number): Promise<void> {
    return this.time.run({ untilMs, maxEvents: EVENTS_MAX });
  }

  private make(index: number, name: string, visible: (node: string, value: unknown) => void): MaelstromNode {
    const random = this.random.fork();
    const { time } = this;
    return new MaelstromNode({
      settings: this.knobs.settings,
      identity: () => ({
        node: nodeIdOf(simNodeId(index)),
        publicKey: simPublicKey(index),
        crypto: simCrypto(index),
      }),
      clock: () => ({ nowMs: time.nowMs, wallMs: Math.floor(time.nowMs) }),
      random: () => random.unit(),
      later: (delayMs, run) => time.after(delayMs, run),
      soon: (run) => time.after(0, run),
      send: (message) => this.route(message),
      say: (text) => void this.problems.push(`${name}: ${text}`),
      visible: (value) => visible(name, value),
    });
  }

  private route(message: Envelope): void {
    const { src, dest, body } = message;
    if (!this.nodes.has(dest)) {
      const key = `${dest} ${body.in_reply_to ?? 0}`;
      const done = this.waiting.get(key);
      this.waiting.delete(key);
      return done?.(body);
    }
    this.messages += 1;
    if (this.isCut(src, dest)) this.dropped += 1;
    else this.deliver(message, this.latencyMs());
  }

  private deliver(message: Envelope, delayMs: number): void {
    const text = JSON.stringify(message);
    this.time.after(delayMs, () => this.nodes.get(message.dest)?.receive(envelopeSchema.parse(JSON.parse(text))));
  }

  private latencyMs(): number {
    const { latency, latencyMs } = this.knobs;
    return latency === 'constant' ? latencyMs : -Math.log(1 - this.random.unit()) * latencyMs;
  }
}
