import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parsedOpId, userPrincipal } from '#core/brand.ts';
import { OTHER, SELF } from './fake-node.ts';
import type { Served } from './serve.ts';
import { serve } from './serve.ts';

/** The seed's fields come first, in the seed's order and spelling: these texts are what scripts were written against. */
describe('JSON of tasks and agents', () => {
  let served: Served;
  beforeAll(async () => {
    served = await serve();
    await served.node.register(OTHER, 'worker');
  });
  afterAll(() => served.close());

  it('a new task', async () => {
    const answer = await served.post('/api/swarm/tasks', {
      title: 'Add unit tests',
      description: 'Write PHPUnit tests for the auth service',
      priority: 5,
      required_capabilities: ['php', 'testing'],
      project_path: '/home/you/project',
      context: 'Focus on edge cases',
    });
    expect(answer.status).toBe(201);
    expect(await answer.text()).toBe(
      `${JSON.stringify({
        id: `${SELF}-2`,
        title: 'Add unit tests',
        description: 'Write PHPUnit tests for the auth service',
        status: 'pending',
        priority: 5,
        required_capabilities: ['php', 'testing'],
        created_by: SELF,
        assigned_to: null,
        assigned_node: null,
        result: null,
        error: null,
        progress: null,
        project_path: '/home/you/project',
        context: 'Focus on edge cases',
        lamport_ts: 3,
        claimed_at: null,
        completed_at: null,
        created_at: '2026-02-12T10:00:00Z',
        updated_at: '2026-02-12T10:00:00Z',
        alias: null,
        attempt: 0,
        attempts_max: 3,
        home: SELF,
        voters: [SELF],
        claims: 'decided',
        depends_on: [],
        supersedes: null,
        project: null,
        base: null,
        time_limit_s: null,
        budget_usd: null,
        fork: null,
        reason: null,
        pending_reason: 'no agent is registered',
        work: null,
        reports: [],
        conflicts: [],
        usage: null,
        truncated: [],
      })}\n`,
    );
  });

  it('an agent', async () => {
    const answer = await served.post('/api/swarm/agents', {
      name: 'sh-1',
      tool: 'shell',
      capabilities: ['php'],
      project_path: '/home/you/project',
    });
    expect(answer.status).toBe(201);
    expect(await answer.text()).toBe(
      `${JSON.stringify({
        id: `${SELF}-3`,
        node_id: SELF,
        name: 'sh-1',
        tool: 'shell',
        capabilities: ['php', 'shell'],
        tmux_session_id: null,
        project_path: '/home/you/project',
        max_concurrent_tasks: 1,
        status: 'offline',
        current_task_id: null,
        last_heartbeat: '2026-02-12T10:00:00Z',
        lamport_ts: 4,
        registered_at: '2026-02-12T10:00:00Z',
        node_name: 'hive',
        home: 'person',
        account: null,
        budget_usd_day: null,
        held_by: null,
        paused: false,
        opens: null,
        turns: 'off',
        box: null,
        context: null,
      })}\n`,
    );
  });

  it('a task at work, and one that is done', async () => {
    const { node } = served;
    const body = {
      type: 'agent.registered' as const,
      name: 'sh-2',
      tool: 'shell',
      capabilities: ['shell'],
      projectPath: null,
      tmuxSessionId: null,
      maxConcurrentTasks: 1,
    };
    await node.commit(OTHER, [{ entity: undefined, by: userPrincipal('x'), body }]);
    const agent = parsedOpId(`${OTHER}-2`);
    await served.post('/api/swarm/tasks', { title: 'Optimize queries', required_capabilities: ['shell'] });
    const task = parsedOpId(`${SELF}-4`);
    node.wallMs += 1_000;
    await node.start(task, agent, OTHER);
    node.show({ task, agent, attempt: 1, status: 'running', progress: 'line 7', output: undefined });
    const times = { created_at: '2026-02-12T10:00:00Z', claimed_at: '2026-02-12T10:00:01Z' };
    const assigned = { assigned_to: agent, assigned_node: OTHER, attempt: 1 };
    expect(await served.json(`/api/swarm/tasks/${task}`)).toMatchObject({
      ...times,
      ...assigned,
      status: 'in_progress',
      progress: 'line 7',
      pending_reason: null,
      completed_at: null,
      updated_at: '2026-02-12T10:00:01Z',
    });
    node.wallMs += 1_000;
    const work = {
      project: null,
      branch: `skep/${task}/1`,
      base: '1'.repeat(40),
      head: '2'.repeat(40),
      commits: 2,
      bundle: node.store.digest(),
      sizeBytes: 900,
    };
    await node.end(task, { result: 'done', work });
    expect(await served.json(`/api/swarm/tasks/${task}`)).toMatchObject({
      ...times,
      ...assigned,
      status: 'completed',
      result: 'done',
      error: null,
      progress: null,
      completed_at: '2026-02-12T10:00:02Z',
      work: { branch: `skep/${task}/1`, base: '1'.repeat(40), head: '2'.repeat(40), commits: 2, size_bytes: 900 },
    });
  });

  it('a status, a health, a post', async () => {
    expect(await served.json('/api/swarm/status')).toMatchObject({
      node_id: SELF,
      uptime: 2,
      tasks: { total: 2, pending: 1, claimed: 0, in_progress: 0, completed: 1, failed: 0 },
      agents: { total: 2 },
    });
    expect(await served.json('/health')).toEqual({ status: 'ok', uptime: 2, node_id: SELF, posts: 0, peers: 0 });
    expect(await (await served.fetch('/health', { token: null })).json()).toEqual({ status: 'ok' });
    const post = await served.post('/api/posts', { content: 'hello' });
    expect(await post.json()).toEqual({
      id: expect.stringMatching(/^a{32}-\d+$/),
      content: 'hello',
      author: 'anon',
      node_id: SELF,
      lamport_ts: expect.any(Number),
      created_at: '2026-02-12T10:00:02Z',
      received_at: '2026-02-12T10:00:02Z',
    });
    expect(await served.json('/api/posts')).toHaveLength(1);
  });
});
