import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { Turn } from '../scripted-driver.ts';
import type { Json } from '../swarm.ts';
import { rowsOf, TurnStage } from './turn-stage.ts';

const TEST_MS = 120_000;

let stage: TurnStage | undefined;
afterEach(async () => {
  await stage?.close();
  stage = undefined;
}, TEST_MS);

const open = async (turn: Turn): Promise<TurnStage> => (stage = await TurnStage.open(turn));

const textOf = ({ body }: Json): string => String(body);

describe('an agent that is woken by messages', () => {
  it('answers a person by its last words, once, and the message is closed', { timeout: TEST_MS }, async () => {
    const on = await open(async () => 'Seven.');
    await on.agent('bob');
    const id = await on.send('bob', 'How many are there?');
    expect(await on.ended('bob', 1)).toMatchObject([{ n: 1, state: 'completed', wake: 'text', messages: [id] }]);
    expect(on.driver.prompts[0]).toContain('> How many are there?');
    expect(await on.mail('to=operator')).toMatchObject([{ from: 'bob', body: 'Seven.', in_reply_to: id }]);
    expect(await on.mail('to=bob')).toMatchObject([{ id, state: 'acknowledged' }]);
    expect(await on.turns('bob')).toMatchObject({ state: 'idle', waiting: 0, in_hand: 0 });
  });

  it('goes on with its conversation, and is told only what is new', { timeout: TEST_MS }, async () => {
    const on = await open(async ({ prompt, tell }) => {
      tell({ kind: 'session', session: 'talk-1' });
      return prompt.includes('first') ? 'One.' : 'Two.';
    });
    await on.agent('bob');
    await on.send('bob', 'the first');
    await on.ended('bob', 1);
    expect(await on.node.get('/api/usage?by=task')).toMatchObject({ groups: [{ name: 'bob', sum: { turns: 1 } }] });
    await on.send('bob', 'the second');
    await on.ended('bob', 2);
    expect(on.driver.specs.map(({ resume }) => resume)).toEqual([null, 'talk-1']);
    expect(on.driver.prompts[1]).not.toContain('the first');
    expect(on.driver.prompts[0]).toContain('This conversation is new');
    expect(on.driver.prompts[1]).not.toContain('This conversation is new');
  });

  it('hears in its next turn what came in the middle of one', { timeout: TEST_MS }, async () => {
    const gate = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    const on = await open(async ({ prompt }) => {
      if (!prompt.includes('the first')) return 'Later.';
      begun.resolve();
      await gate.promise;
      return 'First.';
    });
    await on.agent('bob');
    await on.send('bob', 'the first');
    await begun.promise;
    const late = await on.send('bob', 'came in between');
    expect(await on.turns('bob')).toMatchObject({ state: 'running', waiting: 1, in_hand: 1 });
    gate.resolve();
    expect((await on.ended('bob', 2))[1]).toMatchObject({ messages: [late], redelivered: 0 });
    expect((await on.mail('to=operator')).map(textOf)).toEqual(['Later.', 'First.']);
  });

  it(
    'is woken by its reminder and by the answer to its question, and by nothing else',
    { timeout: TEST_MS },
    async () => {
      const on = await open(async () => 'Noted.');
      await on.agent('bob');
      const line = await on.line('bob');
      await line.ask({ cmd: 'remind', message: 'look again', delay_seconds: 0.2 });
      expect(await on.ended('bob', 1)).toMatchObject([{ wake: 'reminder' }]);
      const { id } = await line.ask({ cmd: 'ask', question: 'Left or right?', options: ['left', 'right'] });
      await on.node.post(`/api/messages/${String(id)}/answer`, { answer: 'left' });
      await on.ended('bob', 2);
      await line.ask({ cmd: 'wake', from: 'make', body: 'make test ended with 0' });
      line.close();
      const rows = await on.ended('bob', 3);
      expect(rows.map(({ wake }) => wake)).toEqual(['reminder', 'answer', 'event']);
      expect(on.driver.prompts[1]).toContain('> left');
      expect(on.driver.prompts[2]).toContain(', of make]');
      // Nobody waits for an answer to any of these.
      expect((await on.mail('to=operator')).map(textOf)).toEqual(['Left or right?']);
    },
  );

  it('gets a thousand messages in bounded prompts, in their order, each once', { timeout: TEST_MS }, async () => {
    const on = await open(async () => '');
    const bob = await on.agent('bob');
    await on.node.post(`/api/swarm/agents/${String(bob['id'])}/pause`, {});
    for (let n = 0; n < 1_000; n += 50)
      await Promise.all(
        Array.from({ length: 50 }, (_one, at) => on.send('bob', `number ${n + at} ${'x'.repeat(3_000)}`)),
      );
    expect(on.driver.prompts).toEqual([]);
    expect(await on.turns('bob')).toMatchObject({ state: 'paused', waiting: 1_000 });
    await on.node.post(`/api/swarm/agents/${String(bob['id'])}/resume`, {});
    await on.untilTurns('bob', ({ waiting, in_hand, state }) =>
      waiting === 0 && in_hand === 0 && state === 'idle' ? true : undefined,
    );
    expect(Math.max(...on.driver.prompts.map(({ length }) => length))).toBeLessThan(100_000);
    const told = on.driver.prompts.flatMap((prompt) => [...prompt.matchAll(/^> number (\d+) /gm)].map(([, n]) => n));
    expect(new Set(told).size).toBe(told.length);
    expect(on.driver.prompts).toHaveLength(Math.ceil(1_000 / 32));
    expect(on.driver.prompts[0]).toContain('968 more wait');
    expect(await on.mail('to=bob&state=open')).toEqual([]);
  });
});

describe('when a turn does not go well', () => {
  it('puts back what a turn failed of, with the mark', { timeout: TEST_MS }, async () => {
    let dead = 0;
    const on = await open(async ({ prompt, tell }) => {
      tell({ kind: 'session', session: 'talk-1' });
      tell({ kind: 'state', state: 'running', source: 'protocol', exact: true, evidence: 'it began' });
      if (dead++ === 0) throw new Error('it fell over');
      return prompt.includes('may be handled already') ? 'Again.' : 'Fresh.';
    });
    await on.agent('bob');
    await on.send('bob', 'mind the step');
    const [row] = await on.ended('bob', 1);
    expect(row).toMatchObject({ state: 'failed', why: expect.stringContaining('it fell over') });
    expect(await on.ended('bob', 2)).toMatchObject([{}, { state: 'completed', redelivered: 1 }]);
    expect((await on.mail('to=operator')).map(textOf)).toEqual(['Again.']);
  });

  it('is parked at a rate limit until its reset, and loses nothing', { timeout: TEST_MS }, async () => {
    const resetMs = Date.now() + 3_600_000;
    const on = await open(async ({ tell, number, spec }) => {
      tell({
        kind: 'state',
        state: 'rate_limited',
        source: 'protocol',
        exact: true,
        evidence: '429',
        untilMs: resetMs,
      });
      tell({
        kind: 'turn_ended',
        turn: `turn-${number}`,
        outcome: 'failed',
        text: 'limit reached',
        exit: undefined,
        failure: 'rate_limited',
      });
      return spec.procId;
    });
    await on.agent('bob');
    const id = await on.send('bob', 'count to ten');
    await on.ended('bob', 1);
    const until = new Date(resetMs).toISOString();
    const parked = { state: 'parked', until, waiting: 1, turns: [{ state: 'failed' }] };
    expect(await on.turns('bob')).toMatchObject(parked);
    expect(await on.node.get('/api/swarm/agents/bob/explain')).toMatchObject({ state: 'rate_limited' });
    await on.send('bob', 'and this');
    await on.node.restart();
    expect(await on.turns('bob')).toMatchObject({ ...parked, waiting: 2 });
    expect(on.driver.prompts).toHaveLength(1);
    expect(await on.mail('to=bob&state=open')).toMatchObject([{}, { id }]);
  });

  it('answers with an echo where it was told to, and never an echo with an echo', { timeout: TEST_MS }, async () => {
    const on = await open(async () => {
      throw new Error('no model here');
    });
    await on.agent('ann', { turns: 'echo' });
    await on.agent('bob', { turns: 'echo' });
    const line = await on.line('ann');
    await line.ask({ cmd: 'send', to: 'bob', body: 'anybody there?' });
    line.close();
    await on.ended('bob', 1);
    await on.ended('ann', 1);
    expect(await on.mail('to=ann')).toMatchObject([
      { from: 'bob', body: 'echo: anybody there?', state: 'acknowledged' },
    ]);
    expect(await on.mail('to=bob')).toMatchObject([{ from: 'ann', state: 'acknowledged' }]);
    expect(await on.turns('bob')).toMatchObject({ state: 'idle', waiting: 0 });
  });

  it('ends with its agent, whose messages bounce', { timeout: TEST_MS }, async () => {
    const begun = Promise.withResolvers<void>();
    const on = await open(() => {
      begun.resolve();
      return new Promise(() => {});
    });
    const bob = await on.agent('bob');
    const id = await on.send('bob', 'take your time');
    await begun.promise;
    const answer = await on.node.request('DELETE', `/api/swarm/agents/${String(bob['id'])}`);
    expect(answer.status).toBe(200);
    const isBounced = async () => (await on.node.get(`/api/messages/${id}`))['state'] === 'bounced' || undefined;
    await on.node.until(isBounced);
    expect(await on.node.get(`/api/messages/${id}`)).toMatchObject({ bounce_reason: 'recipient_gone' });
  });

  it('is closed, and not begun again, when a person stops it', { timeout: TEST_MS }, async () => {
    const begun = Promise.withResolvers<void>();
    const on = await open(() => {
      begun.resolve();
      return new Promise(() => {});
    });
    const bob = await on.agent('bob');
    await on.send('bob', 'this goes wrong');
    await begun.promise;
    await on.node.post(`/api/swarm/agents/${String(bob['id'])}/interrupt`, {});
    expect(await on.ended('bob', 1)).toMatchObject([{ state: 'interrupted' }]);
    expect(await on.turns('bob')).toMatchObject({ state: 'idle', waiting: 0, in_hand: 0 });
    expect(await on.mail('to=bob&state=open')).toEqual([]);
  });
});

describe('a node that stops in the middle of a turn', () => {
  it('goes on with it when it is back, and its message is handled once', { timeout: TEST_MS }, async () => {
    const gate = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    const on = await open(async () => {
      begun.resolve();
      await gate.promise;
      return 'Done.';
    });
    await on.agent('bob');
    const id = await on.send('bob', 'a long one');
    await begun.promise;
    await on.node.restart();
    expect(await on.turns('bob')).toMatchObject({ state: 'running' });
    gate.resolve();
    expect(await on.ended('bob', 1)).toMatchObject([{ n: 1, state: 'completed', messages: [id] }]);
    expect(await on.mail('to=operator')).toMatchObject([{ body: 'Done.', in_reply_to: id }]);
    expect(await on.mail('to=bob')).toMatchObject([{ id, state: 'acknowledged' }]);
    expect(on.driver.prompts).toHaveLength(1);
  });

  it('hands its message out anew, marked, where the process is gone', { timeout: TEST_MS }, async () => {
    const begun = Promise.withResolvers<void>();
    const on = await open(({ prompt }) => {
      begun.resolve();
      return prompt.includes('may be handled already') ? Promise.resolve('Again.') : new Promise(() => {});
    });
    await on.agent('bob');
    const id = await on.send('bob', 'a long one');
    await begun.promise;
    on.driver.forget();
    await on.node.restart();
    const rows = await on.ended('bob', 2);
    expect(rows).toMatchObject([{ state: 'lost' }, { state: 'completed', redelivered: 1, messages: [id] }]);
    expect((await on.mail('to=operator')).map(textOf)).toEqual(['Again.']);
  });
});

describe('a conversation that is nearly full', () => {
  it('ends with a turn that writes notes, with which the next one begins', { timeout: TEST_MS }, async () => {
    const on = await open(async ({ prompt, tell, spec }) => {
      tell({ kind: 'session', session: 'talk-1' });
      if (prompt.startsWith('This conversation is nearly full')) {
        writeFileSync(join(spec.cwd, 'notes.md'), 'The parser is half done.');
        return '';
      }
      if (prompt.includes('> go on')) tell({ kind: 'context', tokens: 160_000, max: 200_000 });
      return 'Yes.';
    });
    await on.agent('bob');
    await on.send('bob', 'go on');
    const rows = await on.ended('bob', 2);
    expect(rows).toMatchObject([
      { wake: 'text', conversation: 1, context: { tokens: 160_000, max: 200_000 } },
      { wake: 'checkpoint', conversation: 1, messages: [] },
    ]);
    expect(await on.turns('bob')).toMatchObject({ conversation: 2, context: null, state: 'idle' });
    await on.send('bob', 'and now?');
    await on.untilTurns('bob', (turns) => (rowsOf(turns).length > 2 ? true : undefined));
    expect(on.driver.specs.map(({ resume }) => resume)).toEqual([null, 'talk-1', null]);
    expect(on.driver.prompts[2]).toContain('The parser is half done.');
  });
});
