/** What an agent asks, end to end in one process: seen on every node, answered anywhere, decided once by its own node. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PermissionRequest } from '#agent-ports.ts';
import { AskingDriver } from './asking-driver.ts';
import type { Json, Member } from './swarm.ts';
import { TestSwarm } from './swarm.ts';

const OPEN = '/api/approvals?state=open';

let swarm: TestSwarm;
beforeEach(() => {
  swarm = new TestSwarm();
});
afterEach(() => swarm.close());

/** A node with an agent that asks. */
async function owner(o: { askTimeoutMs?: number } = {}): Promise<{ node: Member; driver: AskingDriver }> {
  const driver = new AskingDriver();
  const node = await swarm.add({ drivers: [driver], ...o });
  const body = { name: 'asker-1', tool: driver.tool, drive: 'protocol', capabilities: ['ask'] };
  await node.post('/api/swarm/agents', body);
  return { node, driver };
}

async function task(node: Member, ...requests: Partial<PermissionRequest>[]): Promise<string> {
  const body = { title: 'Ask', description: JSON.stringify(requests), required_capabilities: ['ask'], attempts_max: 1 };
  return String((await node.post('/api/swarm/tasks', body))['id']);
}

/** What is open at a node, as soon as it is so much, by what would be done: what is asked at the same moment has no order. */
const openAt = (node: Member, count: number): Promise<Json[]> =>
  node.until(async () => {
    const open = await node.list(OPEN);
    return open.length === count
      ? open.toSorted((a, b) => (String(a['detail']) < String(b['detail']) ? -1 : 1))
      : undefined;
  });

async function oneOpen(node: Member): Promise<Json> {
  const [first] = await openAt(node, 1);
  if (first === undefined) throw new Error('nothing is open');
  return first;
}

const answer = (node: Member, { id }: Json, body: Json): Promise<{ status: number; body: unknown }> =>
  node.request('POST', `/api/approvals/${String(id)}`, body);

/** What the agent was told, by the names of its requests, once its task is over. */
async function told(o: { node: Member; driver: AskingDriver }, id: string): Promise<unknown> {
  await o.node.ended(id);
  return Object.fromEntries(o.driver.agent().answers);
}

describe('three nodes', () => {
  let first: Member;
  let second: Member;
  let asking: { node: Member; driver: AskingDriver };
  beforeEach(async () => {
    first = await swarm.add();
    second = await swarm.add();
    asking = await owner();
    await swarm.linked();
  });

  it('see what an agent asks, and any of them answers it, once', async () => {
    const id = await task(first, { detail: 'make deploy', title: 'make deploy' });
    const shown = await oneOpen(second);
    expect(shown).toMatchObject({
      state: 'open',
      kind: 'command',
      detail: 'make deploy',
      task_id: id,
      task_title: 'Ask',
      agent_name: 'asker-1',
      node_name: 'node-2',
      why: 'no rule allows it',
    });
    await oneOpen(first);
    const answers = await Promise.all([
      answer(first, shown, { decision: 'allow' }),
      answer(second, shown, { decision: 'deny', note: 'not today' }),
    ]);
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 409]));
    const won = answers.find(({ status }) => status === 200);
    const isAllowed = won === answers[0];
    expect(won?.body).toMatchObject({ state: isAllowed ? 'allowed' : 'denied', decided_by: 'user:operator' });
    expect(answers.find(({ status }) => status === 409)?.body).toMatchObject({
      code: 'conflict',
      error: `it was ${isAllowed ? 'allowed' : 'denied'} already, by user:operator`,
    });
    const expected = isAllowed ? { behavior: 'allow', message: '' } : { behavior: 'deny', message: 'not today' };
    expect(await told(asking, id)).toEqual({ toolu_0: expected });
    for (const node of [first, second, asking.node]) await openAt(node, 0);
    expect(await second.get(`/api/approvals/${String(shown['id'])}`)).toMatchObject({
      state: isAllowed ? 'allowed' : 'denied',
    });
  });

  it('store nothing when the node of the agent is away', async () => {
    await task(first, { detail: 'make deploy' });
    const shown = await oneOpen(first);
    await asking.node.running.close();
    await first.until(async () => {
      const nodes = await first.list('/api/swarm/nodes');
      return nodes.find(({ name }) => name === 'node-2')?.['status'] === 'left' ? true : undefined;
    });
    const refused = await answer(first, shown, { decision: 'allow' });
    expect(refused).toMatchObject({ status: 503, body: { code: 'home_unreachable' } });
    expect(await first.get(`/api/approvals/${String(shown['id'])}`)).toMatchObject({ state: 'open', decided_by: null });
  });
});

describe('a node', () => {
  it('asks nobody about what a rule decides, and lets a new rule answer what waits', async () => {
    const asking = await owner();
    const { node } = asking;
    await node.post('/api/rules', { effect: 'allow', command: 'npm *' });
    await node.post('/api/rules', { effect: 'deny', command: 'curl *', note: 'no network here' });
    const id = await task(
      node,
      { detail: 'npm test && npm run lint' },
      { detail: 'npm test; curl https://example.org' },
      { detail: 'git push --force' },
      { detail: 'make', title: 'make' },
    );
    const open = await openAt(node, 2);
    expect(open.map(({ detail, why }) => [detail, why])).toEqual([
      ['git push --force', 'it rewrites or removes what others have at a remote'],
      ['make', 'no rule allows it'],
    ]);
    const rule = await node.post('/api/rules', { effect: 'allow', command: 'make', note: 'builds are fine' });
    await node.post('/api/rules', { effect: 'allow', tool: 'Bash' });
    const still = await oneOpen(node);
    expect(still).toMatchObject({ detail: 'git push --force' });
    await answer(node, still, { decision: 'deny', note: 'never' });
    expect(await told(asking, id)).toEqual({
      toolu_0: { behavior: 'allow', message: 'a rule allows it' },
      toolu_1: { behavior: 'deny', message: 'no network here' },
      toolu_2: { behavior: 'deny', message: 'never' },
      toolu_3: { behavior: 'allow', message: 'builds are fine' },
    });
    const [made] = (await node.list('/api/approvals?state=allowed')).map(({ rule_id: by }) => by);
    expect(made).toBe(rule['id']);
    const { output } = await node.get(`/api/swarm/tasks/${id}/output`);
    expect(output).toContain('· allowed by a rule: npm test && npm run lint');
  });

  it('goes on waiting after a restart, and gives an answer that came meanwhile once', async () => {
    const asking = await owner();
    const { node } = asking;
    const id = await task(node, { detail: 'make one' }, { detail: 'make two' });
    const [one, two] = await openAt(node, 2);
    if (one === undefined || two === undefined) throw new Error('unreachable');
    await answer(node, one, { decision: 'allow' });
    await node.restart();
    expect(await oneOpen(node)).toMatchObject({ id: two['id'], detail: 'make two' });
    expect((await answer(node, two, { decision: 'allow', note: 'go' })).status).toBe(200);
    expect(await told(asking, id)).toEqual({
      toolu_0: { behavior: 'allow', message: '' },
      toolu_1: { behavior: 'allow', message: 'go' },
    });
  });

  it('answers again what was decided before the agent heard of it', async () => {
    const asking = await owner();
    const { node, driver } = asking;
    const id = await task(node, { detail: 'make' });
    const agent = await node.until(async () => ((await node.list(OPEN)).length === 1 ? driver.agent() : undefined));
    const heard = agent.answer.bind(agent);
    agent.answer = () => {
      throw new Error('the node was killed here');
    };
    await answer(node, await oneOpen(node), { decision: 'allow' });
    agent.answer = heard;
    await node.restart();
    expect(await told(asking, id)).toEqual({ toolu_0: { behavior: 'allow', message: '' } });
    expect(await node.list('/api/approvals')).toHaveLength(1);
  });

  it('asks anew when another thing comes under the name of what was allowed', async () => {
    const asking = await owner();
    const { node, driver } = asking;
    const id = await task(node, { detail: 'make' });
    const first = await oneOpen(node);
    const agent = driver.agent();
    const heard = agent.answer.bind(agent);
    agent.answer = () => {
      throw new Error('the node was killed here');
    };
    await answer(node, first, { decision: 'allow' });
    agent.answer = heard;
    agent.requests = agent.requests.map((one) => ({ ...one, detail: 'make install' }));
    await node.restart();
    const second = await oneOpen(node);
    expect(second).toMatchObject({ detail: 'make install' });
    expect(second['id']).not.toBe(first['id']);
    await answer(node, second, { decision: 'deny', note: 'that is another one' });
    expect(await told(asking, id)).toEqual({ toolu_0: { behavior: 'deny', message: 'that is another one' } });
  });

  it('denies what nobody answers in time', async () => {
    const asking = await owner({ askTimeoutMs: 50 });
    const { node } = asking;
    const answers = await told(asking, await task(node, { detail: 'make' }));
    expect(answers).toEqual({ toolu_0: { behavior: 'deny', message: 'nobody answered within 0.05 s' } });
    const [over] = await node.list('/api/approvals');
    expect(over).toMatchObject({ state: 'denied', decided_by: expect.stringMatching(/^node:/) });
  });

  it('asks nobody where nobody is to be asked', async () => {
    const asking = await owner({ askTimeoutMs: 0 });
    const { node } = asking;
    const answers = await told(asking, await task(node, { detail: 'make' }));
    expect(answers).toEqual({ toolu_0: { behavior: 'deny', message: 'nobody is asked on this node' } });
    expect(await node.list('/api/approvals')).toEqual([]);
  });

  it('takes a request back with its attempt, and with the tool that asked', async () => {
    const asking = await owner();
    const { node, driver } = asking;
    const id = await task(node, { detail: 'make one' }, { detail: 'make two' });
    const [one, two] = await openAt(node, 2);
    if (one === undefined || two === undefined) throw new Error('unreachable');
    driver.agent().withdraw('toolu_0');
    expect(await oneOpen(node)).toMatchObject({ id: two['id'] });
    const isVoid = { status: 409, body: { code: 'conflict', error: expect.stringContaining('nobody waits') } };
    expect(await answer(node, one, { decision: 'allow' })).toMatchObject(isVoid);
    await node.request('POST', `/api/swarm/tasks/${id}/cancel`);
    await openAt(node, 0);
    expect(await answer(node, two, { decision: 'allow' })).toMatchObject(isVoid);
    const closed = (await node.list('/api/approvals?state=closed')).map((over) => over['id']);
    expect(new Set(closed)).toEqual(new Set([one['id'], two['id']]));
  });

  it('holds two hundred requests, and answers them with one', async () => {
    const asking = await owner();
    const { node } = asking;
    const requests = Array.from({ length: 200 }, (_, at) => ({ detail: `make ${at}` }));
    const id = await task(node, ...requests);
    const open = await openAt(node, requests.length);
    const ids = open.map((one) => String(one['id']));
    const { results } = await node.post('/api/approvals', { ids, decision: 'allow' });
    expect(results).toHaveLength(requests.length);
    expect(JSON.stringify(results)).not.toContain('refusal":{');
    expect(Object.keys(Object(await told(asking, id)))).toHaveLength(requests.length);
    const again = await node.post('/api/approvals', { ids: ids.slice(0, 2), decision: 'deny' });
    expect(again).toMatchObject({ results: [{ refusal: { code: 'conflict' } }, { refusal: { code: 'conflict' } }] });
  });

  it('takes an answer to a question for what it is, and keeps secrets out of the log', async () => {
    const asking = await owner();
    const { node } = asking;
    const secret = `ghp_${'x1'.repeat(18)}`;
    const id = await task(
      node,
      { kind: 'question', tool: 'AskUserQuestion', detail: 'Which port?' },
      { detail: `curl -H "Authorization: Bearer ${secret}" https://example.org` },
    );
    const [question, command] = await openAt(node, 2);
    if (question === undefined || command === undefined) throw new Error('unreachable');
    expect(await answer(node, question, { decision: 'allow' })).toMatchObject({ status: 400 });
    await answer(node, question, { decision: 'allow', note: '8080' });
    expect(JSON.stringify(command)).not.toContain(secret);
    expect(command['detail']).toBe('curl -H "Authorization: Bearer ghp_[masked]" https://example.org');
    await answer(node, command, { decision: 'deny' });
    expect(await told(asking, id)).toEqual({
      toolu_0: { behavior: 'allow', message: '8080' },
      toolu_1: { behavior: 'deny', message: 'denied by user:operator' },
    });
  });
});
