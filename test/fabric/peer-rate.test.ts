import { describe, expect, it } from 'vitest';
import { FRAME } from '#core/schema/frame.ts';
import { encodeFrame } from '#fabric/framing.ts';
import { PeerRate } from '#fabric/peer-rate.ts';
import { numbered } from '../contract/transport.ts';
import { eventually, expectLinked, guest, member } from './world.ts';

const RATES = { framesPerSecond: 100, framesBurst: 10, bytesPerSecond: 1_000, bytesBurst: 1_000, floodMs: 500 };

describe('a rate', () => {
  it('lets bursts pass, then asks for as long a pause as they took too much', () => {
    const rate = new PeerRate(RATES, 0);
    expect(rate.took({ frames: 10, bytes: 1_000 }, 0)).toBe(0);
    expect(rate.took({ frames: 5, bytes: 0 }, 0)).toBe(50);
    expect(rate.took({ frames: 0, bytes: 100 }, 50)).toBe(50);
  });

  it('calls it a flood when frames were too many at every look for so long', () => {
    const rate = new PeerRate(RATES, 0);
    rate.took({ frames: 10, bytes: 0 }, 0);
    expect(rate.took({ frames: 50, bytes: 0 }, 0)).toBe(500);
    expect(rate.took({ frames: 10, bytes: 0 }, 499)).toBeGreaterThan(0);
    expect(rate.took({ frames: 10, bytes: 0 }, 500)).toBe('flood');
  });

  it('forgets a flood that paused, and never calls many bytes one', () => {
    const rate = new PeerRate(RATES, 0);
    rate.took({ frames: 60, bytes: 0 }, 0);
    expect(rate.took({ frames: 0, bytes: 0 }, 600)).toBe(0);
    expect(rate.took({ frames: 60, bytes: 0 }, 600)).not.toBe('flood');
    expect(rate.took({ frames: 0, bytes: 1_000_000 }, 10_000)).toBeGreaterThan(0);
    expect(rate.took({ frames: 0, bytes: 1_000_000 }, 20_000)).toBeGreaterThan(0);
  });
});

describe('a linked peer', () => {
  it('that sends without end is read more slowly, and then the link ends with the reason', async () => {
    const host = await member({ rates: { framesPerSecond: 1_000, framesBurst: 100, floodMs: 200 } });
    const peer = await guest(host);
    const many = Buffer.concat(Array.from({ length: 500 }, () => encodeFrame(numbered(1))));
    peer.socket.on('drain', () => peer.socket.write(many));
    while (peer.socket.write(many)) await new Promise((resolve) => setImmediate(resolve));
    const why = await peer.hear(FRAME.goodbye);
    expect(why).toMatchObject({ code: 'bad_frame' });
    expect(why.message).toContain('repeats itself');
    peer.socket.destroy();
    expect(host.mesh.counters.slowed).toBeGreaterThan(0);
    expect(host.mesh.counters.floods).toBe(1);
    await host.witness.until('down', () => host.witness.downs.length === 1);
    const friend = await member({ seeds: [host.seed()] });
    await expectLinked(friend, host);
  });

  it('that sends much for a moment loses nothing', async () => {
    const host = await member({ rates: { framesPerSecond: 2_000, framesBurst: 100 } });
    const peer = await guest(host);
    for (let at = 0; at < 1_000; at += 1) peer.say(numbered(at));
    await host.witness.until('all came', () => host.witness.frames.length === 1_000);
    expect(host.mesh.counters.slowed).toBeGreaterThan(0);
    expect(host.mesh.links()).toHaveLength(1);
  });

  it('that repairs a large log is never slowed', async () => {
    const [a, b] = [await member(), await member()];
    b.mesh.learn(a.seed());
    await expectLinked(a, b);
    const page = { type: FRAME.watch, topics: Array.from({ length: 256 }, () => 'x'.repeat(64)) } as const;
    let sent = 0;
    await eventually(b, 'all came', () => {
      if (sent < 2_000 && a.mesh.send([b.identity.node], { ...page, topics: [...page.topics] }).length === 0) sent += 1;
      return sent === 2_000 && b.witness.frames.length === 2_000;
    });
    expect(b.mesh.counters.slowed).toBe(0);
  });
});
