import { readFileSync } from 'node:fs';
import { hash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { readOp } from '#core/chain.ts';
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
    const type = typeOf(json);
    if (typeof type === 'number') {
      const frame = frameSchemas.get(type)?.parse(json);
      expect(frame).toEqual(json);
      const texts =
        frame !== undefined && 'ops' in frame ? frame.ops : frame !== undefined && 'op' in frame ? [frame.op] : [];
      for (const pair of texts) expect(readOp(pair, crypto)?.hash).toBe(hash('sha256', pair[0]));
    } else if (typeof type === 'string') {
      expect(bodySchema.parse(json)).toEqual(json);
    } else {
      expect(parseHeader(line)).toEqual(json);
    }
  });
});
