import { noTraffic } from '#fabric/settings.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { openDoor } from '#door/door.ts';
import type { Served } from './serve.ts';
import { serve } from './serve.ts';
import { OTHER, SELF } from './fake-node.ts';

describe('the graffiti wall', () => {
  let served: Served;
  beforeAll(async () => (served = await serve()));
  afterAll(() => served.close());

  it('tells peers and counts in the seed’s names', async () => {
    expect(await served.json('/api/peers')).toEqual([]);
    await served.node.register(OTHER, 'other');
    served.node.linked.push({
      node: OTHER,
      address: '127.0.0.1:7002',
      outbound: true,
      sinceMs: 0,
      roundTripMs: 1,
      httpPort: 8081,
      traffic: noTraffic(),
    });
    expect(await served.json('/api/peers')).toEqual([{ node_id: OTHER, host: '127.0.0.1', port: 7002 }]);
    await served.post('/api/posts', { content: 'Hello, wall' });
    expect(await served.json('/api/status')).toEqual({
      node_id: SELF,
      uptime: expect.any(Number),
      posts: 1,
      peers: 1,
      lamport_clock: served.node.store.lamport(),
      http_port: 9090,
      p2p_port: 7101,
      ws_clients: 0,
    });
    expect(await served.json('/health')).toMatchObject({ status: 'ok', posts: 1, peers: 1, node_id: SELF });
  });

  it('says nothing of itself without a token', async () => {
    for (const path of ['/api/peers', '/api/status', '/api/posts'])
      expect((await served.fetch(path, { token: null })).status).toBe(401);
    expect(await (await served.fetch('/health', { token: null })).json()).toEqual({ status: 'ok' });
  });

  it('refuses what the seed refused, in its words', async () => {
    const said = async (body: object): Promise<unknown> => {
      const answer = await served.post('/api/posts', body);
      expect(answer.status).toBe(400);
      return z.object({ error: z.string() }).parse(await answer.json()).error;
    };
    expect(await said({})).toBe('Content is required');
    expect(await said({ content: ' ' })).toBe('Content is required');
    expect(await said({ content: 'x'.repeat(1001) })).toBe('Content too long (max 1000 chars)');
  });

  it('is the page of every node at /wall, and at / of one that was started as a wall', async () => {
    const title = async (from: Served, path: string): Promise<string | undefined> =>
      /<title>(.*)<\/title>/.exec(await (await from.fetch(path)).text())?.[1];
    expect(await title(served, '/wall')).toBe('skep · wall');
    expect(await title(served, '/')).not.toBe('skep · wall');
    const { door, node } = served;
    const wall = openDoor({ node, tokens: door.tokens, now: node.now, onFault: () => {}, front: 'wall' });
    expect([door.front, wall.front]).toEqual(['swarm', 'wall']);
    wall.close();
  });
});
