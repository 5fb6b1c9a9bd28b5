// Needs: npm, 1.2 GB of disk for the agent CLIs
/** Three agents of three makers on two nodes: one proposes, one accepts, works, commits and sends a file; what is left when all was started again. */
import { hash } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startNode } from '#host.ts';
import { AgentStage, TEST_MS } from './agent-stage.ts';
import type { Json, Member } from './swarm.ts';
import { InVain } from './swarm.ts';

let stage: AgentStage;
let one: Member;
let two: Member;
beforeAll(async () => {
  stage = await AgentStage.open();
  one = await stage.swarm.add({ dealMinAgeMs: 0 });
  two = await stage.swarm.add({ dealMinAgeMs: 0 });
  const origin = stage.swarm.repository('demo');
  await one.post('/api/swarm/projects', { name: 'demo', origin, base: 'main' });
  for (const [member, tool] of [
    [one, 'claude'],
    [two, 'codex'],
    [two, 'opencode'],
  ] as const)
    await member.post('/api/swarm/agents', { name: tool, tool, drive: 'protocol', capabilities: [tool] });
  await stage.swarm.linked();
}, TEST_MS);
afterAll(() => stage.close(), TEST_MS);

/** A tool of skep, by the names that the three have for it. */
const call = (tool: string, input: Json): Json => ({
  tool: [`mcp__skep__${tool}`, `skep_${tool}`, tool],
  input,
  namespace: 'mcp__skep',
});

/** A stream of events is followed for two minutes; on a busy machine a turn of a real CLI may take longer. */
async function patiently<T>(look: () => Promise<T | undefined>): Promise<T> {
  for (let times = 0; times < 3; times++) {
    try {
      return await one.until(look);
    } catch (error) {
      if (!(error instanceof InVain)) throw error;
    }
  }
  throw new Error('the turn does not end');
}

/** One task for one agent; resolves when it is completed. Whatever needs leave is allowed. */
async function turn(agent: string, steps: readonly Json[]): Promise<Json> {
  const script = JSON.stringify([...steps, call('task_complete', { summary: `${agent} is done` }), { text: 'done' }]);
  const task = await one.post('/api/swarm/tasks', {
    title: `a turn of ${agent}`,
    description: `Do it. <<stub ${script}>>`,
    required_capabilities: [agent],
    project: 'demo',
  });
  const id = String(task['id']);
  const ended = await patiently(async () => {
    for (const asked of await one.list('/api/approvals?state=open'))
      await one.request('POST', `/api/approvals/${String(asked['id'])}`, { decision: 'allow' });
    const now = await one.task(id);
    return ['completed', 'failed', 'cancelled'].includes(String(now['status'])) ? now : undefined;
  });
  expect({ ...ended, story: await one.story(id) }).toMatchObject({ status: 'completed', result: `${agent} is done` });
  return ended;
}

const content = 'two\n';
const sha256 = hash('sha256', content);
const marketOf = async (member: Member): Promise<unknown> => ({
  ratings: await member.list('/api/market/ratings'),
  receipts: await member.list('/api/market/receipts'),
  files: await member.list('/api/files'),
});

it(
  'Claude Code proposes, Codex accepts, commits and sends a file, OpenCode reads it; all of it is there when every process was ended and started again',
  { timeout: TEST_MS },
  async () => {
    await turn('claude', [
      call('channel_join', { channels: ['#general'] }),
      call('message_send', { to: '#general', body: 'who writes the second line?' }),
      call('agentchat_propose', { to: 'codex', task: 'Write two.txt', amount: 9, capability: 'words' }),
    ]);
    const [made] = await two.until(async () => {
      const found = await two.list('/api/market/proposals');
      return found.length > 0 ? found : undefined;
    });
    expect(made).toMatchObject({ state: 'pending', payer: { name: 'claude' }, worker: { name: 'codex' } });
    const proposal_id = String(made?.['id']);
    const work = await turn('codex', [
      call('channel_join', { channels: ['#general'] }),
      call('message_send', { to: '#general', body: 'I do' }),
      call('agentchat_accept', { proposal_id }),
      { bash: 'echo two > two.txt && git add -A && git commit -qm two' },
      call('file_send', { to: 'opencode', name: 'two.txt', content }),
      call('proposal_complete', { proposal_id, proof: 'two.txt is committed' }),
    ]);
    expect(work['work']).toMatchObject({ commits: 1 });
    expect(await one.get(`/api/market/proposals/${proposal_id}`)).toMatchObject({
      state: 'accepted',
      proof: 'two.txt is committed',
    });
    await turn('opencode', [
      call('channel_join', { channels: ['#general'] }),
      call('agentchat_file_receive', { transfer_id: sha256 }),
    ]);
    const said = await one.list(`/api/messages?to=${encodeURIComponent('#general')}`);
    expect(said.map(({ from, body }) => [from, body])).toEqual([
      ['codex', 'I do'],
      ['claude', 'who writes the second line?'],
    ]);
    await turn('claude', [call('agentchat_complete', { proposal_id })]);

    const left = await two.until(async () => {
      const now = await marketOf(two);
      return JSON.stringify(now) === JSON.stringify(await marketOf(one)) ? now : undefined;
    });
    expect(left).toMatchObject({
      ratings: [
        { rating: 1_216, transactions: 1, skills: [{ capability: 'words', rating: 1_216 }] },
        { rating: 1_216, transactions: 1 },
      ],
      receipts: [{ id: proposal_id, state: 'completed', evidence: { kind: 'payer' } }],
      files: [{ name: 'two.txt', sha256, from: 'codex', state: 'taken' }],
    });
    // Agents and what holds them end, too.
    for (const member of [one, two]) {
      await member.running.stopHolder();
      member.running = await startNode(member.options);
    }
    for (const member of [one, two]) expect(await marketOf(member)).toEqual(left);
  },
);
