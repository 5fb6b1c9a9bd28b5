import type { MemberState } from '#core/schema/frame.ts';
import { noTraffic } from '#fabric/settings.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { parsedOpId, userPrincipal } from '#core/brand.ts';
import { refusal } from '#core/refusal.ts';
import { agentJsonSchema } from '#door/json/agent.ts';
import type { AgentJson } from '#door/json/agent.ts';
import { OTHER, SELF } from './fake-node.ts';
import type { Served } from './serve.ts';
import { serve } from './serve.ts';

describe('agents, nodes and projects', () => {
  let served: Served;
  beforeAll(async () => {
    served = await serve();
    await served.node.register(OTHER, 'worker');
  });
  afterAll(() => served.close());

  const agents = async (): Promise<AgentJson[]> =>
    z.array(agentJsonSchema).parse(await served.json('/api/swarm/agents'));
  const agent = async (name: string): Promise<AgentJson> => {
    const answer = await served.post('/api/swarm/agents', { name, tool: 'shell' });
    return agentJsonSchema.parse(await answer.json());
  };

  it('a tool without a driver is refused, and nothing stored', async () => {
    const before = served.node.store.lastArrival();
    for (const body of [{ name: 'x' }, { name: 'x', tool: 'claude' }, { name: 'x', tool: 'SHELL' }]) {
      const answer = await served.post('/api/swarm/agents', body);
      expect(answer.status).toBe(422);
      expect(await answer.json()).toMatchObject({
        code: 'driver_unavailable',
        expected: 'shell',
        got: body.tool ?? 'claude',
      });
    }
    expect(served.node.store.lastArrival()).toBe(before);
  });

  it('the status of an agent comes from presence and from open grants', async () => {
    const { node } = served;
    const { id } = await agent('sh-1');
    const own = parsedOpId(id);
    const status = async (): Promise<string | undefined> => (await agents()).find((one) => one.id === id)?.status;
    expect(await status()).toBe('offline');
    node.say(SELF, [{ agent: own, status: 'idle', task: null, attempt: null }]);
    expect(await status()).toBe('idle');
    node.say(SELF, [{ agent: own, status: 'waiting', task: own, attempt: 1 }]);
    expect(await status()).toBe('waiting');
    node.say(SELF, [{ agent: own, status: 'running', task: own, attempt: 1 }]);
    expect(await status()).toBe('busy');
    node.say(SELF, [{ agent: own, status: 'idle', task: null, attempt: null }]);
    const task = z
      .object({ id: z.string() })
      .parse(await (await served.post('/api/swarm/tasks', { title: 'x' })).json());
    await node.start(parsedOpId(task.id), own);
    expect((await agents())[0]).toMatchObject({ status: 'busy', current_task_id: task.id });
    await node.end(parsedOpId(task.id), {});
    expect((await agents())[0]).toMatchObject({ status: 'idle', current_task_id: null });
  });

  it('a new agent is seen as its node sees it, at once', async () => {
    const { node } = served;
    await agents();
    const next = (node.store.heads().get(SELF)?.seq ?? 0) + 1;
    const own = { agent: parsedOpId(`${SELF}-${next}`), status: 'idle', task: null, attempt: null };
    const held = node.presences.get(SELF);
    // Its node knows of it as soon as it is registered, and says so a moment later.
    node.presences.set(SELF, { node: SELF, heardMs: node.wallMs, links: [], agents: [...(held?.agents ?? []), own] });
    const { id, status } = await agent('sh-new');
    expect([id, status]).toEqual([own.agent, 'idle']);
    await served.fetch(`/api/swarm/agents/${id}`, { method: 'DELETE' });
  });

  it('an agent of a node that was silent for 45 s is offline; this node never times out its own', async () => {
    const { node } = served;
    const body = {
      type: 'agent.registered' as const,
      name: 'far',
      tool: 'shell',
      capabilities: ['shell'],
      projectPath: null,
      tmuxSessionId: null,
      maxConcurrentTasks: 1,
    };
    const [arrival] = await node.commit(OTHER, [{ entity: undefined, by: userPrincipal('x'), body }]);
    const far = arrival?.op.header.entity ?? parsedOpId('');
    node.say(OTHER, [{ agent: far, status: 'idle', task: null, attempt: null }]);
    node.members.set(OTHER, 'alive');
    const statuses = async (): Promise<string[]> => (await agents()).map(({ status }) => status);
    expect(await statuses()).toEqual(['idle', 'idle']);
    node.wallMs += 46_000;
    expect(await statuses()).toEqual(['idle', 'offline']);
    node.wallMs -= 46_000;
  });

  it('agents are found by name, spoken to, looked at, and withdrawn once', async () => {
    const { node } = served;
    const { id } = await agent('sh-2');
    const said: unknown[] = [];
    node.knobs.agentSend = async (to, text) => ({ sent: said.push([to, text]) > 0 });
    expect(await (await served.post('/api/swarm/agents/sh-2/send', { text: 'go on' })).json()).toEqual({ sent: true });
    expect(said).toEqual([[id, 'go on']]);
    node.knobs.agentOutput = async (_agent, lines) => ({ status: 'running', output: `${lines}` });
    expect(await served.json(`/api/swarm/agents/${id}/output?lines=7`)).toEqual({
      agent_id: id,
      status: 'running',
      output: '7',
    });
    const gone = await served.fetch(`/api/swarm/agents/${id}`, { method: 'DELETE' });
    expect(await gone.json()).toEqual({ status: 'deregistered', agent_id: id });
    const again = await served.fetch(`/api/swarm/agents/${id}`, { method: 'DELETE' });
    expect([again.status, await again.json()]).toMatchObject([404, { error: 'Agent not found' }]);
    await agent('twin');
    await agent('twin');
    expect((await served.fetch('/api/swarm/agents/twin', { method: 'DELETE' })).status).toBe(409);
  });

  it('nodes are shown as the failure detector says, and agents of one that is gone as unreachable', async () => {
    const { node } = served;
    const status = async (path: string): Promise<unknown> => {
      const rows = z.array(z.object({ status: z.string() })).parse(await served.json(`/api/swarm/${path}`));
      return rows.map((row) => row.status);
    };
    const becomes = (state: MemberState): void => {
      node.members.set(OTHER, state);
      node.say(SELF, []);
    };
    node.members.clear();
    node.wallMs += 100_000;
    expect(await status('nodes')).toEqual(['self', 'dead']);
    node.linked = [
      {
        node: OTHER,
        address: 'x:1',
        outbound: true,
        sinceMs: 0,
        roundTripMs: 0.5,
        httpPort: 9091,
        traffic: noTraffic(),
      },
    ];
    node.tally.set(OTHER, { taken: 7, relayed: 3, repeated: 2, gaps: 1, refused: 0 });
    expect(await served.json('/api/swarm/links')).toMatchObject([
      { node_id: OTHER, name: 'worker', dialled: true, frames_in: 0, batches: { taken: 7, relayed: 3, gaps: 1 } },
    ]);
    node.say(OTHER, []);
    becomes('alive');
    expect(await status('nodes')).toEqual(['self', 'alive']);
    expect(await served.json('/api/swarm/nodes')).toMatchObject([
      { id: SELF, name: 'hive', http_port: 9090, agents: 3 },
      { id: OTHER, name: 'worker', http_port: 9091, round_trip_ms: 0.5, agents: 1, addresses: ['worker:7101'] },
    ]);
    becomes('suspect');
    expect(await status('nodes')).toEqual(['self', 'suspect']);
    expect(await status('agents')).not.toContain('unreachable');
    becomes('dead');
    expect(await status('nodes')).toEqual(['self', 'dead']);
    expect(await status('agents')).toContain('unreachable');
    becomes('left');
    expect(await status('nodes')).toEqual(['self', 'left']);
    expect(await status('agents')).toContain('unreachable');
  });

  it('a node is taken out by id, name or the beginning of an id, once and for good; never the node itself', async () => {
    const out = async (ref: string, verb: string): Promise<unknown[]> => {
      const answer = await served.post(`/api/swarm/nodes/${ref}/${verb}`, {});
      const body = z.record(z.string(), z.unknown()).parse(await answer.json());
      return [answer.status, body['status'] ?? body['code']];
    };
    const last = served.node.store.lastArrival();
    expect(await out('nobody', 'revoke')).toEqual([404, 'not_found']);
    expect(await out(SELF, 'revoke')).toEqual([409, 'conflict']);
    expect(served.node.store.lastArrival()).toBe(last);
    expect(await out('worker', 'retire')).toEqual([200, 'retired']);
    expect(await out(OTHER.slice(0, 8), 'retire')).toEqual([200, 'retired']);
    expect(served.node.store.lastArrival()).toBe(last + 1);
    expect(await out(OTHER, 'revoke')).toEqual([200, 'revoked']);
    expect(await served.json('/api/swarm/nodes')).toMatchObject([{ status: 'self' }, { status: 'revoked' }]);
    expect((await agents()).filter((one) => one.node_id === OTHER)).toEqual([]);
  });

  it('projects bear a name that nobody else bears', async () => {
    const project = { name: 'demo', origin: 'git@example.org:demo.git', base: 'main', setup: 'npm ci' };
    const made = await served.post('/api/swarm/projects', project);
    expect(made.status).toBe(201);
    expect(await made.json()).toMatchObject({ ...project, node_id: SELF });
    const again = await served.post('/api/swarm/projects', { name: 'demo', origin: '/x' });
    expect([again.status, await again.json()]).toMatchObject([409, { code: 'conflict', got: 'demo' }]);
    const raced = await Promise.all(
      ['/a', '/b'].map((origin) => served.post('/api/swarm/projects', { name: 'raced', origin })),
    );
    expect(raced.map(({ status }) => String(status)).toSorted()).toEqual(['201', '409']);
    expect(await served.json('/api/swarm/projects')).toHaveLength(2);
    expect((await served.fetch('/api/swarm/projects/demo', { method: 'DELETE' })).status).toBe(200);
    expect((await served.fetch('/api/swarm/projects/demo', { method: 'DELETE' })).status).toBe(404);
    expect((await served.post('/api/swarm/projects', project)).status).toBe(201);
  });

  it('a project whose origin cannot be worked on is refused, and nothing stored', async () => {
    const before = served.node.store.lamport();
    served.node.knobs.checkOrigin = async () => refusal('workspace', 'not there', { expected: 'a repository' });
    const answer = await served.post('/api/swarm/projects', { name: 'nowhere', origin: '/nowhere' });
    delete served.node.knobs.checkOrigin;
    expect(answer.status).toBe(422);
    expect(await answer.json()).toMatchObject({ error: 'not there', code: 'workspace', expected: 'a repository' });
    expect(served.node.store.lamport()).toBe(before);
  });

  it('a digest tells what this node holds', async () => {
    const { store } = served.node;
    expect(await served.json('/api/swarm/digest')).toEqual({
      digest: store.digest(),
      heads: Object.fromEntries([...store.heads()].map(([node, { seq }]) => [node, seq])),
      lamport: store.lamport(),
    });
  });

  it('the code to join is for operators', async () => {
    expect(await served.json('/api/join-code')).toEqual({ code: expect.stringMatching(/^skep-join-/) });
    expect((await served.fetch('/api/join-code', { token: served.viewer })).status).toBe(403);
  });
});
