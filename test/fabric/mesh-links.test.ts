/** The life of links: how nodes find each other, what ends a link, what fills it. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { describe, expect, it } from 'vitest';
import { FRAME } from '#core/schema/frame.ts';
import { createIdentity } from '#fabric/identity.ts';
import { MeshTransport } from '#fabric/mesh.ts';
import { DEFAULT_TIMING } from '#fabric/settings.ts';
import { Witness } from '../contract/transport-witness.ts';
import { numbered } from '../contract/transport.ts';
import { after, eventually, expectLinked, guest, isLinked, member, SECRET, stranger } from './world.ts';

const hasIPv6 = Object.values(networkInterfaces()).some((list) => list?.some(({ address }) => address === '::1'));

describe('seeds', () => {
  it.skipIf(!hasIPv6)('may be IPv6 addresses', async () => {
    const host = await member({ bind: ['::1'] });
    expect(host.seed()).toMatch(/^\[::1\]:[0-9]+$/);
    await expectLinked(await member({ seeds: [host.seed()] }), host);
    expect(host.mesh.links()[0]?.address).toMatch(/^127\.0\.0\.1:|^\[::1\]:/);
  });

  it('may be names', async () => {
    const host = await member();
    const friend = await member({ seeds: [`LocalHost:${host.address().port}`] });
    await expectLinked(friend, host);
    expect(friend.mesh.links()[0]?.address).toBe(`localhost:${host.address().port}`);
  });

  it.skipIf(!hasIPv6)('reach a node at each of the addresses it binds', async () => {
    const host = await member({ bind: ['127.0.0.1', '::1'] });
    const { port } = host.address();
    await expectLinked(await member({ seeds: [`127.0.0.1:${port}`] }), host);
    await expectLinked(await member({ seeds: [`[::1]:${port}`] }), host);
  });

  it('that are no address refuse the construction', () => {
    const make = (seed: string) => new MeshTransport({ identity: createIdentity(), secret: SECRET, seeds: [seed] });
    for (const seed of ['', 'nowhere', '::1:7000', 'host:0', 'host:70000', '999.1.1.1:7000', 'http://host:7000']) {
      expect(() => make(seed)).toThrow('expected host:port');
    }
  });

  it('that name the node itself are dialled once', async () => {
    const host = await member();
    host.mesh.learn(host.seed());
    host.mesh.learn(`localhost:${host.address().port}`);
    await eventually(host, 'both tried', () => host.mesh.addresses().every(({ state }) => state === 'never'));
    expect(host.mesh.addresses().map(({ attempts }) => attempts)).toEqual([1, 1]);
    expect(host.refusals).toEqual([]);
  });
});

describe('a node that only dials', () => {
  it('is linked, told of no address, and not passed on', async () => {
    const [hub, other] = [await member(), await member()];
    const dialler = await member({ listen: false, seeds: [hub.seed()] });
    await expectLinked(dialler, hub);
    expect(dialler.mesh.address()).toBeUndefined();
    other.mesh.learn(hub.seed());
    await expectLinked(other, hub);
    // It dials whom it hears of.
    await expectLinked(other, dialler);
    expect(other.mesh.links().find(({ node }) => node === dialler.identity.node)?.outbound).toBe(false);
    // And is told at once, when it comes last.
    const late = await member({ listen: false, seeds: [hub.seed()] });
    await expectLinked(late, other);
  });
});

describe('pings', () => {
  it('measure the round trip', async () => {
    const host = await member({ timing: { pingMs: 10 } });
    const friend = await member({ seeds: [host.seed()] });
    await expectLinked(friend, host);
    await eventually(host, 'measured', () => host.mesh.links()[0]?.roundTripMs !== undefined);
    expect(host.mesh.links()[0]?.roundTripMs).toBeGreaterThan(0);
  });

  it('that nobody answers end the link, and only then', async () => {
    const host = await member({ timing: { pingMs: 10, silentMs: 60 } });
    const friend = await member({ seeds: [host.seed()] });
    await expectLinked(friend, host);
    const silent = await guest(host);
    await silent.ended;
    expect(host.witness.downs).toEqual(['silent for 60 ms']);
    expect(silent.heard.filter(({ type }) => type === FRAME.ping).length).toBeGreaterThan(2);
    expect(isLinked(host, friend)).toBe(true);
  });
});

describe('a pause of this process', () => {
  it('ends no link, however long: the answers lie unread', async () => {
    const host = await member({ timing: { pingMs: 10, silentMs: 40 } });
    const friend = await member({ seeds: [host.seed()] });
    await expectLinked(friend, host);
    const end = performance.now() + 120;
    while (performance.now() < end);
    host.mesh.send([friend.identity.node], numbered(1));
    await friend.witness.until('it came', () => friend.witness.frames.length === 1);
    expect(host.witness.downs.concat(friend.witness.downs)).toEqual([]);
  });
});

describe('a peer that does not keep up', () => {
  it('loses its queue, and is told of when it drained', async () => {
    const host = await member({ queueMaxBytes: 300_000 });
    const slow = await guest(host);
    const { node } = slow.identity;
    slow.socket.pause();
    const big = { ...numbered(0), topics: Array.from({ length: 256 }, () => 'x'.repeat(64)) };
    let sent = 0;
    // The kernel's buffers on both ends take some megabytes first, a write at a time.
    while (host.mesh.counters.overflows === 0 && sent < 10_000) {
      host.mesh.send([node], big);
      sent += 1;
      if (sent % 8 === 0) await new Promise(setImmediate);
    }
    expect(host.mesh.counters.overflows).toBe(1);
    expect(host.mesh.send([node], numbered(1))).toEqual([node]);
    slow.socket.resume();
    await host.witness.until('drained', () => host.witness.count('drained') === 1);
    expect(host.mesh.send([node], numbered(2))).toEqual([]);
    expect((await slow.hear(FRAME.watch)).topics).toHaveLength(256);
  });
});

describe('frames of one turn', () => {
  it('leave in one write a link, and in one TLS record when they are small', async () => {
    const host = await member();
    const friend = await member();
    const records = await recordsBetween(friend.address().port);
    host.mesh.learn(`127.0.0.1:${records.port}`);
    await expectLinked(host, friend);
    await eventually(host, 'the handshake is over', () => host.mesh.links()[0]?.roundTripMs !== undefined);
    const [writes, seen] = [host.mesh.counters.writes, records.count()];
    for (let n = 0; n < 100; n += 1) host.mesh.send([friend.identity.node], numbered(n));
    expect(host.mesh.counters.writes).toBe(writes);
    await friend.witness.until('all came', () => friend.witness.frames.length === 100);
    expect(host.mesh.counters.writes).toBe(writes + 1);
    expect(records.count()).toBe(seen + 1);
  });
});

/** A TCP relay in front of a port that counts the TLS records going towards it. */
async function recordsBetween(to: number): Promise<{ port: number; count: () => number }> {
  const { connect } = await import('node:net');
  let records = 0;
  const server = createServer((from) => {
    const onward = connect(to, '127.0.0.1');
    let pending = Buffer.alloc(0);
    from.on('data', (chunk) => {
      pending = Buffer.concat([pending, chunk]);
      // A record: type, version, length of what follows.
      while (pending.length >= 5 && pending.length >= 5 + pending.readUInt16BE(3)) {
        records += 1;
        pending = pending.subarray(5 + pending.readUInt16BE(3));
      }
    });
    from.pipe(onward).pipe(from);
    for (const socket of [from, onward]) socket.on('error', () => undefined);
    after(() => (from.destroy(), onward.destroy()));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  after(() => server.close());
  const at = server.address();
  if (typeof at !== 'object' || at === null) throw new Error('no port');
  return { port: at.port, count: () => records };
}

describe('what a peer tells of others', () => {
  it('is dialled, but not when it is about this node itself', async () => {
    const [host, other] = [await member(), await member()];
    const gossip = await guest(host);
    gossip.say({
      type: FRAME.peers,
      peers: [
        { host: 'localhost', port: host.address().port, node_id: host.identity.node },
        { ...other.address(), node_id: other.identity.node },
      ],
    });
    await expectLinked(host, other);
    expect(host.mesh.addresses().map(({ address }) => address)).toEqual([other.seed()]);
  });

  it('is told at a new link, and again and again while it lasts', async () => {
    const host = await member({ timing: { peersMs: 30 } });
    const other = await member({ seeds: [host.seed()] });
    await expectLinked(host, other);
    const listener = await guest(host);
    const tellings = (): unknown[] => listener.heard.filter(({ type }) => type === FRAME.peers);
    await eventually(host, 'told four times', () => tellings().length >= 4);
    expect(tellings()[0]).toEqual({
      type: FRAME.peers,
      peers: [{ ...other.address(), node_id: other.identity.node }],
    });
    expect(tellings().at(-1)).toEqual(tellings()[0]);
    expect(DEFAULT_TIMING.peersMs).toBe(30_000);
  });
});

describe('a goodbye', () => {
  it('tells why the link ends, and the peer is dialled again when it is back', async () => {
    const host = await member();
    const friend = await member({ seeds: [host.seed()] });
    await expectLinked(friend, host);
    const at = host.address();
    await host.mesh.close();
    await friend.witness.until('down', () => friend.witness.downs.length === 1);
    expect(friend.witness.downs).toEqual(['shutdown: This node stops.']);
    expect(friend.refusals).toEqual([]);
    const back = await member({ identity: host.identity, port: at.port });
    await expectLinked(friend, back);
  });

  it('ends a connection that is not linked yet when this node stops', async () => {
    const host = await member();
    const waiting = await stranger(host.address());
    await host.mesh.close();
    await waiting.ended;
    await expect(host.mesh.start(host.witness)).rejects.toThrow('once');
  });

  it('during the start leaves nothing open', async () => {
    const mesh = new MeshTransport({ identity: createIdentity(), secret: SECRET });
    const started = mesh.start(new Witness());
    await mesh.close();
    await started;
    expect(mesh.address()).toBeUndefined();
  });

  it('that a person should hear of is told once a link', async () => {
    const host = await member();
    const friend = await member({ seeds: [host.seed()], listen: false });
    for (const times of [1, 2]) {
      await expectLinked(friend, host);
      host.mesh.disconnect(friend.identity.node, { type: FRAME.goodbye, code: 'forked', message: 'so a test says' });
      await friend.witness.until('told', () => friend.refusals.length === times);
    }
    expect(friend.refusals).toMatchObject(Array(2).fill({ address: host.seed(), why: { code: 'forked' }, by: 'peer' }));
  });

  it('is all that is left to do when the port is taken', async () => {
    const host = await member();
    const mesh = new MeshTransport({ identity: createIdentity(), secret: SECRET, port: host.address().port });
    await expect(mesh.start(new Witness())).rejects.toMatchObject({ code: 'EADDRINUSE' });
    await mesh.close();
    const both = new MeshTransport({ identity: createIdentity(), secret: SECRET, bind: ['127.0.0.1', '127.0.0.1'] });
    await expect(both.start(new Witness())).rejects.toMatchObject({ code: 'EADDRINUSE' });
    expect(both.address()).toBeUndefined();
    await both.close();
  });
});
