import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { serve } from './serve.ts';
import type { Served } from './serve.ts';

const KEY = { 'idempotency-key': 'key-1' };

describe('Idempotency-Key', () => {
  let served: Served;
  beforeAll(async () => {
    served = await serve();
  });
  afterAll(() => served.close());

  const create = (body: unknown, headers: Record<string, string> = KEY): Promise<Response> =>
    served.post('/api/swarm/tasks', body, headers);
  const idOf = async (answer: Response): Promise<string> => z.object({ id: z.string() }).parse(await answer.json()).id;

  it('gives the first answer again, also while it is being made', async () => {
    const body = { title: 'once', priority: 1 };
    const answers = await Promise.all([create(body), create(body), create({ priority: 1, title: 'once' })]);
    const texts = await Promise.all(answers.map((answer) => answer.text()));
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 201]);
    expect(new Set(texts).size).toBe(1);
    expect(await served.json('/api/swarm/tasks')).toHaveLength(1);
  });

  it('with another body is a conflict', async () => {
    const answer = await create({ title: 'twice' });
    expect([answer.status, await answer.json()]).toMatchObject([409, { code: 'conflict', got: 'another body' }]);
    expect(await served.json('/api/swarm/tasks')).toHaveLength(1);
  });

  it('is of one caller and one route', async () => {
    expect((await served.post('/api/posts', { content: 'x' }, KEY)).status).toBe(201);
    const { token } = z
      .object({ token: z.string() })
      .parse(await (await served.post('/api/tokens', { name: 'ann', role: 'operator' })).json());
    expect((await create({ title: 'hers' }, { ...KEY, authorization: `Bearer ${token}` })).status).toBe(201);
    expect(await served.json('/api/swarm/tasks')).toHaveLength(2);
  });

  it('keeps no refusal', async () => {
    const key = { 'idempotency-key': 'key-2' };
    expect((await create({}, key)).status).toBe(400);
    expect((await served.post('/api/swarm/agents', { name: 'x', tool: 'none' }, key)).status).toBe(422);
    served.node.knobs.tools = ['none'];
    expect((await served.post('/api/swarm/agents', { name: 'x', tool: 'none' }, key)).status).toBe(201);
    delete served.node.knobs.tools;
    expect((await create({ title: 'now' }, key)).status).toBe(201);
  });

  it('finds a created task also after a restart', async () => {
    const body = { title: 'durable', description: 'x'.repeat(50_000), attempts_max: 2 };
    const key = { 'idempotency-key': 'key-3' };
    const id = await idOf(await create(body, key));
    const again = await serve({ node: served.node });
    const answer = await again.post('/api/swarm/tasks', body, key);
    expect(await answer.json()).toMatchObject({ id, description: body.description });
    const other = await again.post('/api/swarm/tasks', { ...body, title: 'another' }, key);
    expect(other.status).toBe(409);
    const explicit = { title: 'named', id: 'mine' };
    const named = await idOf(await create(explicit, { 'idempotency-key': 'key-4' }));
    expect(await idOf(await again.post('/api/swarm/tasks', explicit, { 'idempotency-key': 'key-4' }))).toBe(named);
    expect((await again.post('/api/swarm/tasks', explicit)).status).toBe(409);
    await again.close();
  });
});
