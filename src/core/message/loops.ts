/**
 * Two that only answer each other, also where neither says what it answers: what goes to and fro between the same two in one channel, quickly and without
 * a word of people or of a third. In memory, of what arrived at this node, from wherever: a restart begins anew.
 */
import type { Principal } from '../brand.ts';
import type { Op } from '../op.ts';
import { createsEntity } from '../op.ts';
import type { World } from '../world.ts';
import { OPERATOR_CHANNEL } from './address.ts';

/** After so long a silence it is another conversation: a model that answers takes less. */
const QUICK_MS = 300_000;
/** Conversations that are remembered; the one that was silent longest is forgotten. */
const TALKS_MAX = 10_000;

/** `run`: how often the word has passed from one of the two to the other. */
type Talk = { last: Principal; other: Principal | undefined; run: number; atMs: number };

export class Loops {
  private readonly world: World;
  private readonly talks = new Map<string, Talk>();

  constructor(world: World) {
    this.world = world;
  }

  onCommitted(ops: readonly Op[]): void {
    for (const op of ops)
      if (op.body.type === 'message.sent' && createsEntity(op)) this.heard(op.header.by, op.body.channel);
  }

  /** How many messages led to one that it sends there now. */
  hopsOf(by: Principal, channel: string): number {
    const talk = this.talkOf(keyOf(by, channel));
    if (talk === undefined) return 0;
    if (talk.last === by) return talk.run;
    return talk.other === undefined || talk.other === by ? talk.run + 1 : 0;
  }

  private heard(by: Principal, channel: string): void {
    if (channel === OPERATOR_CHANNEL || by.startsWith('node:')) return;
    const key = keyOf(by, channel);
    const before = this.talkOf(key);
    this.talks.delete(key);
    // Whatever people say begins another conversation.
    if (by.startsWith('user:') && !by.startsWith('user:@')) return;
    this.talks.set(key, { ...after(before, by), atMs: this.world.nowMs });
    const [oldest] = this.talks.keys();
    if (this.talks.size > TALKS_MAX && oldest !== undefined) this.talks.delete(oldest);
  }

  private talkOf(key: string): Talk | undefined {
    const talk = this.talks.get(key);
    return talk !== undefined && this.world.nowMs - talk.atMs <= QUICK_MS ? talk : undefined;
  }
}

function after(talk: Talk | undefined, by: Principal): Omit<Talk, 'atMs'> {
  if (talk === undefined) return { last: by, other: undefined, run: 0 };
  if (talk.last === by) return talk;
  const isBetweenTwo = talk.other === undefined || talk.other === by;
  return { last: by, other: talk.last, run: isBetweenTwo ? talk.run + 1 : 1 };
}

/** A channel; or the two who write to each other, whoever of them does. */
function keyOf(by: Principal, channel: string): string {
  if (channel.startsWith('#')) return channel;
  return [`@${by.slice(by.indexOf(':') + 1)}`.replace('@@', '@'), channel].toSorted().join(' ');
}
