// Needs: tmux, npm, 1.2 GB of disk for the agent CLIs
/** Real agents in terminals tell of themselves by hooks: their state is exact, and what Claude Code asks is answered from any node or in the terminal. */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { atWork, letGo, subjects, TEST_MS } from './agent-stage.ts';
import { COMMIT, HookStage, keepsItsSecret } from './hook-stage.ts';
import type { Json } from './swarm.ts';
import { untilOnScreen, untilStatus } from './terminal-rig.ts';

const COMMANDS = {
  claude: 'claude --permission-mode manual',
  codex: 'codex -a on-request -s danger-full-access',
} as const;
type Cli = keyof typeof COMMANDS;

let hooks: HookStage;
beforeEach(async () => void (hooks = await HookStage.open()), TEST_MS);
afterEach(() => hooks.stage.close(), TEST_MS);

async function hire(cli: Cli, tool: string = COMMANDS[cli]): Promise<Json> {
  const { stage, worker, emperor } = hooks;
  const body = { name: cli, tool, capabilities: ['words'], project_path: stage.home.project };
  const agent = await worker.post('/api/swarm/agents', body);
  await untilStatus(emperor, agent, 'idle');
  return agent;
}

describe.each(['claude', 'codex'] as const)('the real %s', (cli) => {
  it(
    'is known exactly while it works and when it is done, and its own last words are the result',
    { timeout: TEST_MS },
    async () => {
      const { stage, emperor } = hooks;
      const agent = await hire(cli, cli === 'claude' ? 'claude --permission-mode bypassPermissions' : 'codex');
      expect(await hooks.explained(agent)).toMatchObject({ state: 'idle', source: 'screen', exact: false });
      const task = await stage.gatedCommit(emperor, cli);
      await atWork(stage.home.project);
      expect(await hooks.untilStands(agent, { state: 'running', source: 'hooks' })).toMatchObject({
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
      expect(await hooks.untilStands(agent, { state: 'idle', source: 'hooks' })).toMatchObject({
        exact: true,
        rule: 'a hook says that its turn is over',
      });
      expect(subjects(stage.home.project)).toEqual(['two', 'Begin']);
      keepsItsSecret(hooks, agent, 'cmdline');
    },
  );
});

describe('what the real claude asks in its terminal', { timeout: TEST_MS }, () => {
  it('is answered at another node, without a key', async () => {
    const { stage, emperor } = hooks;
    const agent = await hire('claude');
    const task = await hooks.asking();
    const approval = await hooks.asked();
    expect(approval).toMatchObject({ kind: 'command', tool: 'Bash', detail: COMMIT, agent_name: 'claude' });
    expect(await hooks.explained(agent)).toMatchObject({ state: 'waiting', source: 'hooks', exact: true });
    expect(subjects(stage.home.project)).toEqual(['Begin']);
    await emperor.post(`/api/approvals/${String(approval['id'])}`, { decision: 'allow' });
    const ended = await emperor.ended(String(task['id']));
    expect(ended).toMatchObject({ status: 'completed', result: 'two is committed', work: { commits: 1 } });
  });

  it('is denied at another node: it hears why, and its turn goes on', async () => {
    const { stage, emperor } = hooks;
    await hire('claude');
    const task = await hooks.asking();
    const note = 'not on a Thursday';
    await emperor.post(`/api/approvals/${String((await hooks.asked())['id'])}`, { decision: 'deny', note });
    const ended = await emperor.ended(String(task['id']));
    expect(ended).toMatchObject({ status: 'completed', result: 'two is committed', work: null });
    expect(subjects(stage.home.project)).toEqual(['Begin']);
    expect(transcripts()).toContain(note);
  });

  it('is answered in the terminal: nobody else is asked any more', async () => {
    const { emperor } = hooks;
    const agent = await hire('claude');
    const task = await hooks.asking();
    const approval = await hooks.asked();
    await untilOnScreen(emperor, agent, /Do you want to proceed/);
    // The first choice is to allow, and Enter in an empty box does nothing.
    await hooks.pressUntil(agent, 'Enter', () => hooks.isClosed(approval));
    const ended = await emperor.ended(String(task['id']));
    expect(ended).toMatchObject({ status: 'completed', result: 'two is committed', work: { commits: 1 } });
    expect(await hooks.isClosed(approval)).toBe(true);
  });
});

/** What the model was told. */
function transcripts(): string {
  const folder = join(hooks.stage.home.dir, 'claude', 'projects');
  if (!existsSync(folder)) return '';
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.jsonl'));
  return files.map((name) => readFileSync(join(folder, name), 'utf8')).join('');
}
