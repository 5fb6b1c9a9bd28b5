// Needs: tmux, npm, 1.2 GB of disk for the agent CLIs
/** What an agent said by its protocol, gone on with by a person in the terminal of its tool, from another node. */
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { AgentStage, TEST_MS } from './agent-stage.ts';
import type { Json, Member } from './swarm.ts';
import { asJson } from './swarm.ts';
import { addTask, untilOnScreen, untilStatus } from './terminal-rig.ts';

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

const TOOLS = [
  { tool: 'claude', line: 'claude --resume', leave: '/exit' },
  { tool: 'codex', line: 'codex resume', leave: '/quit' },
  { tool: 'opencode', line: 'opencode --session', leave: '/exit' },
];

const COMPLETE = {
  tool: ['mcp__skep__task_complete', 'skep_task_complete'],
  namespace: 'mcp__skep',
  input: { summary: 'It is written.' },
};
const script = (...steps: readonly Json[]): string => `<<stub ${JSON.stringify(steps)}>>`;
const word = (): string => `word${randomBytes(4).toString('hex')}`;

/** An attempt whose agent has made a file, and said a word. `atWork`: called while it asks for leave. */
async function said(tool: string, one: string, atWork: (task: string) => Promise<void>): Promise<string> {
  const capabilities = [`words-${tool}`];
  const agent = await worker.post('/api/swarm/agents', { name: tool, tool, drive: 'protocol', capabilities });
  await untilStatus(emperor, agent, 'idle');
  const steps = script({ preText: 'let me', bash: `echo ${one} > made.txt` }, COMPLETE, { text: `It is ${one}.` });
  const given = { project: 'demo', attempts_max: 1, required_capabilities: capabilities };
  const task = String((await addTask(emperor, `Write it. ${steps}`, given))['id']);
  const asked = await emperor.until(async () => (await emperor.list('/api/approvals?state=open'))[0]);
  await atWork(task);
  await emperor.post(`/api/approvals/${String(asked['id'])}`, { decision: 'allow' });
  expect(await emperor.ended(task)).toMatchObject({ status: 'completed', attempt: 1 });
  return task;
}

const open = async (task: string, body: Json = {}): Promise<{ status: number; body: Json }> => {
  const { status, body: answer } = await emperor.request('POST', `/api/swarm/tasks/${task}/open`, body);
  return { status, body: asJson(answer) };
};

const agentNow = async (id: unknown): Promise<Json | undefined> =>
  (await emperor.list('/api/swarm/agents')).find((one) => one['id'] === id);

const SO_WITHIN_MS = 120_000;
const LOOK_EVERY_MS = 200;

/** Bounded looking: no event tells of folders, or of what explains a state. */
async function untilSo<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
  for (const untilMs = Date.now() + SO_WITHIN_MS; Date.now() < untilMs; await sleep(LOOK_EVERY_MS)) {
    const found = await look();
    if (found !== undefined) return found;
  }
  throw new Error(`waited in vain: ${what}`);
}

it.each(TOOLS)('of the real $tool', { timeout: TEST_MS }, async ({ tool, line, leave }) => {
  const [one, two] = [word(), word()];
  const task = await said(tool, one, async (running) =>
    expect(await open(running)).toMatchObject({
      status: 409,
      body: { code: 'conflict', got: expect.stringContaining('in_progress') },
    }),
  );
  const { conversation } = await emperor.get(`/api/swarm/tasks/${task}/transcript`);
  expect(conversation).toMatchObject({ folder: expect.stringContaining(`${task}/1`) });
  const { id, folder } = asJson(conversation);
  // Its files go a moment after its end.
  const opened = await untilSo('it opens', async () => {
    const answer = await open(task);
    return answer.status === 200 ? answer.body : undefined;
  });
  const agent = await untilSo('its agent is known', () => agentNow(opened['agent_id']));
  expect(agent).toMatchObject({
    tool: `${line} ${String(id)}`,
    project_path: folder,
    opens: { task_id: task, attempt: 1 },
  });
  expect((await open(task)).body).toMatchObject({ agent_id: agent['id'], command: opened['command'] });
  expect(await open(task, { terminal: 'own' })).toMatchObject({ status: 409, body: { code: 'conflict' } });
  expect(readFileSync(join(String(folder), 'made.txt'), 'utf8')).toBe(`${one}\n`);
  await untilOnScreen(emperor, agent, new RegExp(`It is ${one}`));
  await untilStatus(emperor, agent, 'idle');
  await emperor.post(`/api/swarm/agents/${String(agent['id'])}/send`, {
    text: `And ${two}? ${script({ text: `Yes, ${two}.` })}`,
  });
  await untilOnScreen(emperor, agent, new RegExp(`Yes, ${two}\\.(?!")`));
  const asked = stage.bodies.findLast((body) => body.includes(two));
  expect(asked).toContain(one);
  const explained = await untilSo('it is idle', async () => {
    const now = await emperor.get(`/api/swarm/agents/${String(agent['id'])}/explain`);
    return now['state'] === 'idle' && now['source'] === 'hooks' ? now : undefined;
  });
  expect(explained).toMatchObject({ exact: true });
  await emperor.post(`/api/swarm/agents/${String(agent['id'])}/send`, { text: leave });
  await untilSo('it is withdrawn', async () => ((await agentNow(agent['id'])) === undefined ? true : undefined));
  await untilSo('its folder goes', async () => (existsSync(String(folder)) ? undefined : true));
  const own = await open(task, { terminal: 'own' });
  expect(own.body).toMatchObject({
    agent_id: null,
    command: ['sh', '-c', expect.stringContaining(`exec ${line} ${String(id)}`)],
  });
});
