// Needs: npm, 1.2 GB of disk for the agent CLIs
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AgentStage, TEST_MS } from './agent-stage.ts';
import type { Json, Member } from './swarm.ts';
import { asJson, InVain } from './swarm.ts';

/** Each on a node of its own, driven by the protocol of its tool. */
const TOOLS = ['claude', 'codex', 'opencode'] as const;
const TASKS = 10;

let stage: AgentStage;
let emperor: Member;
let origin: string;
beforeAll(async () => {
  stage = await AgentStage.open();
  emperor = await stage.swarm.add();
  origin = stage.swarm.repository('demo');
  await emperor.post('/api/swarm/projects', { name: 'demo', origin, base: 'main' });
  for (const tool of TOOLS) {
    const worker = await stage.swarm.add();
    await worker.post('/api/swarm/agents', { name: tool, tool, drive: 'protocol', capabilities: ['words'] });
  }
  await stage.swarm.linked();
}, TEST_MS);
afterAll(() => stage.close(), TEST_MS);

/** A stream of events is followed for half a minute; OpenCode alone may take that long to start. */
async function patiently<T>(look: () => Promise<T | undefined>): Promise<T> {
  for (let times = 0; times < 8; times++) {
    try {
      return await emperor.until(look);
    } catch (error) {
      if (!(error instanceof InVain)) throw error;
    }
  }
  throw new Error('the tasks do not end');
}

const idOf = (one: Json): string => String(one['id']);

/** The command needs leave: output goes to a file, which no pattern allows. */
const script = (n: number): string =>
  JSON.stringify([
    { preText: `task ${n}`, bash: `echo ${n} > ${n}.txt && git add -A && git commit -qm task-${n}` },
    {
      // Each tool has its own way to name it.
      tool: ['mcp__skep__task_complete', 'skep_task_complete'],
      input: { summary: `task ${n} is done` },
      namespace: 'mcp__skep',
    },
    { text: `said of ${n}` },
  ]);

describe('three tools on three nodes', { timeout: TEST_MS }, () => {
  it('complete ten tasks once each, with a commit, its cost and what was said', async () => {
    const tasks: Json[] = [];
    for (let n = 0; n < TASKS; n++)
      tasks.push(
        await emperor.post('/api/swarm/tasks', {
          title: `task ${n}`,
          description: `Do number ${n}. <<stub ${script(n)}>>`,
          required_capabilities: ['words'],
          project: 'demo',
        }),
      );
    const answered = new Set<string>();
    const ended = await patiently(async () => {
      for (const one of await emperor.list('/api/approvals?state=open')) {
        if (answered.has(idOf(one))) continue;
        answered.add(idOf(one));
        await emperor.post(`/api/approvals/${idOf(one)}`, { decision: 'allow' });
      }
      const now = await Promise.all(tasks.map((task) => emperor.task(idOf(task))));
      return now.every((task) => ['completed', 'failed', 'cancelled'].includes(String(task['status'])))
        ? now
        : undefined;
    });
    for (const [n, task] of ended.entries()) {
      // What happened to the others, and what their nodes said: which attempt ended, how, and why.
      const isFirst = task['status'] === 'completed' && task['attempt'] === 1;
      const story = isFirst ? '' : [await emperor.story(idOf(task)), ...stage.swarm.log].join('\n');
      expect(story).toBe('');
      expect(task).toMatchObject({ result: `task ${n} is done` });
      expect(task['work']).toMatchObject({ commits: 1 });
    }
    expect(answered.size).toBe(TASKS);
    const usage = asJson((await emperor.request('GET', '/api/usage?by=task')).body);
    // Each made three requests of the model: before its command, after it, and after it had said that it is done.
    expect(usage['total']).toMatchObject({ input_tokens: TASKS * 3 * 1200, output_tokens: TASKS * 3 * 34 });
    for (const [n, task] of ended.entries()) {
      const { output } = await emperor.get(`/api/swarm/tasks/${idOf(task)}/output`);
      expect(output).toContain(`task ${n}`);
      expect(output).toContain(`said of ${n}`);
    }
    expect(new Set(ended.map((task) => task['assigned_to'])).size).toBe(TOOLS.length);
  });
});
