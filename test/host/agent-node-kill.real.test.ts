// Needs: tmux, npm, 1.2 GB of disk for the agent CLIs
/** A node is killed, not stopped, while real Claude Code or Codex in a terminal of it is in the middle of a task: what docs/promises.md says. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AgentStage, atWork, letGo, subjects, TEST_MS } from './agent-stage.ts';
import { NodeProcess } from './process.ts';
import type { Json, Member } from './swarm.ts';
import { asJson, freePort } from './swarm.ts';
import { tmux, untilStatus } from './terminal-rig.ts';

/** Longer than a node in this process ever keeps silent, and short enough to wait for. */
const LEASE_SECONDS = 6;

let stage: AgentStage;
let victim: NodeProcess | undefined;
beforeEach(async () => {
  stage = await AgentStage.open();
}, TEST_MS);
afterEach(async () => {
  // What it left at work ends with it.
  if (victim?.isUp === false) await victim.start();
  await victim?.stop();
  victim = undefined;
  await stage.close();
}, TEST_MS);

type Scene = { emperor: Member; second: Member; node: NodeProcess };

/** Two nodes in this process, and one that is a process of its own. */
async function three(leaseSeconds: number | undefined): Promise<Scene> {
  const { swarm } = stage;
  const lease = leaseSeconds === undefined ? {} : { leaseMs: leaseSeconds * 1000 };
  const [emperor, second] = [await swarm.add(lease), await swarm.add(lease)];
  const node = new NodeProcess({
    name: 'victim',
    dataDir: emperor.options.dataDir,
    httpPort: await freePort(),
    p2pPort: await freePort(),
    seeds: `127.0.0.1:${emperor.options.p2pPort}`,
    shellAgents: 0,
    ...(leaseSeconds === undefined ? {} : { leaseSeconds }),
  });
  victim = node;
  await node.start();
  for (const member of [emperor, second]) await swarm.linkedWith(member, 3);
  return { emperor, second, node };
}

/** The program in the agent's terminal, and whether it has ended. */
const paneOf = (node: NodeProcess, agent: Json): string =>
  tmux(node, ['list-panes', '-t', `=${String(agent['tmux_session_id'])}:`, '-F', '#{pane_pid} #{pane_dead}']);

const everywhere = ({ emperor, second }: Scene, agent: Json, status: string): Promise<unknown> =>
  Promise.all([emperor, second].map((member) => untilStatus(member, agent, status)));

describe.each(['claude', 'codex'] as const)('the node of the real %s is killed in the middle of a task', (cli) => {
  it('and started again: the turn is found, and its one commit delivered', { timeout: TEST_MS }, async () => {
    const scene = await three(undefined);
    const { emperor, node } = scene;
    const place = stage.home.project;
    const agent = await stage.agent(node, { cli, place, seenBy: emperor });
    const task = await stage.gatedCommit(emperor, cli);
    await atWork(place);
    await everywhere(scene, agent, 'busy');
    const pane = paneOf(node, agent);
    await node.kill();
    await everywhere(scene, agent, 'unreachable');
    expect(await emperor.task(String(task['id']))).toMatchObject({ status: 'in_progress', attempt: 1 });
    expect(paneOf(node, agent)).toBe(pane);
    await node.start();
    await everywhere(scene, agent, 'busy');
    letGo(place);
    const ended = await emperor.ended(String(task['id']));
    const wanted = { status: 'completed', result: 'two is committed', attempt: 1, assigned_to: agent['id'] };
    expect(ended).toMatchObject({ ...wanted, work: { commits: 1 }, reports: [] });
    expect(subjects(place)).toEqual(['two', 'Begin']);
    await everywhere(scene, agent, 'idle');
    expect(paneOf(node, agent)).toBe(pane);
    expect(node.troubles).toEqual([]);
  });

  it(
    'and stays away: another one does it with one commit, and what the first did is late',
    { timeout: TEST_MS },
    async () => {
      const scene = await three(LEASE_SECONDS);
      const { emperor, second, node } = scene;
      const [place, otherPlace] = [stage.home.project, stage.home.addProject('other')];
      const agent = await stage.agent(node, { cli, place, seenBy: emperor });
      const task = await stage.gatedCommit(emperor, cli);
      await atWork(place);
      const other = await stage.agent(second, { cli, name: 'other', place: otherPlace, seenBy: emperor });
      letGo(otherPlace);
      await node.kill();
      await everywhere(scene, agent, 'unreachable');
      const ended = await emperor.ended(String(task['id']));
      const wanted = { status: 'completed', result: 'two is committed', attempt: 2, assigned_to: other['id'] };
      expect(ended).toMatchObject({ ...wanted, work: { commits: 1 }, reports: [] });
      expect(subjects(otherPlace)).toEqual(['two', 'Begin']);
      expect(subjects(place)).toEqual(['Begin']);
      await node.start();
      await everywhere(scene, agent, 'busy');
      letGo(place);
      await everywhere(scene, agent, 'idle');
      const late = { attempt: 1, kind: 'completed', late: true, commits: 1 };
      expect(await second.task(String(task['id']))).toMatchObject({ ...wanted, work: ended['work'], reports: [late] });
    },
  );
});

it(
  'the node of the real claude is killed while its terminal asks for leave: the dialog stays without a word of hooks, and is asked again of everybody',
  { timeout: TEST_MS },
  async () => {
    const scene = await three(undefined);
    const { emperor, second, node } = scene;
    const place = stage.home.project;
    const tool = 'claude --permission-mode manual';
    const body = { name: 'claude', tool, capabilities: ['words'], project_path: place };
    const agent = asJson((await node.request('POST', '/api/swarm/agents', body)).body);
    await untilStatus(emperor, agent, 'idle');
    const task = await stage.task(emperor, [{ bash: 'echo two > two.txt && git add -A && git commit -qm two' }]);
    const asked = await second.until(async () => (await second.list('/api/approvals?state=open'))[0]);
    await node.kill();
    const target = `=${String(agent['tmux_session_id'])}:`;
    expect(tmux(node, ['capture-pane', '-p', '-t', target])).not.toMatch(/hook (?:failed|reported)/);
    await node.start();
    for (const member of [emperor, second]) await stage.swarm.linkedWith(member, 3);
    const path = `/api/approvals/${String(asked['id'])}`;
    await second.until(async () => {
      const { status } = await second.request('POST', path, { decision: 'allow' });
      return status === 200 ? true : undefined;
    });
    const ended = await emperor.ended(String(task['id']));
    expect(ended).toMatchObject({ status: 'completed', attempt: 1, result: 'two is committed', work: { commits: 1 } });
    expect(subjects(place)).toEqual(['two', 'Begin']);
  },
);
