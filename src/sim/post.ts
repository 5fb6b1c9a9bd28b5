/** The messages of a storm: who sends, who reads, and what an observer makes of it. */
import type { OpId } from '#core/brand.ts';
import { userPrincipal } from '#core/brand.ts';
import { mailboxOf } from '#core/message/address.ts';
import { opId } from '#core/op.ts';
import { MailWatch } from './mail-watch.ts';
import type { SimNode } from './node.ts';
import type { Random } from './random.ts';
import type { ReaderKnobs } from './reader.ts';
import { SimReader } from './reader.ts';
import type { Swarm } from './swarm.ts';

/** By then every node's agents are registered, unless it was down. */
const READERS_MS = 1_000;

export class Post {
  readonly watch: MailWatch;
  private readonly swarm: Swarm;
  private readonly random: Random;
  private readonly knobs: ReaderKnobs;
  private readonly readers: SimReader[] = [];
  private readonly agents: OpId[] = [];
  /** The fault that must not happen any more is a reader's. */
  private isCalm = false;

  constructor(o: { swarm: Swarm; random: Random; knobs: ReaderKnobs }) {
    this.swarm = o.swarm;
    this.random = o.random;
    this.knobs = o.knobs;
    this.watch = new MailWatch((rule) => o.swarm.history.broken(rule));
  }

  plan(messages: number, stormMs: number): void {
    const { time, nodes } = this.swarm;
    for (const node of nodes) time.after(READERS_MS, () => this.read(node));
    for (let n = 0; n < messages; n++)
      time.after(READERS_MS + this.random.unit() * 0.9 * stormMs, () => void this.send(`message ${n}`));
  }

  calm(): void {
    this.isCalm = true;
    for (const reader of this.readers) reader.isCalm = true;
  }

  private read(node: SimNode): void {
    const agents = node.committed().list('agent', { where: { node: node.id }, limit: 100 });
    if (agents.length === 0) return this.swarm.time.after(READERS_MS, () => this.read(node));
    for (const { id: agent } of agents) {
      const { swarm, random, watch, knobs } = this;
      const reader = new SimReader({ agent, node, time: swarm.time, random: random.fork(), watch, knobs });
      reader.isCalm = this.isCalm;
      this.agents.push(agent);
      this.readers.push(reader);
      reader.start();
    }
  }

  private async send(text: string): Promise<void> {
    const door = this.random.pick(this.swarm.nodes.filter((node) => node.up()));
    const reader = this.random.pick(this.agents);
    if (door === undefined || reader === undefined) return;
    const rest = { replyTo: null, thread: null, hops: 0, source: null, dueMs: null };
    const body = { type: 'message.sent', channel: mailboxOf(reader), kind: 'text', text, ...rest } as const;
    const arrivals = await door.append([{ entity: undefined, by: userPrincipal('sim'), body }]);
    for (const { op } of arrivals ?? []) this.watch.sent.add(opId(op));
  }
}
