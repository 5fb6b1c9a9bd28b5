/**
 * Who is answering what: a claim that keeps ten agents from answering one message. The earliest counts, by the clocks of the hubs, and of two at once the lower
 * id; the other is told to yield. Advice, not a lock: nobody is kept from speaking. In memory, and lost with its hub.
 */

/** As in AgentChat: then another may claim it. */
const CLAIM_MS = 45_000;
/** Claims at once; the oldest is forgotten. */
const CLAIMS_MAX = 10_000;

export type Claim = { msgId: string; channel: string; holder: string; holderName: string; startedMs: number };

export class Floor {
  private readonly claims = new Map<string, Claim>();

  /** The claim that counts now: this one, or the one that was there. `lost`: the one that has to yield, if there are two. */
  claim(claim: Claim, nowMs: number): { held: Claim; lost: Claim | undefined } {
    const before = this.claims.get(claim.msgId);
    const isOver = before === undefined || before.startedMs + CLAIM_MS <= nowMs || before.holder === claim.holder;
    const held = isOver || isEarlier(claim, before) ? claim : before;
    this.claims.delete(claim.msgId);
    this.claims.set(claim.msgId, held);
    const [oldest] = this.claims.keys();
    if (this.claims.size > CLAIMS_MAX && oldest !== undefined) this.claims.delete(oldest);
    return { held, lost: isOver ? undefined : held === claim ? before : claim };
  }

  holderOf(msgId: string, nowMs: number): string | undefined {
    const held = this.claims.get(msgId);
    return held === undefined || held.startedMs + CLAIM_MS <= nowMs ? undefined : held.holder;
  }

  /** The holder spoke in the channel, or left: what it claimed there is free. */
  release(holder: string, channel: string): void {
    if (this.claims.size === 0) return;
    for (const [msgId, claim] of this.claims)
      if (claim.holder === holder && claim.channel === channel) this.claims.delete(msgId);
  }
}

const isEarlier = (a: Claim, b: Claim): boolean =>
  a.startedMs < b.startedMs || (a.startedMs === b.startedMs && a.holder < b.holder);
