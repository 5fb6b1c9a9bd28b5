// Needs: tmux, npm, 1.2 GB of disk for the agent CLIs
/** Real agents in terminals tell of themselves by hooks: their state is exact, and what Claude Code asks is answered from any node or in the terminal. */
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { stateDirOf } from '#socket-path.ts';
import { AgentStage, atWork, letGo, subjects, TEST_MS } from './agent-stage.ts';
import type { Json, Member } from './swarm.ts';
import { tmux, untilOnScreen, untilStatus } from './terminal-rig.ts';

const COMMIT = 'echo two > two.txt && git add -A && git commit -qm two';
const ENTER_EVERY_MS = 1_000;
const ENTER_MAX = 60;
const COMMANDS = {
  claude: 'claude --permission-mode manual',
  codex: 'codex -a on-request -s danger-full-access',
} as const;
type Cli = keyof typeof COMMANDS;

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

async function hire(cli: Cli, tool: string = COMMANDS[cli]): Promise<Json> {
  const body = { name: cli, tool, capabilities: ['words'], project_path: stage.home.project };
  const agent = await worker.post('/api/swarm/agents', body);
  await untilStatus(emperor, agent, 'idle');
  return agent;
}

const explained = (agent: Json): Promise<Json> => emperor.get(`/api/swarm/agents/${String(agent['id'])}/explain`);

/** Resolves with how it stands when that is so. */
const untilStands = (agent: Json, how: Json): Promise<Json> =>
  emperor.until(async () => {
    const one = await explained(agent);
    return Object.entries(how).every(([name, value]) => one[name] === value) ? one : undefined;
  });

const asked = (): Promise<Json> => emperor.until(async () => (await emperor.list('/api/approvals?state=open'))[0]);

const press = (agent: Json, ...keys: string[]): string =>
  tmux(worker, ['send-keys', '-t', `=${String(agent['tmux_session_id'])}:`, ...keys]);

/** A task whose one command the tool asks leave for. */
const asking = (o: Json = {}): Promise<Json> =>
  stage.task(emperor, [{ preText: 'let me', bash: COMMIT }], { attempts_max: 1, ...o });

describe.each(['claude', 'codex'] as const)('the real %s', (cli) => {
  it(
    'is known exactly while it works and when it is done, and its own last words are the result',
    { timeout: TEST_MS },
    async () => {
      const agent = await hire(cli, cli === 'claude' ? 'claude --permission-mode bypassPermissions' : 'codex');
      expect(await explained(agent)).toMatchObject({ state: 'idle', source: 'screen', exact: false });
      const task = await stage.gatedCommit(emperor, cli);
      await atWork(stage.home.project);
      expect(await untilStands(agent, { state: 'running', source: 'hooks' })).toMatchObject({
        exact: true,
        rule: expect.stringContaining('a hook says that it uses Bash'),
      });
      letGo(stage.home.project);
      const ended = await emperor.ended(String(task['id']));
      expect(ended).toMatchObject({
        status: 'completed',
        result: 'two is committed',
        attempt: 1,
        work: { commits: 1 },
      });
      expect(await untilStands(agent, { state: 'idle', source: 'hooks' })).toMatchObject({
        exact: true,
        rule: 'a hook says that its turn is over',
      });
      expect(subjects(stage.home.project)).toEqual(['two', 'Begin']);
      keepsItsSecret(agent);
    },
  );
});

/** The secret is in its own file, for this user alone, and neither in the arguments of the program nor in the log. */
function keepsItsSecret(agent: Json): void {
  const folder = join(stateDirOf(worker.options.dataDir, worker.options.p2pPort), 'hooks');
  const path = join(folder, `${String(agent['id'])}.json`);
  const { token }: { token: string } = JSON.parse(readFileSync(path, 'utf8'));
  expect(token).toMatch(/^skep_hook_/);
  for (const name of readdirSync(folder)) expect(statSync(join(folder, name)).mode & 0o077).toBe(0);
  const pid = tmux(worker, ['display-message', '-p', '-t', `=${String(agent['tmux_session_id'])}:`, '#{pane_pid}']);
  for (const what of ['cmdline', 'environ']) expect(readFileSync(`/proc/${pid}/${what}`, 'utf8')).not.toContain(token);
  expect(readFileSync(`/proc/${pid}/cmdline`, 'utf8')).toContain(path.slice(0, path.lastIndexOf('/')));
  expect(readFileSync(join(folder, '..', 'skep.db')).includes(token)).toBe(false);
  expect(stage.swarm.log.join('\n')).not.toContain(token);
}

describe('what the real claude asks in its terminal', { timeout: TEST_MS }, () => {
  it('is answered at another node, without a key', async () => {
    const agent = await hire('claude');
    const task = await asking();
    const approval = await asked();
    expect(approval).toMatchObject({ kind: 'command', tool: 'Bash', detail: COMMIT, agent_name: 'claude' });
    expect(await explained(agent)).toMatchObject({ state: 'waiting', source: 'hooks', exact: true });
    expect(subjects(stage.home.project)).toEqual(['Begin']);
    await emperor.post(`/api/approvals/${String(approval['id'])}`, { decision: 'allow' });
    const ended = await emperor.ended(String(task['id']));
    expect(ended).toMatchObject({ status: 'completed', result: 'two is committed', work: { commits: 1 } });
  });

  it('is denied at another node: it hears why, and its turn goes on', async () => {
    await hire('claude');
    const task = await asking();
    const note = 'not on a Thursday';
    await emperor.post(`/api/approvals/${String((await asked())['id'])}`, { decision: 'deny', note });
    const ended = await emperor.ended(String(task['id']));
    expect(ended).toMatchObject({ status: 'completed', result: 'two is committed', work: null });
    expect(subjects(stage.home.project)).toEqual(['Begin']);
    expect(transcripts()).toContain(note);
  });

  it('is answered in the terminal: nobody else is asked any more', async () => {
    const agent = await hire('claude');
    const task = await asking();
    const approval = await asked();
    await untilOnScreen(emperor, agent, /Do you want to proceed/);
    // A dialog that has just been drawn takes no key yet; the first choice is to allow, and Enter in an empty box does nothing.
    const path = `/api/approvals/${String(approval['id'])}`;
    for (let tries = 0; tries < ENTER_MAX && (await emperor.get(path))['state'] === 'open'; tries += 1) {
      press(agent, 'Enter');
      await sleep(ENTER_EVERY_MS);
    }
    const ended = await emperor.ended(String(task['id']));
    expect(ended).toMatchObject({ status: 'completed', result: 'two is committed', work: { commits: 1 } });
    expect(await emperor.get(path)).toMatchObject({ state: 'closed' });
  });
});

/** What the model was told. */
function transcripts(): string {
  const folder = join(stage.home.dir, 'claude', 'projects');
  if (!existsSync(folder)) return '';
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.jsonl'));
  return files.map((name) => readFileSync(join(folder, name), 'utf8')).join('');
}
