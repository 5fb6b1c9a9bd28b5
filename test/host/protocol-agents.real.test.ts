// Needs: npm, 1.2 GB of disk for the agent CLIs
/** Real Claude Code and Codex, driven by their protocols on a real swarm of two nodes: a task of a project, from one node to the other and back. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { killed } from '../driver/protocol-rig.ts';
import { AgentStage, TEST_MS } from './agent-stage.ts';
import type { Json, Member } from './swarm.ts';
import { addTask, stateOf, untilStatus } from './terminal-rig.ts';

let stage: AgentStage;
let emperor: Member;
let worker: Member;
beforeEach(async () => {
  stage = await AgentStage.open();
  emperor = await stage.swarm.add();
  worker = await stage.swarm.add();
  await stage.swarm.linked();
  await emperor.post('/api/swarm/projects', { name: 'demo', origin: stage.swarm.repository('origin'), base: 'main' });
}, TEST_MS);
afterEach(() => stage.close(), TEST_MS);

const COMMIT = 'echo two > two.txt && git add -A && git commit -qm two';

const asked = (member: Member): Promise<Json> =>
  member.until(async () => (await member.list('/api/approvals?state=open'))[0]);

async function given(tool: string, complete: Json): Promise<{ agent: Json; task: Json }> {
  const wanted = { name: tool, tool, drive: 'protocol', capabilities: ['words'] };
  const agent = await worker.post('/api/swarm/agents', wanted);
  await untilStatus(emperor, agent, 'idle');
  const steps = [{ preText: 'let me', bash: COMMIT }, complete, { text: 'Bye.' }];
  const task = await addTask(emperor, `Commit. <<stub ${JSON.stringify(steps)}>>`, { project: 'demo' });
  return { agent, task };
}

const SUMMARY = { input: { summary: 'two is committed' } };

describe.each([
  { tool: 'claude', complete: { tool: 'mcp__skep__task_complete', ...SUMMARY } },
  { tool: 'codex', complete: { tool: 'task_complete', namespace: 'mcp__skep', ...SUMMARY } },
])('the real $tool on another node', ({ tool, complete }) => {
  it(
    'asks for leave, still asks when its node is back, commits, says that it is done, and delivers',
    { timeout: TEST_MS },
    async () => {
      const { agent, task } = await given(tool, complete);
      const first = await asked(emperor);
      expect(first).toMatchObject({ kind: 'command', detail: COMMIT });
      await untilStatus(emperor, agent, 'waiting');
      expect(await stateOf(emperor, agent)).toBe('waiting');
      await worker.restart();
      await stage.swarm.linked();
      await untilStatus(emperor, agent, 'waiting');
      expect(await asked(emperor)).toMatchObject({ id: first['id'] });
      await emperor.post(`/api/approvals/${String(first['id'])}`, { decision: 'allow' });
      const ended = await emperor.ended(String(task['id']));
      expect(ended).toMatchObject({ status: 'completed', attempt: 1, assigned_to: agent['id'], work: { commits: 1 } });
      expect(ended['result']).toBe('two is committed');
      const diff = await emperor.get(`/api/swarm/tasks/${String(task['id'])}/diff`);
      expect(JSON.stringify(diff)).toContain('two.txt');
      const open = await emperor.list('/api/approvals?state=open');
      expect(open).toEqual([]);
    },
  );

  it('dies in its turn, is started again with its conversation, and ends its task', { timeout: TEST_MS }, async () => {
    const { task } = await given(tool, complete);
    const first = await asked(emperor);
    killed(`${String(task['id'])}.1`);
    const isClosed = async (): Promise<true | undefined> =>
      (await emperor.list('/api/approvals?state=closed'))[0]?.['id'] === first['id'] || undefined;
    await emperor.until(isClosed);
    const second = await emperor.until(async () =>
      (await emperor.list('/api/approvals?state=open')).find((one) => one['id'] !== first['id']),
    );
    await emperor.post(`/api/approvals/${String(second['id'])}`, { decision: 'allow' });
    const ended = await emperor.ended(String(task['id']));
    expect(ended).toMatchObject({ status: 'completed', attempt: 1, result: 'two is committed', work: { commits: 1 } });
    expect(stage.served.some(({ prompt }) => prompt.startsWith('Your process ended'))).toBe(true);
  });
});
