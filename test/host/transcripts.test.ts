import { afterEach, expect, it } from 'vitest';
import { z } from 'zod';
import { transcriptSchema } from '#core/schema/transcript.ts';
import { ScriptedDriver } from './scripted-driver.ts';
import { TestSwarm } from './swarm.ts';

let swarm: TestSwarm | undefined;
afterEach(() => swarm?.close());

it('is read from any node while the agent works and after, with what is in its conversation', async () => {
  const release = Promise.withResolvers<void>();
  swarm = new TestSwarm();
  const driver = new ScriptedDriver(async ({ number, tell }) => {
    if (number > 1) return '';
    tell({ kind: 'session', session: 'the-conversation' });
    tell({ kind: 'context', tokens: 1_200, max: 200_000 });
    const call = { kind: 'tool', id: 'c', name: 'bash', title: 'bash: ls' } as const;
    tell({ ...call, state: 'running', input: { text: 'ls', chars: 2 } });
    tell({ kind: 'delta', stream: 'stdout', text: 'looking' });
    await release.promise;
    tell({ ...call, state: 'completed', output: { text: 'a file', chars: 6 } });
    return 'done';
  });
  const worker = await swarm.add({ drivers: [driver] });
  const other = await swarm.add();
  await swarm.linked();
  const agent = String(
    (await worker.post('/api/swarm/agents', { name: 'ann', tool: 'true', drive: 'protocol' }))['id'],
  );
  const task = String((await other.post('/api/swarm/tasks', { title: 'Look', attempts_max: 1 }))['id']);
  const read = async (path: string) => transcriptSchema.parse((await other.request('GET', path)).body);
  const path = `/api/swarm/tasks/${task}/transcript`;
  const half = await other.until(async () => {
    const answer = transcriptSchema.safeParse((await other.request('GET', path)).body).data;
    return answer?.entries.some((one) => one.kind === 'text') === true ? answer : undefined;
  });
  expect(half.entries).toMatchObject([
    { kind: 'turn', prompt: { text: expect.stringContaining('Look') } },
    { kind: 'tool', state: 'running' },
    { kind: 'text', text: 'looking' },
  ]);
  expect(half.context).toEqual({ tokens: 1_200, max: 200_000 });
  const contexts = z.looseObject({ id: z.string(), context: z.unknown() }).array();
  await worker.until(async () => {
    const agents = contexts.parse((await worker.request('GET', '/api/swarm/agents')).body);
    return JSON.stringify(agents.find(({ id }) => id === agent)?.context) === '{"tokens":1200,"max":200000}'
      ? true
      : undefined;
  });
  release.resolve();
  await other.ended(task);
  const news = await read(`${path}?after=${half.change}`);
  expect(news.entries.find(({ kind }) => kind === 'tool')).toMatchObject({ n: 2, output: { text: 'a file' } });
  expect(await read(`/api/swarm/agents/${agent}/transcript`)).toMatchObject({ task_id: task, attempt: 1 });
  // It outlives the attempt, its folder and its node's life.
  const { conversation } = half;
  expect(conversation).toEqual({ id: 'the-conversation', folder: expect.stringContaining(`${task}/1`) });
  expect(await read(path)).toMatchObject({ conversation });
  await worker.restart();
  await swarm.linked();
  expect(await read(path)).toMatchObject({ conversation });
  expect((await other.request('GET', `${path}?before=3&after=1`)).status).toBe(400);
  expect((await other.request('GET', `${path}?attempt=7`)).status).toBe(409);
});
