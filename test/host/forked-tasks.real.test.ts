// Needs: npm, 1.2 GB of disk for the agent CLIs
/** A task that begins with a copy of the conversation of another one: the model is asked with what was said there, in a worktree of its own. */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { AgentStage, TEST_MS } from './agent-stage.ts';
import type { Json, Member } from './swarm.ts';
import { asJson, InVain } from './swarm.ts';
import { untilStatus } from './terminal-rig.ts';

let stage: AgentStage;
let emperor: Member;
let worker: Member;
beforeAll(async () => {
  stage = await AgentStage.open();
  [emperor, worker] = [await stage.swarm.add(), await stage.swarm.add()];
  await stage.swarm.linked();
  await emperor.post('/api/swarm/projects', { name: 'demo', origin: stage.swarm.repository('origin'), base: 'main' });
}, TEST_MS);
afterAll(() => stage.close(), TEST_MS);

const COMPLETE = {
  tool: ['mcp__skep__task_complete', 'skep_task_complete'],
  namespace: 'mcp__skep',
  input: { summary: 'It is written.' },
};

/** A command that needs leave, which is given. */
async function worked(tool: string, one: string, o: Json): Promise<Json> {
  const steps = [{ preText: 'let me', bash: `pwd > ${one}.txt` }, COMPLETE, { text: `It is ${one}.` }];
  const task = await emperor.post('/api/swarm/tasks', {
    title: one,
    description: `Write ${one}. <<stub ${JSON.stringify(steps)}>>`,
    required_capabilities: [tool],
    project: 'demo',
    attempts_max: 1,
    ...o,
  });
  const asked = await emperor.until(async () => (await emperor.list('/api/approvals?state=open'))[0]);
  await emperor.post(`/api/approvals/${String(asked['id'])}`, { decision: 'allow' });
  return ended(String(task['id']));
}

/** OpenCode may take its time to start, more than a stream of events is followed. */
async function ended(task: string): Promise<Json> {
  try {
    return await emperor.ended(task);
  } catch (error) {
    if (!(error instanceof InVain)) throw error;
    return emperor.ended(task);
  }
}

const conversationOf = async (task: Json): Promise<Json> =>
  asJson((await emperor.get(`/api/swarm/tasks/${String(task['id'])}/transcript`))['conversation']);

it.each(['claude', 'codex', 'opencode'])('of the real %s', { timeout: TEST_MS }, async (tool) => {
  const [one, two] = [`word${randomBytes(4).toString('hex')}`, `word${randomBytes(4).toString('hex')}`];
  const hire = (name: string): Promise<Json> =>
    worker.post('/api/swarm/agents', { name, tool, drive: 'protocol', capabilities: [tool] });
  const agent = await hire(tool);
  await untilStatus(emperor, agent, 'idle');
  const first = await worked(tool, one, {});
  expect(first).toMatchObject({ status: 'completed', assigned_to: agent['id'] });
  await untilStatus(emperor, await hire(`${tool}-free`), 'idle');
  const before = await conversationOf(first);
  const copy = await worked(tool, two, { fork: first['id'] });
  expect(copy).toMatchObject({ status: 'completed', attempt: 1, assigned_to: agent['id'], work: { commits: 1 } });
  expect(stage.bodies.findLast((body) => body.includes(two) && body.includes(`Write ${one}`))).toBeDefined();
  const after = await conversationOf(copy);
  expect(after['id']).not.toBe(before['id']);
  expect(after['folder']).toContain(`${String(copy['id'])}/1`);
  expect(await conversationOf(first)).toEqual(before);
  const diff = JSON.stringify(await emperor.get(`/api/swarm/tasks/${String(copy['id'])}/diff`));
  expect(diff).toContain(`+${String(after['folder'])}`);
  expect(diff).not.toContain(one);
});
