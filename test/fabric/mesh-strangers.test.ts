/** What reaches an open port: nodes of other swarms, liars, garbage, and connections that never say anything. */
import { generateKeyPairSync } from 'node:crypto';
import type { ConnectionOptions } from 'node:tls';
import { connect, createSecureContext } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { FRAME } from '#core/schema/frame.ts';
import { selfSignedCertificate } from '#fabric/certificate.ts';
import { secureContextOf } from '#fabric/channel.ts';
import { PREFIX_BYTES } from '#fabric/framing.ts';
import { ALPN, proofOf } from '#fabric/hello.ts';
import { createIdentity } from '#fabric/identity.ts';
import { MeshTransport } from '#fabric/mesh.ts';
import { HALF_OPEN_MAX } from '#fabric/settings.ts';
import { numbered } from '../contract/transport.ts';
import type { Member } from './world.ts';
import { eventually, expectLinked, guest, member, plain, SECRET, stranger } from './world.ts';

/** A length that is announced, and nothing behind it. */
const announced = (bytes: number): Buffer => {
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix.writeUInt32BE(bytes);
  return prefix;
};

const json = (text: string): Buffer => Buffer.concat([announced(Buffer.byteLength(text)), Buffer.from(text)]);

async function expectStillWelcoming(host: Member): Promise<void> {
  const friend = await member({ seeds: [host.seed()] });
  await expectLinked(friend, host);
}

describe('the cluster secret', () => {
  it('refuses who does not know it, with what to do, on both ends and once', async () => {
    const host = await member();
    const other = await member({ secret: 'the secret of another swarm', seeds: [host.seed()], random: () => 0 });
    await other.witness.until('refused', () => other.refusals.length > 0);
    await host.witness.until('refused', () => host.refusals.length > 0);
    await eventually(host, 'dialled again', () => host.mesh.counters.refused > 2);
    expect(other.refusals).toMatchObject([{ address: host.seed(), why: { code: 'wrong_secret' } }]);
    expect(host.refusals).toMatchObject([{ why: { code: 'wrong_secret' } }]);
    expect(other.refusals[0]?.why.message).toContain('skep join-code');
    expect([...host.mesh.links(), ...other.mesh.links()]).toEqual([]);
    expect(host.witness.happenings).toEqual([]);
  });

  it('is proved for one channel: the proof of another one is refused', async () => {
    const host = await member();
    const earlier = await stranger(host.address());
    const later = await stranger(host.address(), { identity: earlier.identity });
    later.say(later.hello({ proof: earlier.hello().proof }));
    expect((await later.hear(FRAME.goodbye)).code).toBe('wrong_secret');
    const reflected = await stranger(host.address());
    const { proof } = await reflected.hear(FRAME.hello);
    reflected.say(reflected.hello({ proof }));
    expect((await reflected.hear(FRAME.goodbye)).code).toBe('wrong_secret');
    await Promise.all([later.ended, reflected.ended]);
    expect(host.witness.happenings).toEqual([]);
  });

  it('must be long enough not to be guessed', () => {
    expect(() => new MeshTransport({ identity: createIdentity(), secret: 'short' })).toThrow('at least 16 bytes');
  });
});

describe('a HELLO', () => {
  it('that claims another key than that of the channel is refused', async () => {
    const host = await member();
    const victim = createIdentity().node;
    const liar = await stranger(host.address());
    const proof = proofOf({ secret: SECRET, exportedKey: liar.channel.exportedKey, side: 'client', node: victim });
    liar.say(liar.hello({ node_id: victim, proof }));
    const { code, message } = await liar.hear(FRAME.goodbye);
    expect(code).toBe('bad_frame');
    expect(message).toContain(liar.identity.node);
    await liar.ended;
    expect(host.mesh.links()).toEqual([]);
  });

  it('of another protocol version is refused with both versions', async () => {
    const host = await member();
    const newer = await stranger(host.address());
    newer.say(newer.hello({ protocol: [7, 9] }));
    const { code, message } = await newer.hear(FRAME.goodbye);
    expect(code).toBe('wrong_protocol');
    expect(message).toContain('7 to 9');
  });

  it('comes first and once', async () => {
    const host = await member();
    const hasty = await stranger(host.address());
    hasty.say(numbered(1));
    expect((await hasty.hear(FRAME.goodbye)).code).toBe('bad_frame');
    const twice = await guest(host);
    twice.say(twice.hello());
    expect((await twice.hear(FRAME.goodbye)).message).toContain('second HELLO');
    await host.witness.until('down', () => host.witness.downs.length === 1);
    expect(host.mesh.counters.badFrames).toBe(2);
  });

  it('is waited for only so long', async () => {
    const host = await member({ timing: { handshakeMs: 60 } });
    const [mute, silent] = [await stranger(host.address()), await plain(host.address())];
    const loris = await stranger(host.address());
    loris.socket.write(announced(300).subarray(0, 3));
    await Promise.all([mute.ended, silent.ended, loris.ended]);
    expect(host.mesh.counters.failedHandshakes).toBe(3);
    await expectStillWelcoming(host);
  });
});

describe('a channel', () => {
  it('needs our protocol name and a certificate with an Ed25519 key', async () => {
    const host = await member();
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const another = {
      key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
      cert: selfSignedCertificate(privateKey),
    };
    const ours = secureContextOf(createIdentity());
    const dials: ConnectionOptions[] = [
      { secureContext: ours },
      { secureContext: ours, ALPNProtocols: ['http/1.1'] },
      { ALPNProtocols: [ALPN] },
      { ...another, ALPNProtocols: [ALPN] },
      { secureContext: createSecureContext({ maxVersion: 'TLSv1.2' }), ALPNProtocols: [ALPN] },
    ];
    for (const options of dials) {
      const socket = connect({ ...host.address(), ...options, rejectUnauthorized: false });
      let heardBytes = 0;
      socket.on('data', (chunk) => (heardBytes += chunk.length));
      socket.on('error', () => undefined);
      await new Promise((resolve) => socket.once('close', resolve));
      expect(heardBytes).toBe(0);
    }
    expect(host.mesh.counters.failedHandshakes).toBe(dials.length);
    await expectStillWelcoming(host);
  });
});

describe('garbage', () => {
  it('instead of TLS ends the connection', async () => {
    const host = await member();
    for (const text of [
      'GET / HTTP/1.1\r\nHost: x\r\n\r\n',
      '\u0000\u0000\u0000\u0002{}',
      '\u0016\u0003\u0001\u0000\u0005hello',
      'x'.repeat(70_000),
    ]) {
      const garbage = await plain(host.address());
      garbage.socket.write(text);
      await garbage.ended;
    }
    expect(host.mesh.counters.failedHandshakes).toBe(4);
    await expectStillWelcoming(host);
  });

  it.each([
    ['an announced length above 8 KiB before HELLO', announced(8 * 1024 + 1)],
    ['no JSON', json('{"type":1')],
    ['no object', json('[1]')],
    ['no integer type', json('{"type":"1"}')],
    ['an unknown type before HELLO', json('{"type":4711}')],
    ['a HELLO without its fields', json('{"type":1,"node_id":"x"}')],
    ['bytes that are not UTF-8', Buffer.concat([announced(2), Buffer.from([0xff, 0xfe])])],
  ])('from a stranger is refused: %s', async (_what, bytes) => {
    const host = await member();
    const peer = await stranger(host.address());
    peer.socket.write(bytes);
    expect((await peer.hear(FRAME.goodbye)).code).toBe('bad_frame');
    await peer.ended;
    expect(host.mesh.counters.badFrames).toBe(1);
    expect(host.witness.happenings).toEqual([]);
  });

  it.each([
    ['an announced length above a mebibyte', announced(1024 * 1024 + 1)],
    ['a malformed frame', json('{"type":48,"digest":"no"}')],
    [
      'a call nested deeper than any',
      json(
        `{"type":80,"id":"","from":"${'a'.repeat(32)}","to":"${'a'.repeat(32)}","method":"","lamport":1,"deadline_ms":1,"params":${'['.repeat(100_000)}${']'.repeat(100_000)}}`,
      ),
    ],
  ])('from a linked peer ends the link with the reason: %s', async (_what, bytes) => {
    const host = await member();
    const peer = await guest(host);
    peer.socket.write(bytes);
    expect((await peer.hear(FRAME.goodbye)).code).toBe('bad_frame');
    await host.witness.until('down', () => host.witness.downs.length === 1);
    expect(host.witness.downs[0]).toContain('bad_frame');
    expect(host.refusals).toMatchObject([{ why: { code: 'bad_frame' }, by: 'here' }]);
  });

  it('that is cut off in the middle of a frame tells nobody anything', async () => {
    const host = await member();
    const peer = await guest(host);
    peer.socket.write(json('{"type":48,"digest":"00000000000000000000000000000000"}').subarray(0, 20));
    peer.socket.end();
    await host.witness.until('down', () => host.witness.downs.length === 1);
    expect(host.witness.frames).toEqual([]);
    expect(host.mesh.counters.badFrames).toBe(0);
  });

  it('of a newer node, a goodbye for a reason without a word here, is told as it says', async () => {
    const host = await member();
    const newer = await guest(host);
    newer.socket.write(json('{"type":8,"code":"on_holiday","message":"come back in May"}'));
    await host.witness.until('down', () => host.witness.downs.length === 1);
    expect(host.refusals).toMatchObject([{ why: { code: 'other', message: 'come back in May' }, by: 'peer' }]);
    expect(host.mesh.counters.badFrames).toBe(0);
  });

  it('of a newer node, a frame of an unknown type, is counted and ignored', async () => {
    const host = await member();
    const newer = await guest(host);
    newer.socket.write(json('{"type":4711,"future":true}'));
    newer.say(numbered(5));
    await host.witness.until('the next frame came', () => host.witness.frames.length === 1);
    expect(host.mesh.counters.unknownFrames).toBe(1);
    expect(host.mesh.links()).toHaveLength(1);
  });
});

describe('many at once', () => {
  it('300 connections with garbage do not keep a real peer out', async () => {
    const host = await member();
    const pests = await Promise.all(
      Array.from({ length: 300 }, async () => {
        const pest = await plain(host.address());
        pest.socket.write(Buffer.alloc(4_000, 0x5a));
        return pest;
      }),
    );
    await expectStillWelcoming(host);
    await Promise.all(pests.map(({ ended }) => ended));
    expect(host.mesh.counters.failedHandshakes).toBe(300);
  });

  it('300 silent connections are pushed out by newer ones', async () => {
    const host = await member();
    const pests = await Promise.all(Array.from({ length: 300 }, () => plain(host.address())));
    const oldest = pests.slice(0, pests.length - HALF_OPEN_MAX);
    await Promise.all(oldest.map(({ ended }) => ended));
    expect(host.mesh.counters.failedHandshakes).toBe(oldest.length);
    await expectStillWelcoming(host);
  });

  it('a full node says so', async () => {
    const host = await member({ linksMax: 1 });
    await expectStillWelcoming(host);
    const late = await member({ seeds: [host.seed()] });
    await late.witness.until('refused', () => late.refusals.length === 1);
    expect(late.refusals).toMatchObject([{ why: { code: 'full' } }]);
    expect(host.mesh.links()).toHaveLength(1);
  });
});
