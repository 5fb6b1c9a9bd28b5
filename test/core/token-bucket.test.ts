import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TokenBucket } from '#core/token-bucket.ts';

describe('a token bucket', () => {
  it('begins full, refuses what is not there, and fills at its rate', () => {
    const bucket = new TokenBucket({ perSecond: 10, burst: 5 }, 1_000);
    for (let at = 0; at < 5; at += 1) expect(bucket.tryTake(1, 1_000)).toBe(true);
    expect(bucket.tryTake(1, 1_000)).toBe(false);
    expect(bucket.tryTake(1, 1_099)).toBe(false);
    expect(bucket.tryTake(1, 1_100)).toBe(true);
  });

  it('saves no more than a burst', () => {
    const bucket = new TokenBucket({ perSecond: 10, burst: 5 }, 0);
    expect(bucket.tryTake(6, 1_000_000)).toBe(false);
    expect(bucket.tryTake(5, 1_000_000)).toBe(true);
  });

  it('gives on credit, and says for how long', () => {
    const bucket = new TokenBucket({ perSecond: 10, burst: 5 }, 0);
    expect(bucket.take(5, 0)).toBe(0);
    expect(bucket.take(2, 0)).toBe(200);
    expect(bucket.take(1, 200)).toBe(100);
    expect(bucket.take(0, 300)).toBe(0);
  });

  it('brings nothing when the clock goes backwards', () => {
    const bucket = new TokenBucket({ perSecond: 1_000, burst: 1 }, 1_000);
    expect(bucket.tryTake(1, 1_000)).toBe(true);
    expect(bucket.tryTake(1, 0)).toBe(false);
  });

  it('never gives more than a burst and its rate', () => {
    const steps = fc.array(fc.tuple(fc.nat(50), fc.nat(20)));
    fc.assert(
      fc.property(steps, fc.integer({ min: 1, max: 100 }), (asked, perSecond) => {
        const bucket = new TokenBucket({ perSecond, burst: 10 }, 0);
        let [nowMs, taken] = [0, 0];
        for (const [passedMs, count] of asked) {
          nowMs += passedMs;
          if (bucket.tryTake(count, nowMs)) taken += count;
        }
        expect(taken).toBeLessThanOrEqual(10 + (perSecond * nowMs) / 1_000 + 1e-6);
      }),
    );
  });
});
