import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { OTHER, SELF } from './fake-node.ts';
import type { Served } from './serve.ts';
import { serve } from './serve.ts';

describe('caps', () => {
  let served: Served;
  beforeAll(async () => {
    served = await serve();
    await served.node.register(OTHER, 'worker');
  });
  afterAll(() => served.close());

  const caps = async () =>
    z.array(z.object({ kind: z.string(), name: z.string(), max: z.number() })).parse(await served.json('/api/caps'));
  const set = async (kind: string, name: string, max: number) => {
    const answer = await served.post('/api/caps', { kind, name, max });
    expect(answer.status).toBe(200);
    return z.unknown().parse(await answer.json());
  };

  it('are set, changed, listed and taken back; a node is found by its name', async () => {
    expect(await caps()).toEqual([]);
    expect(await set('tool', 'claude', 2)).toMatchObject({ kind: 'tool', name: 'claude', max: 2, running: 0 });
    await set('tool', 'claude', 3);
    await set('node', 'worker', 0);
    expect(await caps()).toMatchObject([
      { kind: 'node', name: 'worker', max: 0 },
      { kind: 'tool', name: 'claude', max: 3 },
    ]);
    expect(served.node.store.get('cap', `node ${OTHER}`)?.set).toMatchObject({ by: 'user:operator', max: 0 });
    const gone = await served.fetch('/api/caps/tool/claude', { method: 'DELETE' });
    expect(gone.status).toBe(200);
    expect((await caps()).map(({ kind }) => kind)).toEqual(['node']);
  });

  it('that are not there, or of a node nobody knows, are refused, and nothing is written', async () => {
    const before = served.node.store.lastArrival();
    for (const path of ['/api/caps/tool/claude', '/api/caps/king/claude', `/api/caps/node/${SELF}`])
      expect((await served.fetch(path, { method: 'DELETE' })).status).toBe(404);
    expect((await served.post('/api/caps', { kind: 'node', name: 'nowhere', max: 1 })).status).toBe(404);
    expect(served.node.store.lastArrival()).toBe(before);
  });
});
