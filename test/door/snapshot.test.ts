import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { userPrincipal } from '#core/brand.ts';
import { SELF } from './fake-node.ts';
import { serve, TOKEN } from './serve.ts';
import { taskCreated } from './task-body.ts';
import { WsClient } from './ws-client.ts';

describe('a large snapshot at /ws', () => {
  it('sends many tasks in pieces, of which only the last has the id that one goes on after', async () => {
    const served = await serve();
    const body = taskCreated();
    await served.node.append(Array.from({ length: 450 }, () => ({ entity: undefined, by: userPrincipal('x'), body })));
    const url = `${served.http.url.replace(/^http/, 'ws')}ws`;
    const client = await WsClient.connect(url, { options: { headers: { authorization: `Bearer ${TOKEN}` } } });
    const pieces = z
      .array(
        z.looseObject({ type: z.string(), id: z.string().optional(), tasks: z.array(z.object({ id: z.string() })) }),
      )
      .parse(await client.take(3));
    expect(pieces.map(({ type, id, tasks }) => [type, id, tasks.length])).toEqual([
      ['snapshot', undefined, 200],
      ['tasks', undefined, 200],
      ['tasks', `${SELF}:451`, 50],
    ]);
    expect(new Set(pieces.flatMap(({ tasks }) => tasks.map(({ id }) => id))).size).toBe(450);
    await client.close();
    await served.close();
  });
});
