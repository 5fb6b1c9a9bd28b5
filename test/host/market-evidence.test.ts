/**
 * Deals that end by what skep itself has seen, from one node to another: agents speak to their node through `skep mcp`, as real ones do; people by the verbs of
 * `skep market`.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import type { SessionSpec } from '#agent-ports.ts';
import { skep, testWorld } from '../cli/test-world.ts';
import { ScriptedDriver } from './scripted-driver.ts';
import type { Json, Member } from './swarm.ts';
import { asJson, TestSwarm } from './swarm.ts';

/** A call of a tool that an agent makes in its turn, or a file that it writes. */
type Step = { tool: string; args: Json } | { file: string };

const answerSchema = z.looseObject({ content: z.array(z.looseObject({ text: z.string() })) });

let swarm: TestSwarm;
let home: Member;
let away: Member;

/** Carries out the steps that the prompt names; what the tools answered is its last word. */
async function carryOut({ prompt, spec }: { prompt: string; spec: SessionSpec }): Promise<string> {
  const [, json = '[]'] = /steps: (.*)$/m.exec(prompt) ?? [];
  const steps: Step[] = JSON.parse(json);
  const [server] = spec.servers;
  const [command = '', ...args] = server?.command ?? [];
  const client = new Client({ name: 'test', version: '1' });
  const env = { PATH: process.env['PATH'] ?? '', ...server?.env };
  await client.connect(new StdioClientTransport({ command, args, env }));
  const said: string[] = [];
  for (const step of steps) {
    if ('file' in step) writeFileSync(join(spec.cwd, step.file), 'two\n');
    else {
      const answer = answerSchema.parse(await client.callTool({ name: step.tool, arguments: step.args }));
      said.push(answer.content.map(({ text }) => text).join(''));
    }
  }
  await client.callTool({ name: 'task_complete', arguments: { summary: said.join(' | ') } });
  await client.close();
  return 'done';
}

beforeAll(async () => {
  swarm = new TestSwarm();
  const rest = { dealMinAgeMs: 0, preferRated: true };
  home = await swarm.add({ ...rest, shellAgents: 1 });
  away = await swarm.add({ ...rest, drivers: [new ScriptedDriver(carryOut)] });
  await swarm.linked();
  await home.post('/api/swarm/projects', { name: 'demo', origin: swarm.repository('demo'), base: 'main' });
  for (const name of ['ann', 'bob'])
    await away.post('/api/swarm/agents', { name, tool: 'true', drive: 'protocol', capabilities: [name, 'words'] });
  await home.until(async () => ((await home.list('/api/swarm/agents')).length === 3 ? true : undefined));
});
afterAll(() => swarm.close());

/** One task for that agent, which was ended: its id and what it said. */
async function turn(agent: string, steps: readonly Step[], more: Json = {}): Promise<{ id: string; said: string }> {
  const description = `steps: ${JSON.stringify(steps)}`;
  const rest = { title: `a turn of ${agent}`, description, required_capabilities: [agent], attempts_max: 1, ...more };
  const { id } = await home.post('/api/swarm/tasks', rest);
  const ended = await home.ended(String(id));
  if (ended['status'] !== 'completed') throw new Error(`${JSON.stringify(ended)}\n${await home.story(String(id))}`);
  return { id: String(id), said: String(ended['result']) };
}

/** What the verb printed at that node. */
async function verb(member: Member, ...words: string[]): Promise<string> {
  const { dataDir, p2pPort } = member.options;
  const world = testWorld({ home: swarm.dir, env: {} });
  expect([await skep(world, ...words, '--data-dir', dataDir, '--p2p-port', `${p2pPort}`), world.said.err]).toEqual([
    0,
    '',
  ]);
  return world.said.out;
}
const json = async (member: Member, ...words: string[]): Promise<Json> =>
  asJson(JSON.parse(await verb(member, ...words, '--json')));

/** A deal between a person at home and an agent at the other node, accepted there. */
async function agreed(agent: string, task: string): Promise<string> {
  const { id } = await json(home, 'market', 'propose', agent, task, '--amount', '5', '--skill', 'words');
  const proposal_id = String(id);
  await away.until(
    async () => (await away.request('GET', `/api/market/proposals/${proposal_id}`)).status === 200 || undefined,
  );
  const { said } = await turn(agent, [{ tool: 'proposal_accept', args: { proposal_id } }]);
  expect(said).toBe('It is accepted.');
  return proposal_id;
}

it('is completed by the merge of the task that the worker named, and by no second deal', async () => {
  const [first, second] = [await agreed('ann', 'Write two.txt'), await agreed('ann', 'Write it again')];
  const work = await turn('ann', [{ file: 'two.txt' }], { project: 'demo' });
  const complete = (proposal_id: string) =>
    turn('ann', [{ tool: 'proposal_complete', args: { proposal_id, task_id: work.id } }]);
  expect((await complete(first)).said).toMatch(/^Noted\. It is completed when the payer confirms it, or when the task/);
  expect(await json(home, 'market', 'show', first)).toMatchObject({ state: 'accepted', proof: `task ${work.id}` });
  await verb(home, 'task', 'merge', work.id);
  const shown = await home.until(async () => {
    const now = await json(home, 'market', 'show', first);
    return now['state'] === 'completed' ? now : undefined;
  });
  expect(shown).toMatchObject({ worker: { name: 'ann' }, evidence: { kind: 'merged', task: work.id } });
  // One task pays once: of the second deal it shows nothing.
  expect((await complete(second)).said).toMatch(/^Noted\./);
  expect(await json(home, 'market', 'show', second)).toMatchObject({ state: 'accepted', evidence: null });
  expect(await verb(home, 'market', 'dispute', second, '--reason', 'the same file')).toBe('It is disputed.\n');
  // With the evidence of both sides.
  const [asked] = await home.list('/api/approvals?state=open');
  expect(asked?.['detail']).toMatch(/says: the same file/);
  expect(asked?.['detail']).toContain(`task ${work.id}`);
  const settled = await verb(home, 'approve', String(asked?.['id']), '--note', 'worker it did nothing');
  expect(settled).toContain('allowed: Dispute about "Write it again"');
  const over = await home.until(async () => {
    const now = await json(home, 'market', 'show', second);
    return now['state'] === 'settled' ? now : undefined;
  });
  expect(over).toMatchObject({ at_fault: 'worker', note: 'it did nothing', evidence: null });
});

it('is completed at once by a check that passed on what the worker did', async () => {
  const [deal, other] = [await agreed('bob', 'Write a file that is not empty'), await agreed('bob', 'Talk')];
  const work = await turn('bob', [{ file: 'three.txt' }], { project: 'demo' });
  const check = {
    title: 'check',
    description: 'test -s README.md',
    project: 'demo',
    required_capabilities: ['shell'],
    depends_on: [work.id],
  };
  const { id } = await home.post('/api/swarm/tasks', check);
  expect(await home.ended(String(id))).toMatchObject({ status: 'completed' });
  const args = { proposal_id: deal, task_id: work.id, proof: `checked by ${String(id)}` };
  const { said } = await turn('bob', [
    { tool: 'agentchat_complete', args },
    { tool: 'agentchat_complete', args },
  ]);
  // The second one changes nothing, and says why.
  expect(said).toMatch(/^It is completed\. \| .*PROPOSAL_NOT_ACCEPTED/);
  expect(await json(home, 'market', 'show', deal)).toMatchObject({
    evidence: { kind: 'check', task: work.id, check: id },
  });
  // What nothing shows, the payer confirms.
  expect(await verb(home, 'market', 'complete', other)).toBe('It is completed.\n');
  expect(await json(home, 'market', 'show', other)).toMatchObject({ evidence: { kind: 'payer' } });
});

it('a task is offered by a verb or a tool, and won by the claim of whoever completes it', async () => {
  const offered = async (offer: (task: string) => Promise<unknown>): Promise<Json> => {
    await away.post('/api/swarm/agents/bob/pause', {});
    await home.until(
      async () => (await home.list('/api/swarm/agents')).some(({ paused }) => paused === true) || undefined,
    );
    const description = 'steps: []';
    const { id } = await home.post('/api/swarm/tasks', {
      title: 'On the market',
      description,
      required_capabilities: ['bob'],
    });
    await offer(String(id));
    await away.post('/api/swarm/agents/bob/resume', {});
    await home.ended(String(id));
    return home.until(async () => (await home.list('/api/market/receipts')).find((one) => one['offers'] === id));
  };
  const won = { state: 'completed', worker: { name: 'bob' }, evidence: { kind: 'task' } };
  expect(await offered((task) => json(home, 'market', 'offer', task, 'Do it', '--amount', '7'))).toMatchObject({
    ...won,
    amount: 7,
  });
  const byTool = await offered((task_id) =>
    turn('ann', [{ tool: 'agentchat_propose', args: { task_id, task: 'Do that', amount: 8 } }]),
  );
  expect(byTool).toMatchObject({ ...won, amount: 8, payer: { name: 'ann' } });
});

it('what an agent proposes to people is accepted and worked on by a verb, and confirmed by the agent', async () => {
  const { said } = await turn('ann', [{ tool: 'proposal_make', args: { to: 'operator', task: 'Say yes', amount: 1 } }]);
  const [, id = ''] = /^Proposed as (\S+)/.exec(said) ?? [];
  await home.until(async () => (await home.request('GET', `/api/market/proposals/${id}`)).status === 200 || undefined);
  expect(await verb(home, 'market', 'accept', id)).toBe('It is accepted.\n');
  expect(await verb(home, 'market', 'complete', id, '--proof', 'yes')).toBe('It is accepted.\n');
  const done = await turn('ann', [{ tool: 'proposal_complete', args: { proposal_id: id } }]);
  expect(done.said).toBe('It is completed.');
});

it('work goes to the better rated of two agents where the node prefers that', async () => {
  const rated = await home.list('/api/market/ratings?capability=words');
  expect(rated.map(({ name }) => name).filter((name) => name === 'ann' || name === 'bob')).toEqual(['bob', 'ann']);
  const { id } = await turn('words', []);
  // Ann was registered first, and is as idle.
  expect(await home.story(id)).toContain('given to bob');
});
