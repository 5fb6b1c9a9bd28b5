/** The stream of a backup: progress, exactly one end, and what happens when its client leaves; and how a replaced node and its tasks are shown. */
import { noTraffic } from '#fabric/settings.ts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { nodeIdOf, nodePrincipal } from '#core/brand.ts';
import type { NodeId } from '#core/brand.ts';
import { refusal } from '#core/refusal.ts';
import type { BackupRun } from '#ports.ts';
import { taskBody } from '../store/author.ts';
import { OTHER, SELF } from './fake-node.ts';
import type { Served } from './serve.ts';
import { serve } from './serve.ts';
import { SseClient } from './sse-client.ts';

let served: Served;
beforeEach(async () => {
  served = await serve();
});
afterEach(() => served.close());

const made = { target: '/b', heads: { [SELF]: 7 }, files: 3, sizeBytes: 99 };
const runWith = (run: BackupRun): void => {
  served.node.knobs.backup = async () => run;
};
const request = { id: 1, method: 'POST', path: '/api/swarm/backup', body: { target: '/b' } };

describe('a backup', () => {
  it('tells its progress and one end, over the admin socket and over HTTP', async () => {
    runWith(async ({ onProgress }) => {
      onProgress({ step: 'database', done: 1, total: 9 });
      // Too soon to be told again; the end of a step always is.
      onProgress({ step: 'database', done: 2, total: 9 });
      onProgress({ step: 'database', done: 9, total: 9 });
      return made;
    });
    const done = { target: '/b', node_id: SELF, heads: { [SELF]: 7 }, files: 3, size_bytes: 99 };
    const client = await served.connect();
    client.send(request);
    expect(await client.take(4)).toEqual([
      { id: 1, event: 'backup.progress', data: { step: 'database', done: 1, total: 9 } },
      { id: 1, event: 'backup.progress', data: { step: 'database', done: 9, total: 9 } },
      { id: 1, event: 'backup.done', data: done },
      { id: 1, event: 'end', data: {} },
    ]);
    const stream = new SseClient(await served.post('/api/swarm/backup', { target: '/b' }));
    const events = [await stream.next(), await stream.next(), await stream.next()];
    expect(events.map((one) => one?.event)).toEqual(['backup.progress', 'backup.progress', 'backup.done']);
    expect(await stream.next()).toBeUndefined();
    client.close();
  });

  it('is refused as any request is, before anything is written', async () => {
    served.node.knobs.backup = async () => refusal('conflict', '/b is not empty', { got: 'mine' });
    const answer = await served.post('/api/swarm/backup', { target: '/b' });
    expect(answer.status).toBe(409);
    expect(await answer.json()).toMatchObject({ error: '/b is not empty', code: 'conflict', got: 'mine' });
    const init = { method: 'POST', body: '{"target":"/b"}', headers: { 'content-type': 'application/json' } };
    expect((await served.fetch('/api/swarm/backup', { ...init, token: served.viewer })).status).toBe(403);
  });

  it('says what failed, also when that is the disk', async () => {
    runWith(async () => refusal('conflict', 'another one is under way'));
    const client = await served.connect();
    client.send(request);
    expect(await client.take(2)).toMatchObject([
      { event: 'backup.failed', data: { code: 'conflict' } },
      { event: 'end' },
    ]);
    runWith(() => Promise.reject(new Error('no space left on device')));
    client.send({ ...request, id: 2 });
    expect(await client.take(2)).toMatchObject([
      {
        id: 2,
        event: 'backup.failed',
        data: { code: 'internal', error: 'the backup failed: no space left on device' },
      },
      { id: 2, event: 'end' },
    ]);
    expect(served.faults).toHaveLength(1);
    client.close();
  });

  it.each(['cancel', 'close'] as const)('ends when its client leaves: %s', async (how) => {
    const begun = Promise.withResolvers<AbortSignal>();
    runWith(({ signal }) => {
      begun.resolve(signal);
      return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    });
    const client = await served.connect();
    client.send(request);
    const signal = await begun.promise;
    const left = new Promise((resolve) => signal.addEventListener('abort', resolve));
    if (how === 'cancel') client.send({ id: 1, cancel: true });
    else client.close();
    await left;
    expect(served.faults).toEqual([]);
    client.close();
  });
});

describe('a replaced node', () => {
  const HEIR = nodeIdOf('d'.repeat(32));
  const THIRD = nodeIdOf('e'.repeat(32));
  beforeEach(async () => {
    await served.node.register(OTHER, 'oak');
    await served.node.register(HEIR, 'heir');
    await served.node.register(THIRD, 'elm');
    const body = { type: 'node.replaced', old: OTHER, lastSeq: 1 } as const;
    await served.node.commit(HEIR, [{ entity: undefined, by: nodePrincipal(HEIR), body }]);
  });

  const nodeOf = async (id: NodeId): Promise<unknown> => {
    const nodes = await served.json('/api/swarm/nodes');
    return Array.isArray(nodes) ? nodes.find((node) => node.id === id) : undefined;
  };

  it('is shown as such, and as alive while it runs after all', async () => {
    expect(await nodeOf(OTHER)).toMatchObject({ status: 'replaced', replaced_by: HEIR });
    expect(await nodeOf(HEIR)).toMatchObject({ status: 'dead', replaced_by: null });
    served.node.linked = [
      { node: OTHER, address: 'a:1', outbound: true, sinceMs: 0, roundTripMs: 1, httpPort: 9, traffic: noTraffic() },
    ];
    served.node.say(OTHER, []);
    expect(await nodeOf(OTHER)).toMatchObject({ status: 'alive', replaced_by: HEIR });
  });

  it.each([
    [[OTHER], 'depends on oak, which was replaced; create a task that supersedes it'],
    [[THIRD], 'depends on elm, which is away'],
    [[OTHER, THIRD, HEIR], '3 of its 3 voters are away: oak (replaced), elm, heir'],
    [[SELF, THIRD, OTHER], '2 of its 3 voters are away: elm, oak (replaced)'],
  ])('cannot decide its tasks: voters %j', async (voters, reason) => {
    const [arrival] = await served.node.commit(OTHER, [
      { entity: undefined, by: nodePrincipal(OTHER), body: taskBody({ voters }) },
    ]);
    const task = await served.json(`/api/swarm/tasks/${arrival?.op.header.entity}`);
    expect(task).toMatchObject({ status: 'pending', pending_reason: reason });
  });

  it('says so where two of three are gone for good', async () => {
    const body = { type: 'node.replaced', old: THIRD, lastSeq: 1 } as const;
    await served.node.commit(HEIR, [{ entity: undefined, by: nodePrincipal(HEIR), body }]);
    const [arrival] = await served.node.commit(OTHER, [
      { entity: undefined, by: nodePrincipal(OTHER), body: taskBody({ voters: [OTHER, THIRD, SELF] }) },
    ]);
    expect(await served.json(`/api/swarm/tasks/${arrival?.op.header.entity}`)).toMatchObject({
      pending_reason: '2 of its 3 voters are away: oak (replaced), elm (replaced); create a task that supersedes it',
    });
  });
});
