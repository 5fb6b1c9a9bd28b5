/** What agents used, as their node counts it: once each, also over a restart. */
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { AgentEvent, Usage } from '#agent-ports.ts';
import { Prices } from '#host/prices.ts';
import { ScriptedDriver } from './scripted-driver.ts';
import type { Turn } from './scripted-driver.ts';
import type { Member } from './swarm.ts';
import { TestSwarm } from './swarm.ts';

const usage = (o: Partial<Usage>): Usage => ({
  model: 'claude-sonnet-4-5',
  inputTokens: 1_000,
  cachedTokens: 10_000,
  outputTokens: 100,
  reasoningTokens: 40,
  costUsd: null,
  ...o,
});
const used = (id: string, o: Partial<Usage> = {}): AgentEvent => ({ kind: 'usage', id, usage: usage(o) });

let swarm: TestSwarm | undefined;
afterEach(() => swarm?.close());

async function start(turn: Turn): Promise<Member> {
  swarm = new TestSwarm();
  const node = await swarm.add({ drivers: [new ScriptedDriver(turn)], name: 'hive' });
  await node.post('/api/swarm/agents', { name: 'ann', tool: 'true', drive: 'protocol' });
  return node;
}

const create = async (node: Member): Promise<string> =>
  String((await node.post('/api/swarm/tasks', { title: 'Do it', attempts_max: 1 }))['id']);

describe('the ledger', () => {
  it('counts each event once, by the price of the tool, else of the table, else by none', async () => {
    const node = await start(async ({ number, tell }) => {
      if (number > 1) return '';
      tell(used('a', { costUsd: 0.5 }));
      tell(used('b'));
      tell(used('a', { costUsd: 0.5 }));
      tell(used('c', { model: 'stub-model' }));
      return '';
    });
    const id = await create(node);
    const ended = await node.ended(id);
    // 1,000 × $3 + 10,000 × $0.30 + 100 × $15, a million.
    const sum = { input_tokens: 3_000, cached_tokens: 30_000, output_tokens: 300, reasoning_tokens: 120 };
    // The second turn is the reminder that nothing was said of how the task stands.
    const whole = { ...sum, cost_usd: 0.5075, turns: 2, records: 3, unpriced_records: 1 };
    expect(ended['usage']).toEqual({ ...whole, time_ms: expect.any(Number) });
    expect(await node.get('/api/usage')).toMatchObject({ total: whole, groups: [{ name: 'ann', sum: whole }] });
    const byModel = await node.get('/api/usage?by=model');
    expect(byModel['groups']).toMatchObject([
      { name: 'claude-sonnet-4-5', sum: { cost_usd: 0.5075, unpriced_records: 0 } },
      { name: 'stub-model', sum: { cost_usd: null, unpriced_records: 1 } },
      // A turn that used nothing is of no model.
      { name: 'unknown', sum: { cost_usd: null, turns: 1, records: 0 } },
    ]);
    const today = new Date().toISOString().slice(0, 10);
    expect(await node.get(`/api/usage?by=node&task=${id}&since=${today}`)).toMatchObject({
      groups: [{ name: 'hive' }],
    });
    expect(await node.get('/api/usage?by=day&since=2999-01-01')).toMatchObject({
      groups: [],
      total: { cost_usd: null },
    });
    expect((await node.request('GET', '/api/usage?since=soon')).status).toBe(400);
  });

  it('counts nothing again that comes again after a restart', async () => {
    const [begun, release] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const node = await start(async ({ number, tell }) => {
      tell(used(`turn ${number}`, { costUsd: 1 }));
      if (number === 2) {
        begun.resolve();
        await release.promise;
      }
      return '';
    });
    const id = await create(node);
    await begun.promise;
    await node.restart();
    await node.until(async () => ((await node.task(id))['status'] === 'in_progress' ? true : undefined));
    release.resolve();
    expect(await node.ended(id)).toMatchObject({ usage: { cost_usd: 2, records: 2, turns: 2 } });
  });
});

describe('the table of prices', () => {
  it('is edited in a file, whose longest name counts, and stays when the file is broken', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'skep-prices-'));
    const path = join(directory, 'prices.json');
    const log: string[] = [];
    const prices = new Prices({ path, log: (line) => log.push(line) });
    let saves = 0;
    const save = async (text: string): Promise<void> => {
      writeFileSync(path, text);
      saves += 1;
      utimesSync(path, saves, saves);
      await prices.refresh();
    };
    const plain = { cachedTokens: 0, outputTokens: 0, inputTokens: 1_000_000 };
    const costOf = (model: string | null): number | undefined => prices.costOf(usage({ ...plain, model }));
    try {
      await prices.refresh();
      expect([costOf('claude-opus-4-5-20251101'), costOf('claude-opus-4-1')]).toEqual([5, 15]);
      expect([costOf('stub-model'), costOf(null)]).toEqual([undefined, undefined]);
      expect([costOf('claude-opus-5-5'), costOf('claude-opus-5-20260724'), costOf('claude-sonnet-4-5[1m]')]).toEqual([
        4, 5, 3,
      ]);
      // Models of the same family whose price nobody looked up.
      for (const other of ['gpt-5.9', 'gpt-5-pro', 'claude-opus-4-9', 'claude-opus-5-5-fast', 'gemini-2.5-pro'])
        expect(costOf(other)).toBeUndefined();
      await save('{"models":{"stub":{"input":7,"cached":1,"output":1},"claude-":{"input":9,"cached":1,"output":1}}}');
      expect([costOf('stub-model'), costOf('claude-opus-4-1'), costOf('gpt-5-codex')]).toEqual([7, 9, 1.25]);
      await save('{"models":{"stub":{"input":"dear"}}}');
      expect(costOf('stub-model')).toBe(7);
      expect(log).toEqual([expect.stringMatching(/is no table of prices/)]);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });
});

describe('a budget', () => {
  const costly = (usd: number, seen: string[]): Turn => {
    return async ({ number, tell, spec }) => {
      seen.push(`turn ${number}`);
      tell(used(`${spec.procId} ${number}`, { costUsd: usd }));
      tell({ kind: 'delta', stream: 'stdout', text: 'going on\n' });
      // Only an interrupt ends it.
      return new Promise(() => {});
    };
  };

  it('of a task warns, then stops the attempt, and lets no other one begin', async () => {
    const seen: string[] = [];
    const node = await start(costly(0.9, seen));
    const budgeted = { title: 'Do it', budget_usd: 1, attempts_max: 3 };
    const id = String((await node.post('/api/swarm/tasks', budgeted))['id']);
    await node.until(async () => {
      const { output } = await node.get(`/api/swarm/tasks/${id}/output`);
      return String(output).includes('the budget of this task is nearly used up') ? true : undefined;
    });
    expect(await node.task(id)).toMatchObject({ status: 'in_progress' });
    await node.post(`/api/swarm/tasks/${id}/cancel`, {});
    expect(await node.ended(id)).toMatchObject({ status: 'cancelled' });

    const second = String((await node.post('/api/swarm/tasks', { ...budgeted, budget_usd: 0.5 }))['id']);
    const ended = await node.ended(second);
    expect(ended).toMatchObject({
      status: 'failed',
      reason: 'limit',
      attempt: 3,
      usage: { cost_usd: 0.9, records: 1 },
    });
    expect(ended['error']).toMatch(/^the budget of this task is used up: \$0\.9000 of \$0\.5/);
    expect(seen).toEqual(['turn 1', 'turn 1']);
  });

  it('of a task that is used up by the turn that completes it takes nothing back', async () => {
    const node = await start(async ({ tell }) => {
      tell(used('a', { costUsd: 2 }));
      return 'dear, but done';
    });
    const id = String((await node.post('/api/swarm/tasks', { title: 'Do it', budget_usd: 1 }))['id']);
    expect(await node.ended(id)).toMatchObject({
      status: 'completed',
      result: expect.stringContaining('dear, but done'),
      usage: { cost_usd: 2 },
    });
  });

  it('of an agent for a day ends its attempt, holds it alone, over a restart, and lets it go on when it is raised', async () => {
    const seen: string[] = [];
    swarm = new TestSwarm();
    const node = await swarm.add({ drivers: [new ScriptedDriver(costly(3, seen))] });
    await node.post('/api/swarm/agents', { name: 'ann', tool: 'true', drive: 'protocol', budget_usd_day: 2 });
    const id = await create(node);
    const ended = await node.ended(id);
    expect(ended).toMatchObject({ status: 'failed', reason: 'limit', usage: { cost_usd: 3, turns: 1 } });
    await node.restart();
    expect(await node.get('/api/swarm/agents/ann/explain')).toMatchObject({
      state: 'rate_limited',
      rule: 'the budget of ann for today (UTC) is used up: $3.0000 of $2',
    });
    const next = await create(node);
    expect(await node.task(next)).toMatchObject({ status: 'pending' });
    await node.post('/api/swarm/agents', { name: 'bob', tool: 'true', drive: 'protocol' });
    await node.until(async () => (seen.length === 2 ? true : undefined));
    const third = await create(node);
    await node.post('/api/swarm/agents/ann/budget', { usd_day: 20 });
    await node.until(async () => (seen.length === 3 ? true : undefined));
    expect(await node.get('/api/swarm/agents/ann/explain')).toMatchObject({ state: 'idle' });
    for (const task of [next, third]) await node.post(`/api/swarm/tasks/${task}/cancel`, {});
  });

  it('of the node for a day holds its agents until the next one, also over a restart', async () => {
    const seen: string[] = [];
    swarm = new TestSwarm();
    const node = await swarm.add({ drivers: [new ScriptedDriver(costly(3, seen))], budgetUsdDay: 2 });
    await node.post('/api/swarm/agents', { name: 'ann', tool: 'true', drive: 'protocol' });
    const id = await create(node);
    expect(await node.ended(id)).toMatchObject({ status: 'failed', reason: 'limit' });
    await node.restart();
    const explained = await node.get('/api/swarm/agents/ann/explain');
    expect(explained).toMatchObject({ state: 'rate_limited', rule: expect.stringMatching(/^the budget of this node/) });
    const next = await create(node);
    expect(await node.task(next)).toMatchObject({
      status: 'pending',
      pending_reason: 'every agent that could take it is busy',
    });
    expect(seen).toEqual(['turn 1']);
  });
});
