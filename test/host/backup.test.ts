import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { nodeIdOf } from '#core/brand.ts';
import { Backups } from '#host/backup.ts';
import { agree, backedUp, backUp, restoreAndStart, SHELL, stateOf, WAITING } from './backups.ts';
import type { Member } from './swarm.ts';
import { asJson, TestSwarm } from './swarm.ts';

let swarm: TestSwarm;
let target: string;
beforeEach(() => {
  swarm = new TestSwarm();
  target = join(swarm.dir, 'backup');
});
afterEach(() => swarm.close());

const manifest = (): Record<string, unknown> => asJson(JSON.parse(readFileSync(join(target, 'manifest.json'), 'utf8')));

/** Creates tasks one after another until the returned function is called; it gives the ids of all that were acknowledged. */
function load(member: Member): () => Promise<string[]> {
  let going = true;
  const run = (async () => {
    const ids: string[] = [];
    while (going) ids.push(String((await member.post('/api/swarm/tasks', WAITING))['id']));
    return ids;
  })();
  return () => {
    going = false;
    return run;
  };
}

describe('a backup of a node under load', () => {
  it('is restored as a new node that has all of it, catches up the rest, and works', async () => {
    const home = await swarm.add();
    const worker = await swarm.add({ shellAgents: 1 });
    const third = await swarm.add();
    await swarm.linked();
    await home.post('/api/swarm/projects', { name: 'demo', origin: swarm.repository('origin'), base: 'main' });
    const long = 'x'.repeat(40_000);
    const task = { ...SHELL, title: 'Work', description: 'echo a > a.txt; echo done', project: 'demo', context: long };
    const worked = String((await home.post('/api/swarm/tasks', task))['id']);
    expect(await home.ended(worked)).toMatchObject({ status: 'completed' });

    const before = String((await home.post('/api/swarm/tasks', WAITING))['id']);
    const stop = load(home);
    const done = await backedUp(home, target);
    const during = await stop();
    expect(done).toMatchObject({ target, node_id: home.running.info.self });
    const after = String((await worker.post('/api/swarm/tasks', WAITING))['id']);
    await agree(third, worker);
    await home.running.stopHolder();
    const later = String((await third.post('/api/swarm/tasks', WAITING))['id']);

    expect(statSync(join(target, 'secret')).mode & 0o777).toBe(0o600);
    expect(statSync(join(target, 'token')).mode & 0o777).toBe(0o600);
    expect(readdirSync(target).toSorted()).toEqual(['blobs', 'manifest.json', 'secret', 'skep.db', 'token', 'work']);
    expect(readdirSync(stateOf(home))).toContain('node.key');
    expect(manifest()).toMatchObject({
      format: 'skep backup',
      version: 1,
      node: home.running.info.self,
      heads: done['heads'],
    });

    const { member, restored } = await restoreAndStart(swarm, target, { shellAgents: 1, name: 'heir' });
    expect(restored).toMatchObject({ old: home.running.info.self, heads: done['heads'], hasSecret: true });
    expect(restored.node).not.toBe(home.running.info.self);
    expect(member.running.info.self).toBe(restored.node);
    await member.until(async () => {
      const nodes = await member.list('/api/swarm/nodes');
      return nodes.filter((node) => node['status'] === 'alive').length === 2 ? true : undefined;
    });
    await agree(member, worker);
    for (const id of [worked, before, ...during, after, later]) {
      expect(await member.task(id)).toMatchObject({ id });
    }
    const nodes = await worker.list('/api/swarm/nodes');
    expect(nodes.find((node) => node['id'] === restored.old)).toMatchObject({
      status: 'replaced',
      replaced_by: restored.node,
    });
    expect(nodes.find((node) => node['id'] === restored.node)).toMatchObject({ status: 'alive', replaced_by: null });
    const agents = await member.list('/api/swarm/agents');
    expect(Object.fromEntries(agents.map((agent) => [agent['node_id'], agent['status']]))).toEqual({
      [worker.running.info.self]: 'idle',
      [restored.node]: 'idle',
    });
    const again = String(
      (await member.post('/api/swarm/tasks', { ...SHELL, title: 'Again', description: 'echo yes' }))['id'],
    );
    expect(await member.ended(again)).toMatchObject({ status: 'completed', result: 'yes' });
    // What it speaks of is on its own disk, when everybody else is gone.
    for (const other of [worker, third]) await other.running.close();
    expect((await member.task(worked))['context']).toBe(long);
    const blobsIn = (folder: string): string[] =>
      readdirSync(join(folder, 'blobs'), { recursive: true })
        .map(String)
        .filter((path) => path.length > 60);
    expect(blobsIn(target)).toHaveLength(2);
    expect(blobsIn(stateOf(member))).toEqual(expect.arrayContaining(blobsIn(target)));
  });
});

describe('a backup', () => {
  it('is refused where something lies already, and leaves that alone', async () => {
    const node = await swarm.add();
    mkdirSync(target);
    writeFileSync(join(target, 'mine'), 'x');
    await expect(backUp(node, target)).rejects.toThrow(/not empty/);
    await expect(backUp(node, join(target, 'mine'))).rejects.toThrow(/no directory/);
    await expect(backUp(node, join(stateOf(node), 'blobs', 'x'))).rejects.toThrow(/state directory/);
    await expect(backUp(node, 'relative')).rejects.toThrow(/absolute path/);
    expect(readdirSync(target)).toEqual(['mine']);
  });

  it('takes back what it wrote when something fails, or nobody wants it any more', async () => {
    let failure = new Error('the disk is full');
    const backups = new Backups({
      info: { self: nodeIdOf('a'.repeat(32)), name: 'x', version: '1', dataDir: swarm.dir },
      stateDir: join(swarm.dir, '1'),
      store: {
        arrivals: () => [],
        snapshot: async (path) => {
          writeFileSync(path, 'half a store');
          return { heads: {}, lamport: 0, lastArrival: 0 };
        },
      },
      blobs: { path: async () => undefined },
      workspaces: { repositories: async () => ['loose'], bundleSalvaged: () => Promise.reject(failure) },
    });
    const run = async (signal: AbortSignal) => {
      const plan = await backups.plan(target);
      if (typeof plan !== 'function') throw new Error(plan.message);
      return plan({ onProgress: () => {}, signal });
    };
    await expect(run(new AbortController().signal)).rejects.toThrow('the disk is full');
    expect(existsSync(target)).toBe(false);
    // A directory that was there stays, empty.
    mkdirSync(target);
    failure = new Error('again');
    await expect(run(new AbortController().signal)).rejects.toThrow('again');
    expect(readdirSync(target)).toEqual([]);
    await expect(run(AbortSignal.abort(new Error('left')))).rejects.toThrow('left');
    expect(readdirSync(target)).toEqual([]);
  });

  it('ends with its node', async () => {
    const node = await swarm.add();
    let closed: Promise<void> | undefined;
    const ended = backUp(node, target, () => {
      closed ??= node.running.close();
    });
    await Promise.allSettled([ended]);
    await closed;
    expect(existsSync(join(target, 'manifest.json')) || !existsSync(target)).toBe(true);
  });
});
