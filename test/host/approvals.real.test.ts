// Needs: npm, 1.2 GB of disk for the agent CLIs
/** What real Claude Code asks before it goes on: seen and answered at another node, also when its own is killed while it waits. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AgentStage, TEST_MS } from './agent-stage.ts';
import { NodeProcess } from './process.ts';
import type { Json, Member } from './swarm.ts';
import { asJson, freePort } from './swarm.ts';

const COMMAND = 'echo two > two.txt && git add -A && git commit -qm two';
const DONE = [
  { tool: 'mcp__skep__task_complete', input: { summary: 'two is committed' } },
  { text: 'done', chunks: 1 },
];

type Door = Pick<NodeProcess, 'request'>;

let stage: AgentStage;
let emperor: Member;
let second: Member;
let victim: NodeProcess;
beforeEach(async () => {
  stage = await AgentStage.open();
  const { swarm } = stage;
  [emperor, second] = [await swarm.add(), await swarm.add()];
  victim = new NodeProcess({
    name: 'victim',
    dataDir: emperor.options.dataDir,
    httpPort: await freePort(),
    p2pPort: await freePort(),
    seeds: `127.0.0.1:${emperor.options.p2pPort}`,
    shellAgents: 0,
  });
  await victim.start();
  for (const member of [emperor, second]) await swarm.linkedWith(member, 3);
}, TEST_MS);
afterEach(async () => {
  // What it left at work ends with it.
  if (!victim.isUp) await victim.start();
  await victim.stop();
  await stage.close();
}, TEST_MS);

/** A claude on that node, at work in a worktree of the project. */
async function commission(door: Door, steps: readonly Json[]): Promise<string> {
  const project = { name: 'work', origin: stage.home.project, base: 'main' };
  const { id } = asJson((await door.request('POST', '/api/swarm/projects', project)).body);
  const agent = { name: 'claude', tool: 'claude', drive: 'protocol', capabilities: ['words'] };
  expect(await door.request('POST', '/api/swarm/agents', agent)).toMatchObject({ status: 201 });
  const description = `Commit. <<stub ${JSON.stringify([...steps, ...DONE])}>>`;
  const task = { title: 'Commit', description, required_capabilities: ['words'], project: id, attempts_max: 1 };
  return String((await emperor.post('/api/swarm/tasks', task))['id']);
}

const asked = (member: Member): Promise<Json> =>
  member.until(async () => (await member.list('/api/approvals?state=open'))[0]);

const answer = (member: Member, { id }: Json, body: Json): Promise<{ status: number; body: unknown }> =>
  member.request('POST', `/api/approvals/${String(id)}`, body);

/** What the model was told. */
function transcripts(): string {
  const folder = join(stage.home.dir, 'claude', 'projects');
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.jsonl'));
  return files.map((name) => readFileSync(join(folder, name), 'utf8')).join('');
}

describe('what the real claude asks', { timeout: TEST_MS }, () => {
  it('is seen and answered at another node: what is allowed is done, what is denied is not, and a rule asks nobody', async () => {
    await emperor.post('/api/rules', { effect: 'allow', command: 'touch *' });
    const steps = [{ bash: 'touch by-rule' }, { preText: 'let me', bash: 'git push --force' }, { bash: COMMAND }];
    const id = await commission(victim, steps);
    const first = await asked(second);
    expect(first).toMatchObject({
      kind: 'command',
      tool: 'Bash',
      detail: 'git push --force',
      why: 'it rewrites or removes what others have at a remote',
      agent_name: 'claude',
      node_name: 'victim',
      task_id: id,
    });
    expect((await answer(second, first, { decision: 'deny', note: 'nobody pushes here' })).status).toBe(200);
    const next = await emperor.until(async () => {
      const [one] = await emperor.list('/api/approvals?state=open');
      return one !== undefined && one['id'] !== first['id'] ? one : undefined;
    });
    expect(next).toMatchObject({ detail: COMMAND });
    expect((await answer(emperor, next, { decision: 'allow' })).status).toBe(200);
    const ended = await emperor.ended(id);
    expect(ended).toMatchObject({ status: 'completed', result: 'two is committed', attempt: 1 });
    expect(ended).toMatchObject({ work: { commits: 1 } });
    expect(transcripts()).toContain('nobody pushes here');
    expect(await emperor.list('/api/approvals')).toHaveLength(2);
    const { output } = await emperor.get(`/api/swarm/tasks/${id}/output`);
    expect(output).toContain('allowed by a rule: touch by-rule');
    expect(victim.troubles).toEqual([]);
  });

  it('waits for its answer while its node is killed, and started again', async () => {
    const id = await commission(victim, [{ preText: 'let me', bash: COMMAND }]);
    const before = await asked(emperor);
    await victim.kill();
    await emperor.until(async () => {
      const nodes = await emperor.list('/api/swarm/nodes');
      return nodes.find(({ name }) => name === 'victim')?.['status'] === 'dead' ? true : undefined;
    });
    const away = { status: 503, body: { code: 'home_unreachable' } };
    expect(await answer(emperor, before, { decision: 'allow' })).toMatchObject(away);
    await victim.start();
    await stage.swarm.linkedWith(emperor, 3);
    expect(await asked(emperor)).toMatchObject({ id: before['id'], state: 'open', detail: COMMAND });
    expect((await answer(second, before, { decision: 'allow' })).status).toBe(200);
    const ended = await emperor.ended(id);
    expect(ended).toMatchObject({ status: 'completed', result: 'two is committed', attempt: 1, work: { commits: 1 } });
    expect(await emperor.list('/api/approvals')).toMatchObject([{ id: before['id'], state: 'allowed' }]);
    expect(victim.troubles).toEqual([]);
  });
});
