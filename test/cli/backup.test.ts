/** `skep backup` and `skep restore`: what they ask, what they say, and how they end. */
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { FakeNode } from './fake-node.ts';
import type { Rig } from './rig.ts';
import { Rigs } from './rig.ts';
import { skep, testWorld } from './test-world.ts';

const rigs = new Rigs();
afterEach(() => rigs.close());

const ID = 'b'.repeat(32);
const done = {
  target: '/x/monday',
  node_id: ID,
  heads: { [ID]: 40, [`c${ID.slice(1)}`]: 2 },
  files: 5,
  size_bytes: 2048,
};
const progress = (step: string, part: number, total: number) => ({
  event: 'backup.progress',
  data: { step, done: part, total },
});

describe('skep backup', () => {
  async function streaming(events: { event: string; data: unknown }[], o = {}): Promise<Rig> {
    const rig = await rigs.make(o);
    rig.node.streamsAt('POST /api/swarm/backup', events);
    return rig;
  }

  it('names the directory as the node finds it, and says what is in it', async () => {
    const { node, world, cwd } = await streaming([
      progress('database', 1, 4),
      progress('database', 4, 4),
      progress('from a newer node', 1, 1),
      { event: 'backup.news', data: {} },
      { event: 'backup.done', data: done },
    ]);
    expect(await skep(world, 'backup', 'monday')).toBe(0);
    expect(node.seen.map(({ method, path, body }) => ({ method, path, body }))).toEqual([
      { method: 'POST', path: '/api/swarm/backup', body: { target: join(cwd, 'monday') } },
    ]);
    expect(world.said.out).toBe('/x/monday: 42 ops of 2 nodes, 5 files, 2.0 KiB\n');
    expect(world.said.err).toBe(
      'Log and views: done\nfrom a newer node: done\nBring it back with: skep restore /x/monday --data-dir DIR\n',
    );
  });

  it('prints the answer as it came with --json, and shows one moving line at a terminal', async () => {
    const streams = { isTerminal: true, colours: false, columns: 80 };
    const { world } = await streaming([progress('blobs', 1, 2), { event: 'backup.done', data: done }], { streams });
    expect(await skep(world, 'backup', 'monday', '--json')).toBe(0);
    expect(JSON.parse(world.said.out)).toEqual(done);
    expect(world.said.err).toBe('\rBlobs: 50 %\u001b[K');
  });

  it('exits with 3 when the node refuses, at once or later', async () => {
    const { node, world } = await rigs.make();
    const refused = { error: '/b is not empty', code: 'conflict', expected: 'a new directory', got: 'mine' };
    node.on('POST /api/swarm/backup', refused, 409);
    expect(await skep(world, 'backup', '/b')).toBe(3);
    expect(world.said.err).toContain('/b is not empty\n      expected: a new directory\n      got: mine');
    const late = await streaming([
      { event: 'backup.failed', data: { ...refused, error: 'the disk is full', code: 'internal' } },
    ]);
    expect(await skep(late.world, 'backup', '/b', '--json')).toBe(3);
    expect(JSON.parse(late.world.said.err)).toMatchObject({ error: 'the disk is full', code: 'internal', status: 500 });
  });

  it('leaves at Ctrl-C, so that the node ends it', async () => {
    const { node, world } = await streaming([progress('database', 1, 4)]);
    const ended = skep(world, 'backup', '/b');
    await node.streamOpened();
    world.interrupt();
    expect(await ended).toBe(130);
    expect(world.said.err).toBe('Stopped: the node takes back what it wrote.\n');
  });

  it('exits with 4 when the node goes away, and with 2 without a directory', async () => {
    const { node, world } = await streaming([{ event: 'end', data: {} }]);
    expect(await skep(world, 'backup', '/b')).toBe(4);
    expect(await skep(world, 'backup')).toBe(2);
    const http = new FakeNode();
    http.streamsAt('POST /api/swarm/backup', [{ event: 'backup.done', data: done }]);
    const url = await http.listenHttp();
    const over = testWorld({ env: { SKEP_TOKEN: 'x' } });
    expect(await skep(over, 'backup', '/b', '--url', url)).toBe(0);
    await http.close();
    expect(node.seen).toHaveLength(1);
  });
});

describe('skep restore', () => {
  it('exits with 1 and says what it expected where there is no backup, and makes nothing', async () => {
    const { world, cwd } = await rigs.make();
    const dataDir = join(cwd, 'new');
    mkdirSync(join(cwd, 'monday'));
    expect(await skep(world, 'restore', 'monday', '--data-dir', dataDir)).toBe(1);
    expect(world.said.err).toContain('is no backup, or one that was never finished: it has no manifest.json');
    expect(world.said.err).toContain('expected: a directory that skep backup has made');
    writeFileSync(join(cwd, 'monday', 'manifest.json'), '{}');
    const json = testWorld({ cwd, home: cwd });
    expect(await skep(json, 'restore', 'monday', '--data-dir', dataDir, '--json')).toBe(1);
    expect(JSON.parse(json.said.err)).toMatchObject({ code: 'invalid', expected: 'what skep backup wrote' });
    expect(existsSync(dataDir)).toBe(false);
  });

  it('takes port and directory as skep up does', async () => {
    const { world, cwd } = await rigs.make();
    expect(await skep(world, 'restore', 'monday', '--p2p-port', 'x')).toBe(2);
    expect(world.said.err).toContain('--p2p-port: expected a port');
    expect(await skep(world, 'restore')).toBe(2);
    expect(readdirSync(cwd)).toEqual(['data']);
  });
});
