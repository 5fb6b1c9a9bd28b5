import { afterEach, beforeEach, expect, it } from 'vitest';
import { z } from 'zod';
import type { OpId } from '#core/brand.ts';
import { nodePrincipal, parsedOpId } from '#core/brand.ts';
import { SELF } from './fake-node.ts';
import type { Served } from './serve.ts';
import { serve } from './serve.ts';

let served: Served;
beforeEach(async () => {
  served = await serve();
});
afterEach(() => served.close());

const made = async (path: string, body: object): Promise<OpId> =>
  parsedOpId(z.object({ id: z.string() }).parse(await (await served.post(path, body)).json()).id);

it('lists what was asked for one task, oldest first, and nothing of others', async () => {
  const agent = await made('/api/swarm/agents', { name: 'sh-1', tool: 'shell' });
  const [one, other] = [
    await made('/api/swarm/tasks', { title: 'one', required_capabilities: ['shell'] }),
    await made('/api/swarm/tasks', { title: 'other', required_capabilities: ['shell'] }),
  ];
  await served.node.start(one, agent);
  const ask = (task: OpId, request: string) => {
    const place = { cwd: null, paths: [], why: '' };
    const what = { kind: 'command', tool: 'Bash', title: request, detail: request } as const;
    const body = { type: 'approval.requested', task, attempt: 1, agent, request, ...what, ...place } as const;
    return served.node.commit(SELF, [{ entity: undefined, by: nodePrincipal(SELF), body }]);
  };
  await ask(one, 'make first');
  await ask(other, 'make other');
  await ask(one, 'make second');
  const list = async (query: string) =>
    z.array(z.looseObject({ title: z.string() })).parse(await served.json(`/api/approvals?${query}`));
  expect((await list(`task=${one}`)).map(({ title }) => title)).toEqual(['make first', 'make second']);
  expect((await list(`task=${one}&state=open&offset=1`)).map(({ title }) => title)).toEqual(['make second']);
  expect(await list(`task=${one}&state=denied`)).toEqual([]);
  expect((await served.fetch('/api/approvals?task=nobody')).status).toBe(404);
});
