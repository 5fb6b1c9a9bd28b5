import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nodeIdOf } from '#core/brand.ts';
import type { AnnouncementFields } from '#fabric/announcement.ts';
import { ANNOUNCEMENT_MAX_BYTES, announcementKey, Announcements, encodeAnnouncement } from '#fabric/announcement.ts';

const SELF = nodeIdOf('1'.repeat(32));
const PEER = nodeIdOf('2'.repeat(32));
const HOST = '192.0.2.7';
const key = announcementKey('the secret of this swarm');

const fields = (change: Partial<AnnouncementFields> = {}): AnnouncementFields => ({
  node_id: PEER,
  p2p_port: 7101,
  host: HOST,
  boot: 'a'.repeat(32),
  count: 1,
  ...change,
});
const made = (change: Partial<AnnouncementFields> = {}, by = key): Buffer => encodeAnnouncement(fields(change), by);
const listener = (): Announcements => new Announcements(SELF, key);

describe('an announcement', () => {
  it('says where a node is', () => {
    expect(listener().hear(made(), HOST)).toEqual({ kind: 'found', node: PEER, address: { host: HOST, port: 7101 } });
  });

  it('of this node itself says nothing', () => {
    expect(listener().hear(made({ node_id: SELF }), HOST)).toEqual({ kind: 'idle' });
  });

  it('made with another secret, or changed in any field, is foreign', () => {
    expect(listener().hear(made({}, announcementKey('the secret of another one')), HOST).kind).toBe('foreign');
    const honest: object = JSON.parse(made().toString());
    for (const change of [
      { node_id: SELF },
      { p2p_port: 22 },
      { host: '192.0.2.8' },
      { boot: 'b'.repeat(32) },
      { count: 2 },
      { mac: '' },
    ]) {
      const forged = Buffer.from(JSON.stringify({ ...honest, ...change }));
      expect(listener().hear(forged, HOST).kind).toBe('foreign');
    }
  });

  it('counts once: a second way brings nothing, an older one is a repetition, a newer one is news', () => {
    const heard = listener();
    expect(heard.hear(made({ count: 5 }), HOST).kind).toBe('found');
    expect(heard.hear(made({ count: 5 }), HOST).kind).toBe('idle');
    expect(heard.hear(made({ count: 4 }), HOST).kind).toBe('repeated');
    expect(heard.hear(made({ count: 6 }), HOST).kind).toBe('found');
    expect(heard.hear(made({ boot: 'c'.repeat(32), count: 1 }), HOST).kind).toBe('found');
  });

  it('sent on by somebody else, from another address, is a repetition', () => {
    const heard = listener();
    expect(heard.hear(made(), '192.0.2.66').kind).toBe('repeated');
    expect(heard.hear(made(), HOST).kind).toBe('found');
  });

  it('from a new address of the node is news', () => {
    const heard = listener();
    heard.hear(made(), HOST);
    const moved = { host: '198.51.100.9', count: 2 };
    expect(heard.hear(made(moved), moved.host)).toMatchObject({ kind: 'found', address: { host: moved.host } });
  });

  it('has fields of newer nodes that are passed over', () => {
    const newer = Buffer.from(JSON.stringify({ ...JSON.parse(made().toString()), role: 'emperor' }));
    expect(listener().hear(newer, HOST).kind).toBe('found');
  });
});

describe('what is no announcement', () => {
  it.each([
    ['nothing', ''],
    ['no JSON', '{"type":1'],
    ['the seed’s, without a proof', `{"type":1,"node_id":"${PEER}","p2p_port":7101}`],
    ['another type', JSON.stringify({ ...JSON.parse(made().toString()), type: 2 })],
    ['a port that is none', JSON.stringify({ ...JSON.parse(made().toString()), p2p_port: 0 })],
    ['one too long', JSON.stringify({ ...JSON.parse(made().toString()), more: 'x'.repeat(ANNOUNCEMENT_MAX_BYTES) })],
  ])('is malformed: %s', (_what, text) => {
    expect(listener().hear(Buffer.from(text), HOST)).toEqual({ kind: 'malformed' });
  });

  it('is never believed, whatever its bytes', () => {
    const heard = listener();
    const honest = made();
    const flipped = fc.tuple(fc.nat(honest.length - 1), fc.integer({ min: 1, max: 255 })).map(([at, by]) => {
      const bytes = Buffer.from(honest);
      bytes[at] = (bytes[at] ?? 0) ^ by;
      return bytes;
    });
    const anything = fc.oneof(
      flipped,
      fc.uint8Array({ maxLength: 2_000 }),
      fc.json().map((text) => Buffer.from(text)),
    );
    fc.assert(fc.property(anything, (bytes) => ['malformed', 'foreign'].includes(heard.hear(bytes, HOST).kind)));
  });
});

it('remembers the last announcement of a thousand nodes', () => {
  const heard = listener();
  const node = (at: number) => nodeIdOf((at + 1).toString(16).padStart(32, '0'));
  for (let at = 0; at <= 1_024; at += 1) heard.hear(made({ node_id: node(at) }), HOST);
  expect(heard.hear(made({ node_id: node(1_024) }), HOST).kind).toBe('idle');
  expect(heard.hear(made({ node_id: node(0) }), HOST).kind).toBe('found');
});
