import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { OpId } from '#core/brand.ts';
import { parsedOpId, userPrincipal } from '#core/brand.ts';
import { searchTasks } from '#door/task-search.ts';
import { OTHER, SELF } from './fake-node.ts';
import type { Served } from './serve.ts';
import { serve } from './serve.ts';
import { taskCreated } from './task-body.ts';

const by = userPrincipal('x');
const created = z.looseObject({ id: z.string() });
const tasksSchema = z.array(z.looseObject({ title: z.string() }));
/** More than are looked at in one turn of the event loop. */
const MANY = 600;

describe('what is searched for among many tasks', () => {
  let served: Served;
  let project: OpId;
  const found = async (query: Record<string, string>): Promise<string[]> =>
    tasksSchema
      .parse(await served.json(`/api/swarm/tasks?${new URLSearchParams(query).toString()}`))
      .map(({ title }) => title);
  const make = async (body: Partial<ReturnType<typeof taskCreated>>): Promise<OpId> => {
    const [arrival] = await served.node.commit(SELF, [{ entity: undefined, by, body: { ...taskCreated(), ...body } }]);
    if (arrival === undefined) throw new Error('nothing was appended');
    return parsedOpId(arrival.op.header.entity);
  };

  beforeAll(async () => {
    served = await serve();
    await served.node.register(OTHER, 'meadow');
    const answer = await served.post('/api/swarm/agents', { name: 'clover', tool: 'shell' });
    const agent = parsedOpId(created.parse(await answer.json()).id);
    const [arrival] = await served.node.commit(SELF, [
      {
        entity: undefined,
        by,
        body: { type: 'project.registered', name: 'garden', origin: '/g', base: null, setup: null },
      },
    ]);
    project = parsedOpId(arrival?.op.header.entity ?? '');
    const old = await make({ title: 'Needle of old', description: 'Mend the LOGIN', project });
    await served.node.start(old, agent, OTHER);
    await served.node.end(old, { result: 'done' });
    const body = taskCreated();
    await served.node.append(Array.from({ length: MANY }, () => ({ entity: undefined, by, body })));
    await make({ title: 'Needle that waits', alias: 'my-own', requiredCapabilities: ['php'] });
    const task = parsedOpId(`${OTHER}-99`);
    await served.node.commit(OTHER, [{ entity: task, by, body: { type: 'task.claimed', slot: 1, agent: task } }]);
  });
  afterAll(() => served.close());

  it('is found by every word, in any case, wherever it stands, open ones first', async () => {
    expect(await found({ q: 'NEEDLE' })).toEqual(['Needle that waits', 'Needle of old']);
    expect(await found({ q: 'login  needle' })).toEqual(['Needle of old']);
    expect(await found({ q: 'clover meadow' })).toEqual(['Needle of old']);
    expect(await found({ q: 'php' })).toEqual(['Needle that waits']);
    expect(await found({ q: 'my-own' })).toEqual(['Needle that waits']);
    expect(await found({ q: 'needle nowhere' })).toEqual([]);
    expect(await found({ q: `${OTHER}-99` })).toEqual([]);
  });

  it('is narrowed by status and project, with words or without', async () => {
    expect(await found({ q: 'needle', status: 'completed' })).toEqual(['Needle of old']);
    expect(await found({ q: 'needle', status: 'failed' })).toEqual([]);
    expect(await found({ project })).toEqual(['Needle of old']);
    expect(await found({ project, status: 'pending' })).toEqual([]);
    expect(await found({ project: 'nobody' })).toEqual([]);
  });

  it('comes in pages that hold each once', async () => {
    const pages = await Promise.all(
      ['0', '250', '500', '750'].map((offset) => found({ q: 'one many', limit: '250', offset })),
    );
    expect(pages.map((page) => page.length)).toEqual([250, 250, 100, 0]);
    const search = { q: 'many', status: undefined, project: undefined };
    const rows = await Promise.all(
      [0, 300].map((offset) => searchTasks({ ...search, limit: 300, offset }, served.door)),
    );
    expect(new Set(rows.flatMap((page) => ('refused' in page ? [] : page.map(({ id }) => id)))).size).toBe(MANY);
  });

  it('is refused where there is more than one search looks through, unless a status leaves less', async () => {
    const search = { q: 'needle', status: undefined, project: undefined, limit: 10, offset: 0 };
    expect(await searchTasks(search, served.door, MANY)).toMatchObject({
      refused: true,
      code: 'too_large',
      expected: `a status, of which there are at most ${MANY} tasks`,
      // With one of which only a claim has come.
      got: String(MANY + 3),
    });
    expect(await searchTasks({ ...search, status: 'completed' }, served.door, MANY)).toHaveLength(1);
  });
});
