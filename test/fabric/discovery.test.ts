/** Meshes of one machine that find one another by broadcast on loopback, and what else comes to that port. */
import type { Socket } from 'node:dgram';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { announcementKey, encodeAnnouncement } from '#fabric/announcement.ts';
import { LOOPBACK_BROADCAST } from '#fabric/broadcast.ts';
import { createIdentity } from '#fabric/identity.ts';
import { after, eventually, expectLinked, isLinked, member, SECRET } from './world.ts';

/** A port that nobody else uses, held by one more socket that shares it; and that socket, to speak with. */
async function sharedPort(): Promise<{ port: number; say: (datagram: Buffer | string) => Promise<void> }> {
  const holder = await bound({ reuseAddr: true }, LOOPBACK_BROADCAST);
  const { port } = holder.address();
  const mouth = await bound({}, '127.0.0.1');
  mouth.setBroadcast(true);
  const say = (datagram: Buffer | string): Promise<void> =>
    new Promise((resolve, reject) => {
      mouth.send(datagram, port, LOOPBACK_BROADCAST, (error) => (error === null ? resolve() : reject(error)));
    });
  return { port, say };
}

async function bound(o: { reuseAddr?: boolean }, address: string): Promise<Socket> {
  const socket = createSocket({ type: 'udp4', ...o });
  after(() => socket.close());
  socket.bind({ port: 0, address });
  await once(socket, 'listening');
  return socket;
}

/** A valid announcement of a node that does not exist, at a port where nobody may ever come. */
const announcement = (o: { secret: string; port: number; host?: string; count?: number }): Buffer =>
  encodeAnnouncement(
    {
      node_id: createIdentity().node,
      p2p_port: o.port,
      host: o.host ?? '127.0.0.1',
      boot: 'd'.repeat(32),
      count: o.count ?? 1,
    },
    announcementKey(o.secret),
  );

describe('meshes without seeds', () => {
  it('find one another on one shared port, in whichever order they start', async () => {
    const { port } = await sharedPort();
    const first = await member({ discoveryPort: port });
    const second = await member({ discoveryPort: port });
    const third = await member({ discoveryPort: port });
    for (const [a, b] of [
      [first, second],
      [second, third],
      [first, third],
    ] as const)
      await expectLinked(a, b);
    expect(first.mesh.links()).toHaveLength(2);
    expect(first.mesh.addresses().filter(({ state }) => state === 'never')).toEqual([]);
  });

  it('say it again: who comes to hear later finds them too', async () => {
    const { port } = await sharedPort();
    const early = await member({ discoveryPort: port, timing: { announceMs: 50 } });
    const silent = await member({ discoveryPort: port, listen: false });
    await expectLinked(early, silent);
    expect(silent.mesh.links()[0]?.outbound).toBe(true);
  });

  it('of another swarm are counted, and not dialled', async () => {
    const { port } = await sharedPort();
    const host = await member({ discoveryPort: port, timing: { announceMs: 50 } });
    const other = await member({
      discoveryPort: port,
      secret: 'the secret of another swarm',
      timing: { announceMs: 50 },
    });
    await eventually(host, 'heard', () => host.mesh.counters.announcementsForeign > 2);
    await eventually(other, 'heard', () => other.mesh.counters.announcementsForeign > 2);
    expect([...host.mesh.addresses(), ...other.mesh.addresses()]).toEqual([]);
    expect(isLinked(host, other)).toBe(false);
  });

  it('are not found without a port', async () => {
    const { port, say } = await sharedPort();
    const host = await member({ discoveryPort: port, timing: { announceMs: 50 } });
    const off = await member({ discoveryPort: 0 });
    await say(announcement({ secret: SECRET, port: off.address().port }));
    await expectLinked(host, off);
    expect(off.mesh.addresses().map(({ node }) => node)).toEqual([host.identity.node]);
  });
});

describe('a datagram', () => {
  it('that is forged, repeated or no announcement is counted, and nobody is dialled', async () => {
    const { port, say } = await sharedPort();
    const host = await member({ discoveryPort: port });
    const { counters } = host.mesh;
    const trap = await member();
    const { port: trapPort } = trap.address();
    await say('hello');
    await say(`{"type":1,"node_id":"${trap.identity.node}","p2p_port":${trapPort}}`);
    await say(announcement({ secret: 'guessed, and guessed wrong', port: trapPort }));
    await say(announcement({ secret: SECRET, port: trapPort, host: '192.0.2.1' }));
    await eventually(host, 'heard', () => counters.announcementsRepeated === 1);
    expect(counters).toMatchObject({ announcementsMalformed: 2, announcementsForeign: 1 });
    expect(host.mesh.addresses()).toEqual([]);
    expect(trap.mesh.counters.bytesIn).toBe(0);
  });

  it('among too many is not looked at, and later ones are', async () => {
    const { port, say } = await sharedPort();
    const host = await member({ discoveryPort: port });
    const { counters } = host.mesh;
    // A socket may take bytes at once: only another turn of the event loop lets anybody hear them.
    while (counters.announcementsUnheard < 100) await Promise.all([say('x'), nextTurn()]);
    expect(counters.announcementsMalformed).toBeLessThan(5_000);
    const friend = await member({ discoveryPort: port, timing: { announceMs: 50 } });
    await expectLinked(host, friend);
  });
});

it('a port that another program holds for itself makes the mesh deaf, which it says, and nothing else', async () => {
  const holder = await bound({}, LOOPBACK_BROADCAST);
  const reasons: string[] = [];
  const host = await member({ discoveryPort: holder.address().port, onDeaf: (reason) => reasons.push(reason) });
  await eventually(host, 'deaf', () => reasons.length === 1);
  expect(reasons[0]).toContain('EADDRINUSE');
  const friend = await member({ seeds: [host.seed()] });
  await expectLinked(host, friend);
});

it('a closed mesh neither speaks nor hears', async () => {
  const { port } = await sharedPort();
  const host = await member({ discoveryPort: port, timing: { announceMs: 20 } });
  const gone = await member({ discoveryPort: port, timing: { announceMs: 20 } });
  await expectLinked(host, gone);
  await gone.mesh.close();
  const before = gone.mesh.counters.announcementsForeign;
  const foreign = await member({
    discoveryPort: port,
    secret: 'the secret of another swarm',
    timing: { announceMs: 20 },
  });
  await eventually(host, 'heard', () => host.mesh.counters.announcementsForeign > 3);
  expect(gone.mesh.counters.announcementsForeign).toBe(before);
  await foreign.mesh.close();
});
