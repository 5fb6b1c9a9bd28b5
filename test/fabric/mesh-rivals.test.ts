/** Two connections between the same two nodes, and two runs of the same node. */
import { describe, expect, it } from 'vitest';
import { FRAME } from '#core/schema/frame.ts';
import { createIdentity } from '#fabric/identity.ts';
import { numbered, numbersOf } from '../contract/transport.ts';
import type { Member, Stranger } from './world.ts';
import {
  eventually,
  expectLinked,
  guest,
  higherThan,
  identities,
  isLinked,
  lowerThan,
  member,
  stranger,
  strangerServer,
} from './world.ts';

/** A host that decides, and the two connections between it and a stranger: the outbound one without a HELLO yet, the inbound one with it. */
async function crossing(): Promise<{ host: Member; outbound: Stranger; inbound: Stranger }> {
  const host = await member();
  const identity = higherThan(host);
  const server = await strangerServer(identity);
  host.mesh.learn(server.seed);
  const outbound = await server.accepted;
  const inbound = await stranger(host.address(), { identity });
  inbound.say(inbound.hello());
  await inbound.hear(FRAME.hello);
  return { host, outbound, inbound };
}

describe('one link a node', () => {
  it('is the outbound one of the lower id when both dial at once', async () => {
    for (let round = 0; round < 10; round += 1) {
      const [low, high] = identities();
      const [a, b] = [await member({ identity: low }), await member({ identity: high })];
      a.mesh.learn(b.seed());
      b.mesh.learn(a.seed());
      await a.witness.until('outbound', () => a.mesh.links()[0]?.outbound === true);
      await b.witness.until('inbound', () => b.mesh.links()[0]?.outbound === false);
      expect([a.mesh.links().length, b.mesh.links().length]).toEqual([1, 1]);
    }
  });

  it('stays when the node is dialled by a second address, and frames go on', async () => {
    for (const [dialling, dialled] of [identities(), identities().reverse()]) {
      const [a, b] = [await member({ identity: dialling }), await member({ identity: dialled })];
      a.mesh.learn(b.seed());
      a.mesh.learn(`localhost:${b.address().port}`);
      await expectLinked(a, b);
      await eventually(
        a,
        'both addresses are known to be one node',
        () => a.mesh.addresses().filter(({ node, state }) => node === b.identity.node && state === 'idle').length >= 2,
      );
      await expectLinked(a, b);
      a.mesh.send([b.identity.node], numbered(1));
      await b.witness.until('it came', () => numbersOf(b.witness.frames).includes(1));
      expect([a.mesh.links().length, b.mesh.links().length]).toEqual([1, 1]);
      expect(a.refusals.concat(b.refusals)).toEqual([]);
    }
  });

  it('becomes the outbound one of the lower id when that dials as well, on both ends', async () => {
    const [low, high] = identities();
    const [a, b] = [await member({ identity: low }), await member({ identity: high })];
    b.mesh.learn(a.seed());
    await expectLinked(a, b);
    a.mesh.learn(`localhost:${b.address().port}`);
    await a.witness.until('outbound', () => a.mesh.links()[0]?.outbound === true);
    await b.witness.until('inbound', () => b.mesh.links()[0]?.outbound === false);
    a.mesh.send([high.node], numbered(1));
    await b.witness.until('it came', () => b.witness.frames.length === 1);
    for (const { witness } of [a, b]) {
      expect(witness.happenings.map(({ kind }) => kind).slice(0, 3)).toEqual(['up', 'down', 'up']);
      expect(witness.ups).toHaveLength(2);
    }
  });

  it('stays, without a break, when the higher id dials the lower one again', async () => {
    const [low, high] = identities();
    const [a, b] = [await member({ identity: low }), await member({ identity: high })];
    b.mesh.learn(a.seed());
    await expectLinked(a, b);
    b.mesh.learn(`localhost:${a.address().port}`);
    const isKnown = (): boolean => b.mesh.addresses().every(({ node, state }) => node === low.node && state === 'idle');
    await eventually(b, 'both addresses are known to be one node', isKnown);
    expect(b.mesh.addresses()).toHaveLength(2);
    expect([a, b].map(({ witness }) => witness.happenings.map(({ kind }) => kind))).toEqual([['up'], ['up']]);
  });

  it('moves to the new connection of a peer that lost the old one', async () => {
    const host = await member({ timing: { probeMs: 50 } });
    const lost = await guest(host);
    lost.socket.pause();
    const anew = await guest(host, { identity: lost.identity });
    anew.say(numbered(2));
    await host.witness.until('it came', () => numbersOf(host.witness.frames).includes(2));
    expect(host.mesh.links()).toHaveLength(1);
    expect(host.witness.happenings.map(({ kind }) => kind)).toEqual(['up', 'down', 'up', 'frame']);
  });

  it('waits for an outbound connection that is about to be decided, which is preferred', async () => {
    const { host, outbound, inbound } = await crossing();
    outbound.say(outbound.hello());
    await outbound.hear(FRAME.ping);
    expect((await inbound.hear(FRAME.goodbye)).code).toBe('second_link');
    expect(host.mesh.links()).toMatchObject([{ outbound: true }]);
    expect(host.witness.downs).toEqual([]);
  });

  it('is the inbound connection when the outbound one breaks before it is decided', async () => {
    const { host, outbound, inbound } = await crossing();
    outbound.socket.destroy();
    await inbound.hear(FRAME.ping);
    inbound.say(numbered(1));
    await host.witness.until('it came', () => host.witness.frames.length === 1);
    expect(host.mesh.links()).toMatchObject([{ outbound: false }]);
  });
});

describe('a node id that is linked under another boot id', () => {
  it('runs twice when the old link still answers: both are refused and told why', async () => {
    const host = await member();
    const identity = createIdentity();
    const first = await member({ identity, seeds: [host.seed()] });
    await expectLinked(first, host);
    const copy = await member({ identity, seeds: [host.seed()] });
    await copy.witness.until('refused', () => copy.refusals.length > 0);
    await first.witness.until('refused', () => first.refusals.length > 0);
    expect(copy.refusals).toMatchObject([{ why: { code: 'duplicate' }, by: 'peer' }]);
    expect(first.refusals).toMatchObject([{ why: { code: 'duplicate' }, by: 'peer' }]);
    expect(host.refusals[0]?.why.message).toContain('was copied');
    expect(host.mesh.links()).toEqual([]);
    // Both dial on and are refused again, until one of them is stopped for good; see boots.test.ts.
    const before = host.mesh.counters.refused;
    await eventually(host, 'again', () => host.mesh.counters.refused > before);
    expect(host.witness.ups).toHaveLength(1);
  });

  it('was started anew when the old link is dead', async () => {
    const host = await member({ timing: { probeMs: 50 } });
    const crashed = await guest(host, { boot: '1'.repeat(32) });
    const restarted = await guest(host, { identity: crashed.identity, boot: '2'.repeat(32) });
    restarted.say(numbered(4));
    await host.witness.until('it came', () => numbersOf(host.witness.frames).includes(4));
    await crashed.ended;
    expect(host.witness.downs).toEqual(['it was dead when its node dialled anew']);
    expect(host.refusals).toEqual([]);
  });

  it('is read on where it stopped when it waited for that', async () => {
    const host = await member({ timing: { probeMs: 50 } });
    const identity = lowerThan(host);
    const crashed = await stranger(host.address(), { identity, boot: '1'.repeat(32) });
    crashed.say(crashed.hello());
    crashed.say(numbered(1));
    await host.witness.until('linked', () => isLinked(host, { identity }));
    // The lower id decides: its first frame after HELLO makes the link.
    const restarted = await stranger(host.address(), { identity, boot: '2'.repeat(32) });
    restarted.say(restarted.hello());
    for (const n of [2, 3, 4]) restarted.say(numbered(n));
    await host.witness.until('all came', () => host.witness.frames.length === 4);
    expect(numbersOf(host.witness.frames)).toEqual([1, 2, 3, 4]);
  });

  it('is a copy of this node itself when the id is our own', async () => {
    const host = await member();
    const copy = await member({ identity: host.identity, seeds: [host.seed()] });
    await copy.witness.until('refused', () => copy.refusals.length > 0);
    await host.witness.until('refused', () => host.refusals.length > 0);
    expect(copy.refusals).toMatchObject([{ why: { code: 'duplicate' } }]);
    expect(host.refusals).toMatchObject([{ why: { code: 'duplicate' } }]);
  });
});
