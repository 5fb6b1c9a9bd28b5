// Needs: tmux, npm, 1.2 GB of disk for the agent CLIs
/** Real Claude Code and Codex in terminals, on the scripted model: a task with a commit each, and what is killed in the middle of one. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AgentStage, atWork, letGo, subjects, TEST_MS } from './agent-stage.ts';
import { eventOf, follow } from './follow.ts';
import type { Member } from './swarm.ts';
import { stateOf, tmux, untilStatus } from './terminal-rig.ts';

const ENTER_EVERY_MS = 1_000;
const ENTER_MAX = 60;

let stage: AgentStage;
beforeEach(async () => {
  stage = await AgentStage.open();
}, TEST_MS);
afterEach(() => stage.close(), TEST_MS);

async function three(): Promise<[Member, Member, Member]> {
  const { swarm } = stage;
  const members: [Member, Member, Member] = [await swarm.add(), await swarm.add(), await swarm.add()];
  await swarm.linked();
  return members;
}

describe.each(['claude', 'codex'] as const)('the real %s on a swarm of three', (cli) => {
  it('does a task with a commit, which another node gave', { timeout: TEST_MS }, async () => {
    const [emperor, worker] = await three();
    const place = stage.home.project;
    const agent = await stage.agent(worker, { cli, place, seenBy: emperor });
    const task = await stage.task(emperor, [
      { preText: 'let me', bash: 'echo two > two.txt && git add -A && git commit -qm two' },
    ]);
    const ended = await emperor.ended(String(task['id']));
    expect(ended).toMatchObject({
      status: 'completed',
      result: 'two is committed',
      assigned_to: agent['id'],
      attempt: 1,
    });
    expect(ended['work']).toMatchObject({ commits: 1 });
    expect(subjects(place)).toEqual(['two', 'Begin']);
    expect(stage.served.filter(({ status }) => status === 404)).toEqual([]);
  });

  it(
    'that ends with an error is given nothing more for a while: another one does it',
    { timeout: TEST_MS },
    async () => {
      const [emperor, first, second] = await three();
      const agent = await stage.agent(first, { cli, place: stage.home.project, seenBy: emperor });
      const refused = await stage.task(emperor, [{ status: 400, message: 'scripted refusal' }], { attempts_max: 1 });
      const failed = await emperor.ended(String(refused['id']));
      expect(failed).toMatchObject({ status: 'failed', error: expect.stringContaining('scripted refusal') });
      await untilStatus(emperor, agent, 'offline');
      expect(await stateOf(emperor, agent)).toBe('error');
      const task = await stage.task(emperor, [{ bash: 'echo two > two.txt && git add -A && git commit -qm two' }]);
      const place = stage.home.addProject('other');
      const other = await stage.agent(second, { cli, name: 'other', place, seenBy: emperor });
      const ended = await emperor.ended(String(task['id']));
      expect(ended).toMatchObject({ status: 'completed', attempt: 1, assigned_to: other['id'], work: { commits: 1 } });
      expect(subjects(place)).toEqual(['two', 'Begin']);
    },
  );

  it.each([
    ['tool', (o: { member: Member; pane: string; pid: string }) => void process.kill(Number(o.pid), 'SIGKILL')],
    ['pane', (o: { member: Member; pane: string }) => void tmux(o.member, ['kill-pane', '-t', o.pane])],
    ['tmux server', (o: { member: Member }) => void tmux(o.member, ['kill-server'])],
  ])(
    'loses its %s in the middle of a task; another one does it with one commit, and it comes back',
    { timeout: TEST_MS },
    async (_what, kill) => {
      const [emperor, first, second] = await three();
      const [place, otherPlace] = [stage.home.project, stage.home.addProject('other')];
      const agent = await stage.agent(first, { cli, place, seenBy: emperor });
      const task = await stage.gatedCommit(emperor, cli);
      await atWork(place);
      await untilStatus(second, agent, 'busy');
      // Nothing is typed to an agent at work.
      const path = `/api/swarm/agents/${String(agent['id'])}/send`;
      expect(await emperor.post(path, { text: 'And then?' })).toEqual({ sent: false });
      const other = await stage.agent(second, { cli, name: 'other', place: otherPlace, seenBy: emperor });
      letGo(otherPlace);
      const pane = `=${String(agent['tmux_session_id'])}:`;
      // It comes back within seconds, so what each node tells is written down from before.
      const followers = await Promise.all([emperor, first, second].map(follow));
      kill({ member: first, pane, pid: tmux(first, ['display-message', '-p', '-t', pane, '#{pane_pid}']) });
      for (const follower of followers) {
        const { data } = await eventOf(follower, agent, 'agent_stopped');
        expect(data).toMatchObject({ status: 'offline' });
        await follower.close();
      }
      const ended = await emperor.ended(String(task['id']));
      expect(ended).toMatchObject({ status: 'completed', attempt: 2, assigned_to: other['id'], reports: [] });
      expect(ended['work']).toMatchObject({ commits: 1 });
      expect(subjects(otherPlace)).toEqual(['two', 'Begin']);
      expect(subjects(place)).toEqual(['Begin']);
      await untilStatus(emperor, agent, 'idle');
    },
  );
});

it(
  'Codex in a folder that nobody trusted yet waits for the answer, and then does what was waiting',
  { timeout: TEST_MS },
  async () => {
    const [emperor, worker] = await three();
    const place = stage.swarm.repository('strange');
    const task = await stage.task(emperor, [{ bash: 'echo two > two.txt && git add -A && git commit -qm two' }]);
    const body = { name: 'codex', tool: 'codex', capabilities: ['words'], project_path: place };
    const agent = await worker.post('/api/swarm/agents', body);
    await untilStatus(emperor, agent, 'waiting');
    expect(await emperor.task(String(task['id']))).toMatchObject({ status: 'pending', attempt: 0 });
    await emperor.post(`/api/swarm/agents/${String(agent['id'])}/send`, { text: '1' });
    const ended = await emperor.ended(String(task['id']));
    expect(ended).toMatchObject({ status: 'completed', result: 'two is committed', attempt: 1, work: { commits: 1 } });
  },
);

it(
  'Gemini waits for leave to run a command, is answered at its terminal, and commits',
  { timeout: TEST_MS },
  async () => {
    const [emperor, worker] = await three();
    const place = stage.home.project;
    const body = { name: 'gemini', tool: 'gemini', capabilities: ['words'], project_path: place };
    const agent = await worker.post('/api/swarm/agents', body);
    await untilStatus(emperor, agent, 'idle');
    const task = await stage.task(emperor, [{ bash: 'echo two > two.txt && git add -A && git commit -qm two' }]);
    await untilStatus(emperor, agent, 'waiting');
    expect(subjects(place)).toEqual(['Begin']);
    // A dialog that has just been drawn takes no key yet; the first choice is to allow, and Enter in an empty box does nothing.
    for (let tries = 0; tries < ENTER_MAX && subjects(place).length === 1; tries += 1) {
      tmux(worker, ['send-keys', '-t', `=${String(agent['tmux_session_id'])}:`, 'Enter']);
      await sleep(ENTER_EVERY_MS);
    }
    const ended = await emperor.ended(String(task['id']));
    expect(ended).toMatchObject({ status: 'completed', result: 'two is committed', attempt: 1, work: { commits: 1 } });
    expect(subjects(place)).toEqual(['two', 'Begin']);
  },
);
