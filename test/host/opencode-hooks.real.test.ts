// Needs: tmux, npm, 1.2 GB of disk for the agent CLIs
/** Real OpenCode in a terminal tells of itself by the plugin that skep gives it: its state is exact, and what it asks is answered from any node or in the terminal. */
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { stateDirOf } from '#socket-path.ts';
import { AgentStage, atWork, letGo, subjects, TEST_MS } from './agent-stage.ts';
import type { Json, Member } from './swarm.ts';
import { tmux, untilOnScreen } from './terminal-rig.ts';

const COMMIT = 'echo two > two.txt && git add -A && git commit -qm two';
const KEY_EVERY_MS = 1_000;
const KEY_MAX = 60;

let stage: AgentStage;
let emperor: Member;
let worker: Member;
beforeEach(async () => {
  stage = await AgentStage.open();
  const { swarm } = stage;
  [emperor, worker] = [await swarm.add(), await swarm.add()];
  await swarm.linked();
}, TEST_MS);
afterEach(() => stage.close(), TEST_MS);

const hire = (): Promise<Json> => stage.agent(worker, { cli: 'opencode', place: stage.home.project, seenBy: emperor });

const untilStands = (agent: Json, how: Json): Promise<Json> =>
  emperor.until(async () => {
    const one = await emperor.get(`/api/swarm/agents/${String(agent['id'])}/explain`);
    return Object.entries(how).every(([name, value]) => one[name] === value) ? one : undefined;
  });

const press = (agent: Json, ...keys: string[]): string =>
  tmux(worker, ['send-keys', '-t', `=${String(agent['tmux_session_id'])}:`, ...keys]);

/** OpenCode asks leave for nothing unless it is told to. Whatever the node's variable says stays beside what skep adds. */
const asks = (): void => void (process.env['OPENCODE_CONFIG_CONTENT'] = '{"permission":{"bash":"ask"}}');

const asking = (): Promise<Json> => stage.task(emperor, [{ preText: 'let me', bash: COMMIT }], { attempts_max: 1 });

const asked = (): Promise<Json> => emperor.until(async () => (await emperor.list('/api/approvals?state=open'))[0]);

it(
  'is known exactly while it works and when it is done, also when its node was away in between',
  { timeout: TEST_MS },
  async () => {
    const agent = await hire();
    const task = await stage.gatedCommit(emperor, 'opencode');
    await atWork(stage.home.project);
    expect(await untilStands(agent, { state: 'running', source: 'hooks' })).toMatchObject({ exact: true });
    // The program goes on to tell, by another connection.
    await worker.restart();
    letGo(stage.home.project);
    expect(await emperor.ended(String(task['id']))).toMatchObject({
      status: 'completed',
      result: 'two is committed',
      attempt: 1,
      work: { commits: 1 },
    });
    expect(await untilStands(agent, { state: 'idle', source: 'hooks' })).toMatchObject({
      exact: true,
      rule: 'a hook says that its turn is over',
    });
    keepsItsSecret(agent);
  },
);

/** The secret is in its own file, for this user alone, and neither in arguments and variables of the program nor in the log. */
function keepsItsSecret(agent: Json): void {
  const folder = join(stateDirOf(worker.options.dataDir, worker.options.p2pPort), 'hooks');
  const path = join(folder, `${String(agent['id'])}.json`);
  const { token }: { token: string } = JSON.parse(readFileSync(path, 'utf8'));
  expect(token).toMatch(/^skep_hook_/);
  for (const name of readdirSync(folder)) expect(statSync(join(folder, name)).mode & 0o077).toBe(0);
  const pid = tmux(worker, ['display-message', '-p', '-t', `=${String(agent['tmux_session_id'])}:`, '#{pane_pid}']);
  for (const what of ['cmdline', 'environ']) expect(readFileSync(`/proc/${pid}/${what}`, 'utf8')).not.toContain(token);
  expect(readFileSync(`/proc/${pid}/environ`, 'utf8')).toContain(path);
  expect(stage.swarm.log.join('\n')).not.toContain(token);
}

it('waits for leave, which is given at another node without a key', { timeout: TEST_MS }, async () => {
  asks();
  const agent = await hire();
  const task = await asking();
  const approval = await asked();
  expect(approval).toMatchObject({ kind: 'command', tool: 'bash', detail: COMMIT, agent_name: 'opencode' });
  await untilStands(agent, { state: 'waiting', source: 'hooks', exact: true });
  expect(subjects(stage.home.project)).toEqual(['Begin']);
  await emperor.post(`/api/approvals/${String(approval['id'])}`, { decision: 'allow' });
  const ended = await emperor.ended(String(task['id']));
  expect(ended).toMatchObject({ status: 'completed', result: 'two is committed', work: { commits: 1 } });
});

it(
  'waits for leave, which is refused in the terminal: nobody else is asked any more',
  { timeout: TEST_MS },
  async () => {
    asks();
    const agent = await hire();
    const task = await asking();
    const approval = await asked();
    await untilOnScreen(emperor, agent, /Permission required/);
    const path = `/api/approvals/${String(approval['id'])}`;
    // A dialog that has just been drawn takes no key yet; where there is none any more, its turn is over and the key does nothing.
    for (let tries = 0; tries < KEY_MAX && (await emperor.get(path))['state'] === 'open'; tries += 1) {
      press(agent, 'Escape');
      await sleep(KEY_EVERY_MS);
    }
    await emperor.ended(String(task['id']));
    expect(await emperor.get(path)).toMatchObject({ state: 'closed' });
    await untilStands(agent, { state: 'idle', source: 'hooks', exact: true });
    expect(subjects(stage.home.project)).toEqual(['Begin']);
  },
);

it('is denied leave at another node: it hears why, and its turn goes on', { timeout: TEST_MS }, async () => {
  asks();
  const agent = await hire();
  const task = await asking();
  const note = 'not on a Thursday';
  await emperor.post(`/api/approvals/${String((await asked())['id'])}`, { decision: 'deny', note });
  const ended = await emperor.ended(String(task['id']));
  expect(ended).toMatchObject({ status: 'completed', result: 'two is committed', work: null });
  expect(subjects(stage.home.project)).toEqual(['Begin']);
  expect(stage.bodies.some((body) => body.includes(note))).toBe(true);
  await untilStands(agent, { state: 'idle', source: 'hooks', exact: true });
});

it('tries again at a rate limit, and tells that a person has stopped it', { timeout: TEST_MS }, async () => {
  const agent = await hire();
  const task = await stage.task(emperor, [{ status: 429 }], { attempts_max: 1 });
  const stands = await untilStands(agent, { state: 'retrying', source: 'hooks' });
  expect(stands).toMatchObject({ exact: true, rule: expect.stringContaining('tries again (rate_limit)') });
  // The first Escape asks for another one, which has to come within a few seconds.
  const isOver = async (): Promise<boolean> => (await emperor.task(String(task['id'])))['status'] !== 'in_progress';
  for (let tries = 0; tries < KEY_MAX && !(await isOver()); tries += 1) {
    press(agent, 'Escape');
    await sleep(KEY_EVERY_MS);
  }
  expect(await emperor.ended(String(task['id']))).toMatchObject({ status: 'failed' });
  await untilStands(agent, { state: 'idle', source: 'hooks', exact: true });
});
