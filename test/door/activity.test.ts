import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { parsedOpId, userPrincipal } from '#core/brand.ts';
import { activityJsonSchema } from '#door/json/activity.ts';
import type { Served } from './serve.ts';
import { serve } from './serve.ts';

const MINUTE_MS = 60_000;
const AGENT = parsedOpId(`${'a'.repeat(32)}-99`);

describe('what a swarm did over time', () => {
  let served: Served;
  beforeEach(async () => {
    served = await serve();
  });
  afterEach(() => served.close());

  const create = async () => {
    const answer = await served.post('/api/swarm/tasks', { title: 'x' });
    return parsedOpId(z.object({ id: z.string() }).parse(await answer.json()).id);
  };
  /** The points of the last minutes, oldest first, the one that runs last. */
  const lastMinutes = async (count: number) => {
    // What was asked a moment ago is not asked anew.
    served.node.wallMs += 10_000;
    return activityJsonSchema.parse(await served.json('/api/swarm/activity')).points.slice(-count);
  };

  it('counts what came, ended and waited, each in its minute', async () => {
    const { node } = served;
    const first = await create();
    const second = await create();
    node.wallMs += MINUTE_MS;
    await node.start(first, AGENT);
    node.wallMs += MINUTE_MS;
    await node.end(first, { kind: 'completed' });
    await node.cancelTask(second, userPrincipal('x'));
    expect(await lastMinutes(4)).toEqual([
      { at: '2026-02-12T09:59:00Z', created: 0, completed: 0, failed: 0, cancelled: 0, waiting: 0, cost_usd: 0 },
      { at: '2026-02-12T10:00:00Z', created: 2, completed: 0, failed: 0, cancelled: 0, waiting: 2, cost_usd: 0 },
      { at: '2026-02-12T10:01:00Z', created: 0, completed: 0, failed: 0, cancelled: 0, waiting: 1, cost_usd: 0 },
      { at: '2026-02-12T10:02:00Z', created: 0, completed: 1, failed: 0, cancelled: 1, waiting: 0, cost_usd: 0 },
    ]);
  });

  it('counts a task as waiting again after an attempt that leaves others over, and as failed after the last', async () => {
    const { node } = served;
    const answer = await served.post('/api/swarm/tasks', { title: 'x', attempts_max: 2 });
    const task = parsedOpId(z.object({ id: z.string() }).parse(await answer.json()).id);
    await node.start(task, AGENT);
    node.wallMs += MINUTE_MS;
    await node.end(task, { kind: 'failed', reason: 'script_failed' });
    node.wallMs += MINUTE_MS;
    const by = userPrincipal('x');
    const value = { kind: 'granted' as const, attempt: 2, claim: AGENT, node: node.info.self, agent: AGENT };
    await node.commit(node.info.self, [{ entity: task, by, body: { type: 'task.granted', slot: 3, value } }]);
    await node.end(task, { kind: 'failed', attempt: 2, reason: 'script_failed' }, 4);
    expect((await lastMinutes(3)).map(({ waiting, failed }) => [waiting, failed])).toEqual([
      [0, 0],
      [1, 0],
      [0, 1],
    ]);
  });

  it('adds up what was spent, and holds what waits since before as waiting all the time', async () => {
    const { node } = served;
    const task = await create();
    node.wallMs += 24 * 60 * MINUTE_MS;
    const usage = {
      type: 'usage.recorded' as const,
      attempt: 1,
      agent: AGENT,
      model: 'm',
      ids: ['1'],
      inputTokens: 1,
      cachedTokens: 0,
      outputTokens: 1,
      reasoningTokens: 0,
      costUsd: 0.25,
      pricedBy: 'tool' as const,
    };
    const draft = { entity: task, by: userPrincipal('x') };
    await node.append([
      { ...draft, body: usage },
      { ...draft, body: { ...usage, ids: ['2'], costUsd: 0.5 } },
    ]);
    expect((await lastMinutes(2)).map(({ waiting, cost_usd: cost }) => [waiting, cost])).toEqual([
      [1, 0],
      [1, 0.75],
    ]);
    const hours = activityJsonSchema.parse(await served.json('/api/swarm/activity?by=hour'));
    expect([hours.step_s, hours.points.length, hours.truncated]).toEqual([3_600, 168, false]);
    expect(hours.points.reduce((sum, { created }) => sum + created, 0)).toBe(1);
  });
});
