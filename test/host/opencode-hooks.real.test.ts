// Needs: tmux, npm, 1.2 GB of disk for the agent CLIs
/** Real OpenCode in a terminal tells of itself by the plugin that skep gives it: its state is exact, and what it asks is answered from any node or in the terminal. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { atWork, letGo, subjects, TEST_MS } from './agent-stage.ts';
import { COMMIT, HookStage, keepsItsSecret } from './hook-stage.ts';
import type { Json } from './swarm.ts';
import { untilOnScreen } from './terminal-rig.ts';

let hooks: HookStage;
beforeEach(async () => void (hooks = await HookStage.open()), TEST_MS);
afterEach(() => hooks.stage.close(), TEST_MS);

const hire = (): Promise<Json> => {
  const { stage, worker, emperor } = hooks;
  return stage.agent(worker, { cli: 'opencode', place: stage.home.project, seenBy: emperor });
};

/** OpenCode asks leave for nothing unless it is told to. Whatever the node's variable says stays beside what skep adds. */
const asks = (): void => void (process.env['OPENCODE_CONFIG_CONTENT'] = '{"permission":{"bash":"ask"}}');

it(
  'is known exactly while it works and when it is done, also when its node was away in between',
  { timeout: TEST_MS },
  async () => {
    const { stage, emperor, worker } = hooks;
    const agent = await hire();
    const task = await stage.gatedCommit(emperor, 'opencode');
    await atWork(stage.home.project);
    expect(await hooks.untilStands(agent, { state: 'running', source: 'hooks' })).toMatchObject({ exact: true });
    // The program goes on to tell, by another connection.
    await worker.restart();
    letGo(stage.home.project);
    expect(await emperor.ended(String(task['id']))).toMatchObject({
      status: 'completed',
      result: 'two is committed',
      attempt: 1,
      work: { commits: 1 },
    });
    expect(await hooks.untilStands(agent, { state: 'idle', source: 'hooks' })).toMatchObject({
      exact: true,
      rule: 'a hook says that its turn is over',
    });
    keepsItsSecret(hooks, agent, 'environ');
  },
);

it('waits for leave, which is given at another node without a key', { timeout: TEST_MS }, async () => {
  const { stage, emperor } = hooks;
  asks();
  const agent = await hire();
  const task = await hooks.asking();
  const approval = await hooks.asked();
  expect(approval).toMatchObject({ kind: 'command', tool: 'bash', detail: COMMIT, agent_name: 'opencode' });
  await hooks.untilStands(agent, { state: 'waiting', source: 'hooks', exact: true });
  expect(subjects(stage.home.project)).toEqual(['Begin']);
  await emperor.post(`/api/approvals/${String(approval['id'])}`, { decision: 'allow' });
  const ended = await emperor.ended(String(task['id']));
  expect(ended).toMatchObject({ status: 'completed', result: 'two is committed', work: { commits: 1 } });
});

it(
  'waits for leave, which is refused in the terminal: nobody else is asked any more',
  { timeout: TEST_MS },
  async () => {
    const { stage, emperor } = hooks;
    asks();
    const agent = await hire();
    const task = await hooks.asking();
    const approval = await hooks.asked();
    await untilOnScreen(emperor, agent, /Permission required/);
    await hooks.pressUntil(agent, 'Escape', () => hooks.isClosed(approval));
    await emperor.ended(String(task['id']));
    expect(await hooks.isClosed(approval)).toBe(true);
    await hooks.untilStands(agent, { state: 'idle', source: 'hooks', exact: true });
    expect(subjects(stage.home.project)).toEqual(['Begin']);
  },
);

it('is denied leave at another node: it hears why, and its turn goes on', { timeout: TEST_MS }, async () => {
  const { stage, emperor } = hooks;
  asks();
  const agent = await hire();
  const task = await hooks.asking();
  const note = 'not on a Thursday';
  await emperor.post(`/api/approvals/${String((await hooks.asked())['id'])}`, { decision: 'deny', note });
  const ended = await emperor.ended(String(task['id']));
  expect(ended).toMatchObject({ status: 'completed', result: 'two is committed', work: null });
  expect(subjects(stage.home.project)).toEqual(['Begin']);
  expect(stage.bodies.some((body) => body.includes(note))).toBe(true);
  await hooks.untilStands(agent, { state: 'idle', source: 'hooks', exact: true });
});

it('tries again at a rate limit, and tells that a person has stopped it', { timeout: TEST_MS }, async () => {
  const { stage, emperor } = hooks;
  const agent = await hire();
  const task = await stage.task(emperor, [{ status: 429 }], { attempts_max: 1 });
  const stands = await hooks.untilStands(agent, { state: 'retrying', source: 'hooks' });
  expect(stands).toMatchObject({ exact: true, rule: expect.stringContaining('tries again (rate_limit)') });
  // The first Escape asks for another one, which has to come within a few seconds.
  const isOver = async (): Promise<boolean> => (await emperor.task(String(task['id'])))['status'] !== 'in_progress';
  await hooks.pressUntil(agent, 'Escape', isOver);
  expect(await emperor.ended(String(task['id']))).toMatchObject({ status: 'failed' });
  await hooks.untilStands(agent, { state: 'idle', source: 'hooks', exact: true });
});
