import { readFileSync } from 'node:fs';
import { hash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { readOp } from '#core/chain.ts';
import { announcementSchema } from '#core/schema/announcement.ts';
import { announcementKey, Announcements } from '#fabric/announcement.ts';
import { createIdentity, nodeCrypto } from '#fabric/identity.ts';
import { bodySchema } from '#core/schema/body.ts';
import { FRAME, frameSchemas } from '#core/schema/frame.ts';
import { parseHeader, parseJson } from '#core/schema/header.ts';

const text = readFileSync(new URL('../../docs/protocol.md', import.meta.url), 'utf8');
const lines = [...text.matchAll(/```json\n([\s\S]*?)```/g)].flatMap((match) => (match[1] ?? '').trim().split('\n'));
const parsed = lines.map((line) => ({ line, json: parseJson(line) }));
const crypto = nodeCrypto(createIdentity());

const typeOf = (json: unknown): unknown =>
  typeof json === 'object' && json !== null && 'type' in json ? json.type : undefined;

describe('docs/protocol.md', () => {
  test('shows a line for every frame code', () => {
    const shown = new Set(parsed.map(({ json }) => typeOf(json)));
    const wanted = [FRAME.hello, FRAME.peers, FRAME.ping, FRAME.pong, FRAME.goodbye, FRAME.taskCreate, FRAME.taskClaim];
    const more = [FRAME.ops, FRAME.heads, FRAME.agentHeartbeat, FRAME.watch, FRAME.taskUpdate, FRAME.call, FRAME.reply];
    expect([...wanted, ...more].filter((code) => !shown.has(code))).toEqual([]);
  });

  test.each(parsed)('$line', ({ line, json }) => {
    expect(read(line, json)).toEqual(json);
  });

  test('shows an announcement that whoever knows the secret of the page believes', () => {
    const [shown] = lines.filter((line) => line.includes('"mac"'));
    const { node } = createIdentity();
    const heard = new Announcements(node, announcementKey('the secret of this page'));
    expect(heard.hear(Buffer.from(shown ?? ''), '192.0.2.7')).toMatchObject({ kind: 'found' });
  });

  test.each(parsed.flatMap(({ json }) => textsOf(json)))(
    'an op whose body is the one its header names: %s',
    (header, body) => {
      expect(readOp([header, body], crypto)?.hash).toBe(hash('sha256', header));
    },
  );
});

const isAnnouncement = (json: unknown): boolean => typeof json === 'object' && json !== null && 'mac' in json;

/** The line as the schemas read it. */
function read(line: string, json: unknown): unknown {
  const type = typeOf(json);
  if (isAnnouncement(json)) return announcementSchema.parse(json);
  if (typeof type === 'number') return frameSchemas.get(type)?.parse(json);
  return typeof type === 'string' ? bodySchema.parse(json) : parseHeader(line);
}

function textsOf(json: unknown): (readonly [string, string])[] {
  const type = typeOf(json);
  const frame = typeof type === 'number' && !isAnnouncement(json) ? frameSchemas.get(type)?.parse(json) : undefined;
  if (frame === undefined) return [];
  if ('ops' in frame) return frame.ops;
  return 'op' in frame ? [frame.op] : [];
}
