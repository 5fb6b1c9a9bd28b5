// Needs: npm, 1.2 GB of disk for the agent CLIs
/** The real Claude Code says by the tools of skep how its task stands. The model is scripted; all between is real. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { UNCONFIRMED } from '#host/agent-words.ts';
import { AgentStage, TEST_MS } from './agent-stage.ts';
import type { Json, Member } from './swarm.ts';

let stage: AgentStage;
let node: Member;
beforeEach(async () => {
  stage = await AgentStage.open();
  node = await stage.swarm.add();
  await node.post('/api/swarm/agents', { name: 'ann', tool: 'claude', drive: 'protocol' });
}, TEST_MS);
afterEach(() => stage.close(), TEST_MS);

const call = (tool: string, input: Json): Json => ({ tool: `mcp__skep__${tool}`, input });

async function done(steps: readonly Json[]): Promise<Json> {
  const description = `Do it. <<stub ${JSON.stringify(steps)}>>`;
  const task = await node.post('/api/swarm/tasks', { title: 'Do it', description, attempts_max: 1 });
  return node.ended(String(task['id']));
}

describe('the real claude', () => {
  it('completes its task by task_complete, with that summary as the result', { timeout: TEST_MS }, async () => {
    const ended = await done([
      call('task_progress', { text: 'looking around' }),
      call('agents_list', {}),
      call('task_complete', { summary: 'Looked around; all is well.' }),
      { text: 'Bye.' },
    ]);
    expect(ended).toMatchObject({ status: 'completed', result: 'Looked around; all is well.', attempt: 1 });
    const told = stage.served.map(({ prompt }) => prompt);
    expect(told.some((prompt) => prompt.includes('no outcome yet'))).toBe(false);
  });

  it('changes nothing by a second task_complete', { timeout: TEST_MS }, async () => {
    const [first, second] = ['The first word.', 'The second word.'].map((summary) =>
      call('task_complete', { summary }),
    );
    const ended = await done([first ?? {}, second ?? {}, { text: 'Bye.' }]);
    expect(ended).toMatchObject({ status: 'completed', result: 'The first word.', attempt: 1 });
    expect(await node.list('/api/swarm/tasks')).toHaveLength(1);
  });

  it('ends its attempt by task_failed', { timeout: TEST_MS }, async () => {
    const ended = await done([call('task_failed', { reason: 'There is nothing here.' }), { text: 'Bye.' }]);
    expect(ended).toMatchObject({ status: 'failed', reason: 'script_failed', error: 'There is nothing here.' });
  });

  it('is reminded once in the same session where it ends its turn without a word', { timeout: TEST_MS }, async () => {
    const ended = await done([{ text: 'I think that is all.' }]);
    expect(ended).toMatchObject({ status: 'completed', result: expect.stringContaining(UNCONFIRMED) });
    const reminders = stage.served.filter(({ prompt }) => prompt.includes('no outcome yet'));
    expect(reminders).toHaveLength(1);
  });

  it('makes a task that waits until an operator allows it', { timeout: TEST_MS }, async () => {
    await done([
      call('task_create', { title: 'More', description: 'Say how you are.' }),
      call('task_complete', { summary: 'Left more to others.' }),
      { text: 'Bye.' },
    ]);
    const made = (await node.list('/api/swarm/tasks')).find((one) => one['title'] === 'More');
    expect(made).toMatchObject({ status: 'pending', pending_reason: expect.stringMatching(/^needs_allow/) });
    await node.post(`/api/swarm/tasks/${String(made?.['id'])}/allow`, {});
    expect(await node.ended(String(made?.['id']))).toMatchObject({ status: 'completed', attempt: 1 });
  });
});
