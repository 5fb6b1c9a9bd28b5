import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { agentPrincipal, parsedOpId, userPrincipal } from '#core/brand.ts';
import type { BodyOf } from '#core/schema/body.ts';
import type { TaskJson } from '#door/json/task.ts';
import { taskJsonSchema } from '#door/json/task.ts';
import { refusal } from '#core/refusal.ts';
import { OTHER, SELF } from './fake-node.ts';
import type { Served } from './serve.ts';
import { serve } from './serve.ts';

const tasksSchema = z.array(taskJsonSchema);

describe('tasks', () => {
  let served: Served;
  beforeAll(async () => {
    served = await serve();
    await served.node.register(OTHER, 'worker');
  });
  afterAll(() => served.close());

  async function create(body: Record<string, unknown>): Promise<TaskJson> {
    const answer = await served.post('/api/swarm/tasks', body);
    expect(answer.status).toBe(201);
    return taskJsonSchema.parse(await answer.json());
  }
  const get = async (id: string): Promise<TaskJson> =>
    taskJsonSchema.parse(await served.json(`/api/swarm/tasks/${id}`));
  const list = async (query = ''): Promise<TaskJson[]> =>
    tasksSchema.parse(await served.json(`/api/swarm/tasks${query}`));

  it('come most urgent first, then oldest first, and by status', async () => {
    const low = await create({ title: 'low', priority: -1 });
    const [first, second] = [await create({ title: 'first' }), await create({ title: 'second' })];
    const high = await create({ title: 'high', priority: 9 });
    expect((await list()).map(({ id }) => id)).toEqual([high.id, first.id, second.id, low.id]);
    expect((await list('?limit=2&offset=1')).map(({ id }) => id)).toEqual([first.id, second.id]);
    expect(await list('?status=pending')).toHaveLength(4);
    expect(await list('?status=completed')).toEqual([]);
    expect(await list('?status=no such word')).toEqual([]);
    expect(await list('?status=unknown')).toEqual([]);
  });

  it('are decided unless their creator wants them optimistic', async () => {
    expect(await create({ title: 'once' })).toMatchObject({ claims: 'decided' });
    expect(await create({ title: 'anywhere', claims: 'optimistic' })).toMatchObject({ claims: 'optimistic' });
    const answer = await served.post('/api/swarm/tasks', { title: 'x', claims: 'hopeful' });
    expect(await answer.json()).toMatchObject({ code: 'invalid', expected: 'decided | optimistic' });
  });

  it('of which only claims have arrived are shown nowhere', async () => {
    const task = parsedOpId(`${OTHER}-99`);
    const by = userPrincipal('x');
    await served.node.commit(OTHER, [{ entity: task, by, body: { type: 'task.claimed', slot: 1, agent: task } }]);
    expect((await list()).map(({ id }) => id)).not.toContain(task);
    expect((await served.fetch(`/api/swarm/tasks/${task}`)).status).toBe(404);
  });

  it('are found by id, short id, alias and the beginning of a node that made only one', async () => {
    const task = await create({ title: 'x', id: 'my-own-id' });
    expect(task.alias).toBe('my-own-id');
    const [node, seq] = [task.id.slice(0, 32), task.id.slice(33)];
    for (const ref of [task.id, `${node.slice(0, 8)}-${seq}`, `${node.slice(0, 4)}-${seq}`, 'my-own-id']) {
      expect((await get(ref)).id).toBe(task.id);
    }
    const ambiguous = await served.fetch(`/api/swarm/tasks/${SELF.slice(0, 8)}`);
    expect(ambiguous.status).toBe(409);
    expect(await ambiguous.json()).toMatchObject({ code: 'conflict' });
  });

  it('take an alias once', async () => {
    await create({ title: 'x', id: 'taken' });
    expect((await served.post('/api/swarm/tasks', { title: 'x', id: 'taken' })).status).toBe(409);
    const both = await Promise.all(['a', 'b'].map((title) => served.post('/api/swarm/tasks', { title, id: 'raced' })));
    expect(both.map(({ status }) => String(status)).toSorted()).toEqual(['201', '409']);
  });

  it('keep every field that was asked for', async () => {
    const first = await create({ title: 'first' });
    await served.post('/api/swarm/projects', { name: 'demo', origin: '/srv/demo' });
    const task = await create({
      title: 'x',
      created_by: 'me',
      project: 'demo',
      base: 'next',
      depends_on: [first.id, first.id],
      attempts_max: 1,
      time_limit_s: 60,
      required_capabilities: ['a', 'a', 'b'],
    });
    expect(await get(task.id)).toMatchObject({
      created_by: 'me',
      base: 'next',
      depends_on: [first.id],
      attempts_max: 1,
      time_limit_s: 60,
      project: expect.stringContaining(SELF),
      required_capabilities: ['a', 'b'],
    });
  });

  it('are appended in the name of whoever asked', async () => {
    const task = await create({ title: 'x' });
    const [op] = served.node.store.opsAbout(task.id, 1);
    expect(op?.header.by).toBe('user:operator');
  });

  it('bring long texts back whole', async () => {
    const description = 'ä'.repeat(300_000);
    const task = await create({ title: 'long', description, context: 'short' });
    expect(task).toMatchObject({ description, context: 'short', truncated: [] });
    expect(await get(task.id)).toMatchObject({ description, truncated: [] });
    expect((await list()).find(({ id }) => id === task.id)?.description).toBe(description);
    const [op] = served.node.store.opsAbout(task.id, 1);
    expect(op?.bodyText.length).toBeLessThan(10_000);
  });

  it('list the beginning of texts that do not fit one answer, and say so', async () => {
    const description = 'x'.repeat(3_000_000);
    const made = [];
    for (const title of ['1', '2', '3']) made.push(await create({ title, description, priority: 100 }));
    const listed = (await list()).slice(0, 3);
    expect(listed.map(({ truncated }) => truncated)).toEqual([[], [], ['description']]);
    expect(listed[2]?.description).toHaveLength(2048);
    expect((await get(made[2]?.id ?? '')).description).toBe(description);
  });

  it('are cancelled once', async () => {
    const task = await create({ title: 'x' });
    const answer = await served.post(`/api/swarm/tasks/${task.id}/cancel`, {});
    expect(await answer.json()).toEqual({ status: 'cancelled', task_id: task.id });
    expect(await get(task.id)).toMatchObject({ status: 'cancelled', completed_at: null, reason: 'cancelled' });
    const again = await served.fetch(`/api/swarm/tasks/${task.id}/cancel`, { method: 'POST' });
    expect(again.status).toBe(409);
    expect(await again.json()).toMatchObject({
      error: 'Cannot cancel task (not found or already terminal)',
      got: 'cancelled',
    });
    const unknown = await served.fetch('/api/swarm/tasks/nowhere/cancel', { method: 'POST' });
    expect(await unknown.json()).toMatchObject({ error: 'Cannot cancel task (not found or already terminal)' });
  });

  it('that only their home can cancel are refused while it is away', async () => {
    const task = await create({ title: 'x' });
    served.node.knobs.cancelTask = async () => refusal('home_unreachable', 'worker is away');
    const answer = await served.fetch(`/api/swarm/tasks/${task.id}/cancel`, { method: 'POST' });
    delete served.node.knobs.cancelTask;
    expect(answer.status).toBe(503);
    expect(await answer.json()).toMatchObject({ code: 'home_unreachable', error: 'worker is away' });
  });

  it.each(['gemini', 'acp opencode acp'])('copy no conversation of %s, which cannot', async (tool) => {
    const where = { projectPath: null, tmuxSessionId: null, maxConcurrentTasks: 1 };
    const body = { type: 'agent.registered' as const, name: 'g', tool, capabilities: [], ...where };
    const [made] = await served.node.commit(SELF, [{ entity: undefined, by: userPrincipal('x'), body }]);
    const agent = made?.op.header.entity ?? parsedOpId('');
    const task = await create({ title: 'x' });
    await served.node.start(parsedOpId(task.id), agent);
    const answer = await served.post('/api/swarm/tasks', { title: 'copy', fork: task.id });
    expect([answer.status, await answer.json()]).toEqual([
      501,
      expect.objectContaining({ code: 'not_supported', got: tool }),
    ]);
    await served.node.commit(SELF, [{ entity: agent, by: userPrincipal('x'), body: { type: 'agent.deregistered' } }]);
  });

  it('tell what they wait for', async () => {
    const register = (name: string, tool: string, capabilities: string[]): Promise<unknown> => {
      const body: BodyOf<'agent.registered'> = {
        type: 'agent.registered',
        name,
        tool,
        capabilities,
        projectPath: null,
        tmuxSessionId: null,
        maxConcurrentTasks: 1,
      };
      return served.node.commit(SELF, [{ entity: undefined, by: userPrincipal('x'), body }]);
    };
    const reason = async (body: Record<string, unknown>): Promise<string | null> =>
      (await create({ title: 'x', ...body })).pending_reason;
    expect(await reason({})).toBe('no agent is registered');
    await register('sh', 'shell', ['shell', 'php']);
    expect(await reason({ required_capabilities: ['php'] })).toBe(
      'there are only shell agents, which take tasks that require: shell',
    );
    expect(await reason({ required_capabilities: ['rust', 'php'] })).toBe('no agent has: rust');
    expect(await reason({ required_capabilities: ['shell'] })).toBe('every agent that could take it is offline');
    await register('other', 'claude', ['rust']);
    expect(await reason({ required_capabilities: ['rust', 'php'] })).toBe('no agent has all of: rust, php');
    const [shell] = served.node.store.list('agent', { where: { name: 'sh' }, limit: 1 });
    const agent = shell?.id ?? parsedOpId('');
    served.node.say(SELF, [{ agent, status: 'busy', task: agent, attempt: 1 }]);
    expect(await reason({ required_capabilities: ['shell'] })).toBe('every agent that could take it is busy');
    served.node.say(SELF, [{ agent, status: 'idle', task: null, attempt: null }]);
    expect(await reason({ required_capabilities: ['shell'] })).toBeNull();
    const folder = { required_capabilities: ['shell'], project_path: '/srv/x' };
    expect(await reason(folder)).toBe('only a node that has the folder /srv/x takes it');
    const first = await create({ title: 'the first' });
    const wait = { depends_on: [first.id] };
    expect(await reason(wait)).toBe(`waits for ${SELF.slice(0, 8)}-${first.id.slice(33)} (the first)`);
    await served.node.end(parsedOpId(first.id), { kind: 'cancelled', attempt: 0 }, 1);
    expect(await reason(wait)).toMatch(/the first\), which it depends on, is cancelled$/);
  });

  it('of another node depend on it', async () => {
    const created = await create({ title: 'x', required_capabilities: ['shell'] });
    const [op] = served.node.store.opsAbout(created.id, 1);
    if (op?.body.type !== 'task.created') throw new Error('no such op');
    const [arrival] = await served.node.commit(OTHER, [
      { entity: undefined, by: agentPrincipal(parsedOpId(created.id)), body: { ...op.body, voters: [OTHER] } },
    ]);
    expect(await get(arrival?.op.header.entity ?? '')).toMatchObject({
      pending_reason: 'depends on worker, which is away',
      home: OTHER,
    });
  });

  it('of a project whose folder lies on a node that is away wait for it', async () => {
    const registered = { type: 'project.registered', name: 'far', base: null, setup: null } as const;
    const register = async (origin: string): Promise<string> => {
      const draft = { entity: undefined, by: userPrincipal('x'), body: { ...registered, origin } };
      const [arrival] = await served.node.commit(OTHER, [draft]);
      return arrival?.op.header.entity ?? '';
    };
    const reason = async (project: string): Promise<string | null> =>
      (await create({ title: 'x', project, required_capabilities: ['shell'] })).pending_reason;
    expect(await reason(await register('/srv/far'))).toBe('its project far lies on worker, which is away');
    const url = await register('https://example.org/far.git');
    expect(await reason(url)).toBeNull();
    const created = await create({ title: 'x', project: url });
    await served.node.commit(OTHER, [
      { entity: parsedOpId(url), by: userPrincipal('x'), body: { type: 'project.removed' } },
    ]);
    expect((await get(created.id)).pending_reason).toMatch(/^its project was removed: /);
  });

  it('have a timeline', async () => {
    const task = await create({ title: 'x' });
    const id = parsedOpId(task.id);
    const [agent] = served.node.store.list('agent', { where: { name: 'sh' }, limit: 1 });
    await served.node.start(id, agent?.id ?? id);
    await served.node.end(id, { kind: 'failed', reason: 'script_failed', error: 'exit code 2\nits last line' });
    const ops = z
      .array(z.object({ type: z.string(), summary: z.string(), by: z.string(), slot: z.number().nullable() }))
      .parse(await served.json(`/api/swarm/tasks/${id}/timeline`));
    expect(ops.map(({ summary }) => summary)).toEqual([
      'created by user:operator on hive',
      'claimed by sh on hive',
      'attempt 1 given to sh on hive',
      'attempt 1 started on hive',
      'attempt 1 failed (script_failed): exit code 2',
    ]);
    expect(ops.map(({ slot }) => slot)).toEqual([null, 1, 1, 1, 2]);
    expect(await served.json(`/api/swarm/tasks/${id}/timeline?limit=1`)).toHaveLength(1);
    expect(await get(id)).toMatchObject({ status: 'pending', attempt: 1, reason: 'script_failed', assigned_to: null });
  });

  it('pass output, diff, fetch and merge on to the node', async () => {
    const { id } = await create({ title: 'x' });
    const { knobs } = served.node;
    const path = `/api/swarm/tasks/${id}`;
    knobs.taskOutput = async (_task, lines) => ({ attempt: 1, output: `${lines} lines` });
    knobs.taskDiff = async (_task, format) => ({ text: format, truncated: false });
    knobs.taskFetch = async (_task, repository) => ({ branch: repository, head: 'f' });
    knobs.taskMerge = async (_task, by, into) => ({ state: 'merged', commit: by, into: into ?? 'main', command: null });
    expect(await served.json(`${path}/output`)).toEqual({ task_id: id, attempt: 1, output: '50 lines' });
    expect(await served.json(`${path}/output?lines=3`)).toMatchObject({ output: '3 lines' });
    expect(await served.json(`${path}/diff`)).toEqual({
      task_id: id,
      format: 'patch',
      text: 'patch',
      truncated: false,
    });
    expect(await served.json(`${path}/diff?format=name-status`)).toMatchObject({ text: 'name-status' });
    expect(await (await served.post(`${path}/fetch`, { repository: '/r' })).json()).toEqual({
      task_id: id,
      branch: '/r',
      head: 'f',
    });
    const merged = { task_id: id, state: 'merged', commit: 'user:operator', into: 'main', command: null };
    expect(await (await served.fetch(`${path}/merge`, { method: 'POST' })).json()).toEqual(merged);
    expect(await (await served.post(`${path}/merge`, { into: 'next' })).json()).toMatchObject({ into: 'next' });
    knobs.taskMerge = async () => refusal('merge_conflict', 'src/a.ts differs');
    const conflict = await served.post(`${path}/merge`, {});
    expect([conflict.status, await conflict.json()]).toMatchObject([409, { code: 'merge_conflict' }]);
  });
});
