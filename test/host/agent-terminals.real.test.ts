// Needs: tmux, npm, 760 MB of disk for the agent CLIs
/** Real Claude Code and Codex in terminals, on the scripted model: a task with a commit each, and what is killed in the middle of one. */
import { execFileSync } from 'node:child_process';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ModelServer, Served } from '#model-server/server.ts';
import { startModelServer } from '#model-server/server.ts';
import { AgentHome } from '../agent-clis.ts';
import type { Json, Member } from './swarm.ts';
import { TestSwarm } from './swarm.ts';
import { socketOf } from './terminal-rig.ts';

const KEY = 'stub-key';
/** A TUI on a busy machine takes its time. */
const TEST_MS = 300_000;
const CLAUDE = 'claude --permission-mode bypassPermissions';
const COMMIT = { preText: 'let me', bash: 'echo two > two.txt && git add -A && git commit -qm two' };

let swarm: TestSwarm;
let model: ModelServer;
let home: AgentHome;
let before: NodeJS.ProcessEnv;
const served: Served[] = [];

beforeEach(async () => {
  before = { ...process.env };
  served.splice(0);
  swarm = new TestSwarm();
  model = await startModelServer({ port: 0, key: KEY, onServed: (one) => served.push(one) });
  home = new AgentHome({ url: model.url, key: KEY });
  // A program in a terminal gets the environment of its node. The second: no question whether a new folder is to be trusted.
  Object.assign(process.env, home.env, { CLAUDE_CODE_SANDBOXED: '1' });
}, TEST_MS);

afterEach(async () => {
  await swarm.close();
  await model.close();
  home.remove();
  for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
  Object.assign(process.env, before);
}, TEST_MS);

async function three(): Promise<[Member, Member, Member]> {
  const members: [Member, Member, Member] = [await swarm.add(), await swarm.add(), await swarm.add()];
  await swarm.linked();
  return members;
}

async function agentIn(member: Member, o: { name: string; tool: string; place: string }): Promise<Json> {
  const body = { name: o.name, tool: o.tool, capabilities: ['words'], project_path: o.place };
  const agent = await member.post('/api/swarm/agents', body);
  await untilStatus(member, agent, 'idle');
  return agent;
}

const untilStatus = (member: Member, agent: Json, status: string): Promise<true> =>
  member.until(async () => {
    const one = (await member.list('/api/swarm/agents')).find((each) => each['id'] === agent['id']);
    return one?.['status'] === status ? true : undefined;
  });

const give = (member: Member, name: string, steps: readonly Json[]): Promise<Json> =>
  member.post('/api/swarm/tasks', {
    title: name,
    description: `${name} <<stub ${JSON.stringify(steps)}>>`,
    required_capabilities: ['words'],
  });

describe('real agent CLIs on a swarm of three', () => {
  it.each(['claude', 'codex'])(
    '%s does a task with a commit, which another node gave',
    { timeout: TEST_MS },
    async (tool) => {
      const [emperor, worker] = await three();
      const agent = await agentIn(worker, {
        name: tool,
        tool: tool === 'claude' ? CLAUDE : tool,
        place: home.project,
      });
      const said = { text: 'TASK_RESULT: two is committed', chunks: 8, delayMs: 150 };
      const task = await give(emperor, 'commit', [COMMIT, said]);
      const ended = await emperor.ended(String(task['id']));
      expect(ended).toMatchObject({
        status: 'completed',
        result: 'two is committed',
        assigned_to: agent['id'],
        attempt: 1,
      });
      expect(ended['work']).toMatchObject({ commits: 1 });
      expect(home.git('log', '-1', '--format=%s')).toBe('two\n');
      expect(served.filter(({ status }) => status === 404)).toEqual([]);
    },
  );

  type Terminal = { tmux: (...args: string[]) => string; target: string };
  const kill = {
    tool: ({ tmux, target }: Terminal): void =>
      void process.kill(Number(tmux('display-message', '-p', '-t', target, '#{pane_pid}')), 'SIGKILL'),
    pane: ({ tmux, target }: Terminal): void => void tmux('kill-pane', '-t', target),
    server: ({ tmux }: Terminal): void => void tmux('kill-server'),
  };

  it.each([
    { tool: 'claude', command: CLAUDE, what: 'tool' },
    { tool: 'claude', command: CLAUDE, what: 'pane' },
    { tool: 'claude', command: CLAUDE, what: 'server' },
    { tool: 'codex', command: 'codex', what: 'tool' },
  ] as const)(
    '$tool loses its $what in the middle of a task, and another one does it',
    { timeout: TEST_MS },
    async (o) => {
      const [emperor, first, second] = await three();
      const agent = await agentIn(first, { name: 'one', tool: o.command, place: home.project });
      const task = await give(emperor, 'slow', [{ text: 'a b c d e f g h i j', chunks: 40, delayMs: 200 }]);
      await untilStatus(emperor, agent, 'busy');
      await emperor.until(async () =>
        (await emperor.task(String(task['id'])))['progress'] === null ? undefined : true,
      );
      const other = await agentIn(second, { name: 'two', tool: CLAUDE, place: swarm.repository('two') });
      const tmux = (...args: string[]): string =>
        execFileSync('tmux', ['-S', socketOf(first), ...args], { encoding: 'utf8', stdio: 'pipe' });
      kill[o.what]({ tmux, target: `=${String(agent['tmux_session_id'])}:` });
      await untilStatus(emperor, agent, 'offline');
      const ended = await emperor.ended(String(task['id']));
      expect(ended).toMatchObject({ status: 'completed', attempt: 2, assigned_to: other['id'] });
      await untilStatus(emperor, agent, 'idle');
    },
  );
});
