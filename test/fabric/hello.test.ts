import { describe, expect, it } from 'vitest';
import { nodeIdOf } from '#core/brand.ts';
import type { Hello } from '#core/schema/frame.ts';
import { goodbyeSchema, helloSchema } from '#core/schema/frame.ts';
import type { Channel, Self } from '#fabric/hello.ts';
import { helloOf, proofOf, refusalOf, twice } from '#fabric/hello.ts';

const [HERE, THERE] = [nodeIdOf('1'.repeat(32)), nodeIdOf('2'.repeat(32))];
const exportedKey = Buffer.alloc(32, 7);
const here: Self = {
  node: HERE,
  boot: 'a'.repeat(32),
  secret: 'one secret for the swarm',
  p2pPort: 7000,
  httpPort: 9090,
};
const there: Self = { ...here, node: THERE, boot: 'b'.repeat(32) };

/** As seen from here, where the peer is the client; and as the peer sees it. */
const inbound: Channel = { peer: THERE, peerSide: 'client', exportedKey };
const outbound: Channel = { peer: HERE, peerSide: 'server', exportedKey };

const judged = (change: Partial<Hello>, o: { self?: Self; channel?: Channel } = {}): string | undefined =>
  refusalOf(o.self ?? here, o.channel ?? inbound, { ...helloOf(there, outbound), ...change })?.code;

describe('a proof', () => {
  it('is this one, for good', () => {
    expect(proofOf({ secret: 'a secret', exportedKey: Buffer.alloc(32), side: 'client', node: HERE })).toBe(
      'lJ/xEBIgU97Lo6zQCPmV6ycD9gC6PbWX1TfIhtnPmYE=',
    );
  });

  it('differs with secret, channel, side and node', () => {
    const base = { secret: 'a', exportedKey, side: 'client', node: HERE } as const;
    const all = [
      base,
      { ...base, secret: 'b' },
      { ...base, exportedKey: Buffer.alloc(32) },
      { ...base, side: 'server' } as const,
      { ...base, node: THERE },
    ];
    expect(new Set(all.map(proofOf)).size).toBe(all.length);
  });
});

describe('a HELLO', () => {
  it('of a node of the swarm is believed, in both directions', () => {
    expect(helloSchema.safeParse(helloOf(here, inbound)).success).toBe(true);
    expect(judged({})).toBeUndefined();
    expect(refusalOf(there, outbound, helloOf(here, inbound))).toBeUndefined();
  });

  it('is refused for the first thing that is wrong with it', () => {
    const { proof } = helloOf(here, inbound);
    expect(judged({ proof })).toBe('wrong_secret');
    expect(judged({ proof: '' })).toBe('wrong_secret');
    expect(judged({}, { self: { ...here, secret: 'another secret, as long' } })).toBe('wrong_secret');
    expect(judged({}, { channel: { ...inbound, exportedKey: Buffer.alloc(32) } })).toBe('wrong_secret');
    expect(judged({ node_id: HERE })).toBe('bad_frame');
    expect(judged({ node_id: HERE, protocol: [2, 3], proof: '' })).toBe('wrong_protocol');
  });

  it('needs one common protocol version', () => {
    expect(judged({ protocol: [0, 1] })).toBeUndefined();
    expect(judged({ protocol: [1, 99] })).toBeUndefined();
    expect(judged({ protocol: [2, 99] })).toBe('wrong_protocol');
    expect(judged({ protocol: [0, 0] })).toBe('wrong_protocol');
    expect(judged({ protocol: [3, 0] })).toBe('wrong_protocol');
  });

  it('with our own key is this node, or a copy of it', () => {
    const channel = { ...inbound, peer: HERE };
    expect(judged({ node_id: HERE, boot: here.boot }, { channel })).toBe('self');
    expect(judged({ node_id: HERE }, { channel })).toBe('duplicate');
  });

  it('is refused with a goodbye that can be sent', () => {
    expect(goodbyeSchema.safeParse(twice(HERE)).success).toBe(true);
    const refusal = refusalOf(here, inbound, { ...helloOf(there, outbound), proof: '' });
    expect(goodbyeSchema.safeParse(refusal).success).toBe(true);
  });
});
