/** Bounds on what an agent, or one who came to the hub from outside, may send: how long a chain of messages may become, and how fast it may write to one reader. In memory: a restart begins anew. */
import type { Principal } from '../brand.ts';
import type { Refusal } from '../refusal.ts';
import { refusal } from '../refusal.ts';
import { TokenBucket } from '../token-bucket.ts';

/** Messages that led to one another without a person between them: two agents that only answer each other come to it in minutes. */
export const HOPS_MAX = 32;
/** Pairs that are remembered; the one that wrote least lately is forgotten, and begins anew. */
const PAIRS_MAX = 10_000;
/** A burst is half a minute's worth. */
const BURST_S = 30;

export class FloodGuard {
  private readonly perMinute: number;
  /** By sender and channel, the one that wrote last comes last. */
  private readonly pairs = new Map<string, TokenBucket>();

  /** `perMinute`: what one may send to one reader. */
  constructor(perMinute: number) {
    this.perMinute = perMinute;
  }

  /** Counts one message to each of the channels, or says why none may be sent. A refusal counts nothing but those before the one that is over. */
  check(o: { by: Principal; channels: readonly string[]; hops: number; nowMs: number }): Refusal | undefined {
    if (o.hops > HOPS_MAX)
      return refusal(
        'too_many',
        `this message would be the end of a chain of ${o.hops} messages, each the answer to another`,
        {
          expected: `at most ${HOPS_MAX}: end your turn, and let people go on`,
          got: `${o.hops}`,
        },
      );
    for (const channel of o.channels) {
      if (this.bucket(`${o.by} ${channel}`, o.nowMs).tryTake(1, o.nowMs)) continue;
      return refusal('too_many', 'you write to this reader faster than you may', {
        expected: `at most ${this.perMinute} messages a minute: say it in fewer`,
      });
    }
    return undefined;
  }

  private bucket(pair: string, nowMs: number): TokenBucket {
    const held =
      this.pairs.get(pair) ??
      new TokenBucket({ perSecond: this.perMinute / 60, burst: Math.max(1, (this.perMinute * BURST_S) / 60) }, nowMs);
    this.pairs.delete(pair);
    this.pairs.set(pair, held);
    const [oldest] = this.pairs.keys();
    if (this.pairs.size > PAIRS_MAX && oldest !== undefined) this.pairs.delete(oldest);
    return held;
  }
}
