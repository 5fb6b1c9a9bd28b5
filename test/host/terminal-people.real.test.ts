// Needs: tmux, npm, 1.2 GB of disk for the agent CLIs
/** What people do in the terminals of real agents while skep drives them, and questions that nobody answers. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AgentStage, subjects, TEST_MS } from './agent-stage.ts';
import type { Json, Member } from './swarm.ts';
import { tmux, untilOnScreen, untilStatus } from './terminal-rig.ts';

const WAIT_MS = 120_000;
const LOOK_EVERY_MS = 200;
const COMMIT = 'echo two > two.txt && git add -A && git commit -qm two';
const COMMANDS = { claude: 'claude --permission-mode bypassPermissions', codex: 'codex' } as const;

let stage: AgentStage;
let emperor: Member;
let worker: Member;
beforeEach(async () => {
  stage = await AgentStage.open();
}, TEST_MS);
afterEach(() => stage.close(), TEST_MS);

async function open(cli: keyof typeof COMMANDS, o: { tool?: string; askTimeoutMs?: number } = {}): Promise<Json> {
  const { swarm } = stage;
  const { tool = COMMANDS[cli], ...options } = o;
  [emperor, worker] = [await swarm.add(), await swarm.add(options)];
  await swarm.linked();
  const body = { name: cli, tool, capabilities: ['words'], project_path: stage.home.project };
  const agent = await worker.post('/api/swarm/agents', body);
  await untilStatus(emperor, agent, 'idle');
  return agent;
}

/** As a person at its terminal. */
const press = (agent: Json, ...keys: string[]): string =>
  tmux(worker, ['send-keys', '-t', `=${String(agent['tmux_session_id'])}:`, ...keys]);

/** Not every change of it is an event, so it is asked again and again. */
async function untilStands(agent: Json, how: Json): Promise<Json> {
  for (const untilMs = Date.now() + WAIT_MS; ; await sleep(LOOK_EVERY_MS)) {
    const one = await emperor.get(`/api/swarm/agents/${String(agent['id'])}/explain`);
    if (Object.entries(how).every(([name, value]) => one[name] === value)) return one;
    if (Date.now() > untilMs) throw new Error(`it never stood so: ${JSON.stringify([how, one])}`);
  }
}

const untilShown = (agent: Json, what: RegExp): Promise<void> => untilOnScreen(emperor, agent, what);

const give = (description: string, script: Json): Promise<Json> =>
  emperor.post('/api/swarm/tasks', {
    title: description,
    description: `${description} <<stub ${JSON.stringify([script])}>>`,
    required_capabilities: ['words'],
    attempts_max: 1,
  });

/** The prompts that reached the model, once each. */
const prompts = (): string[] => [...new Set(stage.served.filter(({ tools }) => tools > 0).map(({ prompt }) => prompt))];

describe.each(['claude', 'codex'] as const)('Escape in the terminal of the real %s', (cli) => {
  it('ends the attempt as interrupted, not as done; the next task is done', { timeout: TEST_MS }, async () => {
    const agent = await open(cli);
    const words = 'one two three four five six seven eight nine ten eleven twelve';
    const task = await give('slow', { text: words, chunks: 60, delayMs: 1_000 });
    await untilStands(agent, { state: 'running', source: 'hooks' });
    await untilShown(agent, /esc to interrupt/);
    press(agent, 'Escape');
    const ended = await emperor.ended(String(task['id']));
    expect(ended).toMatchObject({ status: 'failed', reason: 'interrupted', work: null });
    expect(await untilStands(agent, { state: 'idle' })).toMatchObject({ source: 'screen', exact: false });
    const next = await stage.task(emperor, [{ bash: COMMIT }]);
    expect(await emperor.ended(String(next['id']))).toMatchObject({ status: 'completed', result: 'two is committed' });
  });
});

describe('at the terminal of the real codex', { timeout: TEST_MS }, () => {
  it('what a person has begun to type, on several lines, is no part of the next prompt', async () => {
    const agent = await open('codex');
    press(agent, '-l', 'half a thought');
    press(agent, 'C-j');
    press(agent, '-l', 'and another half');
    // Where the cursor stands makes no difference.
    press(agent, 'Up');
    await untilShown(agent, /and another half/);
    const task = await stage.task(emperor, [{ bash: COMMIT }]);
    expect(await emperor.ended(String(task['id']))).toMatchObject({ status: 'completed', result: 'two is committed' });
    expect(prompts()).toEqual([expect.stringMatching(/^commit /)]);
    const next = await stage.task(emperor, [{ text: 'an empty box does no harm' }]);
    expect(await emperor.ended(String(next['id']))).toMatchObject({ status: 'completed', attempt: 1 });
  });
});

describe('at the terminal of the real claude', { timeout: TEST_MS }, () => {
  it('Escape before the first word leaves nothing that the next prompt is added to', async () => {
    const agent = await open('claude');
    const silent = await give('silent', { hang: 120_000 });
    await untilStands(agent, { state: 'running', source: 'hooks' });
    // The model has the prompt, and says nothing.
    await untilShown(agent, /esc to interrupt/);
    press(agent, 'Escape');
    expect(await emperor.ended(String(silent['id']))).toMatchObject({ status: 'failed', reason: 'interrupted' });
    const next = await stage.task(emperor, [{ bash: COMMIT }]);
    expect(await emperor.ended(String(next['id']))).toMatchObject({ status: 'completed', result: 'two is committed' });
    expect(prompts().filter((prompt) => prompt.includes('two.txt'))).toEqual([expect.stringMatching(/^commit /)]);
  });

  it('half a sentence of a person is put aside for a task, and comes back', async () => {
    const agent = await open('claude');
    press(agent, '-l', 'half a thought');
    await untilShown(agent, /half a thought/);
    const task = await stage.task(emperor, [{ bash: COMMIT }]);
    expect(await emperor.ended(String(task['id']))).toMatchObject({ status: 'completed', result: 'two is committed' });
    expect(prompts().join('\n')).not.toContain('half a thought');
    await untilShown(agent, /❯.half a thought/);
  });

  it('a prompt of a person in the middle of a turn gets one of its own; the result is that of the task', async () => {
    const agent = await open('claude');
    const task = await give('say', { text: 'TASK_RESULT: all is said', chunks: 8, delayMs: 2_500 });
    await untilStands(agent, { state: 'running', source: 'hooks' });
    await untilShown(agent, /esc to interrupt/);
    press(agent, '-l', 'and how are you <<stub [{"text":"I am fine","chunks":2}]>>');
    press(agent, 'Enter');
    expect(await emperor.ended(String(task['id']))).toMatchObject({ status: 'completed', result: 'all is said' });
    await untilShown(agent, /● I am fine/);
    await untilStands(agent, { state: 'idle' });
  });

  it('a question that nobody answers, there or elsewhere, is denied with the reason, and the turn goes on', async () => {
    await open('claude', { tool: 'claude --permission-mode manual', askTimeoutMs: 3_000 });
    const task = await stage.task(emperor, [{ preText: 'let me', bash: COMMIT }], { attempts_max: 1 });
    const ended = await emperor.ended(String(task['id']));
    expect(ended).toMatchObject({ status: 'completed', result: 'two is committed', work: null });
    const [approval] = await emperor.list('/api/approvals?state=denied');
    expect(approval).toMatchObject({ state: 'denied', note: 'nobody answered within 3 s' });
    expect(subjects(stage.home.project)).toEqual(['Begin']);
  });

  it('a "No" ends the attempt as interrupted, and nobody else is asked any more', async () => {
    const agent = await open('claude', { tool: 'claude --permission-mode manual' });
    const task = await stage.task(emperor, [{ preText: 'let me', bash: COMMIT }], { attempts_max: 1 });
    const open_ = await emperor.until(async () => (await emperor.list('/api/approvals?state=open'))[0]);
    await untilShown(agent, /Do you want to proceed/);
    press(agent, 'Escape');
    expect(await emperor.ended(String(task['id']))).toMatchObject({ status: 'failed', reason: 'interrupted' });
    expect(await emperor.get(`/api/approvals/${String(open_['id'])}`)).toMatchObject({ state: 'closed' });
    await untilStatus(emperor, agent, 'idle');
  });
});
