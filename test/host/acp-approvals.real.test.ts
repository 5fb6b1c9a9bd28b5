// Needs: npm, 1.2 GB of disk for the agent CLIs
/** What agents by ACP ask before they go on: asked on the node of the agent, answered from another one, over a restart of the first. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AgentStage, TEST_MS } from './agent-stage.ts';
import type { Json, Member } from './swarm.ts';
import { addTask, untilStatus } from './terminal-rig.ts';

const COMMIT = 'echo two > two.txt && git add -A && git commit -qm two';
const DONE = {
  tool: ['mcp_skep_task_complete', 'skep__task_complete', 'skep_task_complete', 'task_complete'],
  input: { summary: 'two is committed' },
};

let stage: AgentStage;
let emperor: Member;
let worker: Member;
beforeEach(async () => {
  stage = await AgentStage.open();
  // OpenCode asks for nothing unless it is told to.
  Object.assign(process.env, { OPENCODE_PERMISSION: JSON.stringify({ bash: 'ask' }) });
  emperor = await stage.swarm.add();
  worker = await stage.swarm.add();
  await stage.swarm.linked();
  await emperor.post('/api/swarm/projects', { name: 'demo', origin: stage.swarm.repository('origin'), base: 'main' });
}, TEST_MS);
afterEach(() => stage.close(), TEST_MS);

/** What waits for an answer, and is none of these. */
const asked = (member: Member, ...before: Json[]): Promise<Json> =>
  member.until(async () => {
    const open = await member.list('/api/approvals?state=open');
    return open.find(({ id }) => before.every((one) => one['id'] !== id));
  });

async function given(tool: string, steps: readonly Json[]): Promise<{ agent: Json; task: string }> {
  const wanted = { name: 'acp', tool, drive: 'protocol', capabilities: ['words'] };
  const agent = await worker.post('/api/swarm/agents', wanted);
  await untilStatus(emperor, agent, 'idle');
  const script = `<<stub ${JSON.stringify([...steps, DONE, { text: 'Bye.' }])}>>`;
  const task = await addTask(emperor, `Commit. ${script}`, { project: 'demo', attempts_max: 1 });
  return { agent, task: String(task['id']) };
}

describe.each(['gemini', 'acp opencode acp'])('the real %s on another node', { timeout: TEST_MS }, (tool) => {
  it('asks for leave, still asks when its node is back, asks for nothing else, and delivers its commit', async () => {
    const { agent, task } = await given(tool, [{ preText: 'let me', bash: COMMIT }]);
    const first = await asked(emperor);
    expect(JSON.stringify([first['title'], first['detail']])).toContain('git commit -qm two');
    expect(first).toMatchObject({ agent_name: 'acp', node_name: 'node-1', task_id: task });
    await untilStatus(emperor, agent, 'waiting');
    await worker.restart();
    await stage.swarm.linked();
    await untilStatus(emperor, agent, 'waiting');
    expect(await asked(emperor)).toMatchObject({ id: first['id'] });
    await emperor.post(`/api/approvals/${String(first['id'])}`, { decision: 'allow' });
    const ended = await emperor.ended(task);
    expect(ended).toMatchObject({ status: 'completed', attempt: 1, assigned_to: agent['id'], work: { commits: 1 } });
    expect(await emperor.list('/api/approvals')).toMatchObject([{ id: first['id'], state: 'allowed' }]);
  });

  it('does not do what is denied from there', async () => {
    const { task } = await given(tool, [{ preText: 'let me', bash: 'echo one > denied.txt' }]);
    const first = await asked(emperor);
    await emperor.post(`/api/approvals/${String(first['id'])}`, { decision: 'deny', note: 'not that file' });
    // OpenCode ends its turn when it is denied, and is then reminded to say how its task stands.
    expect(await emperor.ended(task)).toMatchObject({ status: 'completed', work: null });
    expect(await emperor.list('/api/approvals')).toMatchObject([{ id: first['id'], state: 'denied' }]);
  });
});
