import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { restoreBackup } from '#host/restore.ts';
import { SqliteStore } from '#store/sqlite.ts';
import { agree, backedUp, quietly, restoreAndStart, SHELL, stateOf, WAITING } from './backups.ts';
import type { Member } from './swarm.ts';
import { freePort, TestSwarm } from './swarm.ts';

let swarm: TestSwarm;
let target: string;
beforeEach(() => {
  swarm = new TestSwarm();
  target = join(swarm.dir, 'backup');
});
afterEach(() => swarm.close());

const storeOf = (member: Member): Promise<SqliteStore> => SqliteStore.open(join(stateOf(member), 'skep.db'));

describe('a backup restored late', () => {
  it('reuses no number, starts nothing again and votes for nobody', async () => {
    const old = await swarm.add({ shellAgents: 1, leaseMs: 3_000 });
    const second = await swarm.add({ leaseMs: 3_000 });
    const third = await swarm.add({ leaseMs: 3_000 });
    await swarm.linked();
    const [gate, starts] = [join(swarm.dir, 'gate'), join(swarm.dir, 'starts')];
    const script = (name: string): string =>
      `echo ${name} >> '${starts}'; echo began; while [ ! -e '${gate}-${name}' ]; do sleep 0.05; done; echo "TASK_RESULT: ${name}"`;
    const create = async (name: string): Promise<string> =>
      String((await old.post('/api/swarm/tasks', { ...SHELL, title: name, description: script(name) }))['id']);
    const running = (name: string): Promise<unknown> =>
      old.until(async () => (existsSync(starts) && readFileSync(starts, 'utf8').includes(name) ? true : undefined));
    const first = await create('first');
    await running('first');
    // The old node is grantee, home and voter of an attempt that runs.
    await backedUp(old, target);
    execFileSync('touch', [`${gate}-first`]);
    await old.ended(first);
    const next = await create('next');
    await running('next');
    await agree(second, old);
    await old.running.stopHolder();

    const { member, restored } = await restoreAndStart(swarm, target, { shellAgents: 1, leaseMs: 3_000 });
    const self = restored.node;
    await agree(member, second);
    expect(await member.task(first)).toMatchObject({ status: 'completed', attempt: 1, assigned_node: restored.old });
    const timeline = await member.list(`/api/swarm/tasks/${first}/timeline`);
    expect(timeline.filter((op) => op['node_id'] === self)).toEqual([]);
    // What ran when the old node died has ended with it, and is worked anew by whoever is free.
    execFileSync('touch', [`${gate}-next`]);
    expect(await third.ended(next)).toMatchObject({ status: 'completed', attempt: 2, assigned_node: self });
    expect(readFileSync(starts, 'utf8').trim().split('\n')).toEqual(['first', 'next', 'next']);

    await agree(member, second);
    await member.running.stopHolder();
    const [before, after] = [await storeOf(old), await storeOf(member)];
    const all = { from: 1, maxOps: 1_000, maxBytes: Number.POSITIVE_INFINITY };
    // The old log went on after the backup, and only the old node ever wrote to it.
    const [theirs, ours] = [before.opsOf(restored.old, all), after.opsOf(restored.old, all)];
    expect(ours.length).toBeGreaterThan(restored.heads[restored.old] ?? 0);
    expect(ours.map((op) => op.hash)).toEqual(theirs.slice(0, ours.length).map((op) => op.hash));
    expect(
      after
        .opsOf(self, all)
        .map((op) => op.body.type)
        .slice(0, 2),
    ).toEqual(['node.registered', 'node.replaced']);
    for (const { key } of after.localRows('vote')) {
      const [task = ''] = key.split('/');
      expect(after.get('task', task)?.created?.voters).toContain(self);
    }
    for (const { key } of after.localRows('start')) expect(key).not.toContain(first);
    await before.close();
    await after.close();
  });

  it('leaves tasks that only the old node decides waiting, and says what to do', async () => {
    const old = await swarm.add({ name: 'oak' });
    const id = String((await old.post('/api/swarm/tasks', { ...SHELL, title: 'Alone', description: 'echo x' }))['id']);
    await backedUp(old, target);
    await old.running.stopHolder();
    const { member } = await restoreAndStart(swarm, target, { shellAgents: 1 });
    expect(await member.task(id)).toMatchObject({
      status: 'pending',
      pending_reason: expect.stringMatching(/oak, which was replaced.*supersedes/),
    });
    const heir = { ...SHELL, title: 'In its place', description: 'echo y', supersedes: id };
    const instead = String((await member.post('/api/swarm/tasks', heir))['id']);
    expect(await member.ended(instead)).toMatchObject({ status: 'completed', result: 'y' });
  });
});

describe('a restore', () => {
  const restoreTo = async (dataDir: string) =>
    restoreBackup({ source: target, dataDir, p2pPort: await freePort(), ...quietly });

  it('refuses what is no backup, an unfinished one and a damaged one, and leaves nothing behind', async () => {
    const node = await swarm.add();
    const long = { ...WAITING, description: 'y'.repeat(20_000) };
    await node.post('/api/swarm/tasks', long);
    await backedUp(node, target);
    const dataDir = join(swarm.dir, 'new');
    const text = readFileSync(join(target, 'manifest.json'), 'utf8');
    const change = (from: RegExp, to: string): void =>
      writeFileSync(join(target, 'manifest.json'), text.replace(from, to));
    execFileSync('mv', [join(target, 'manifest.json'), join(target, 'gone')]);
    expect(await restoreTo(dataDir)).toMatchObject({
      code: 'not_found',
      message: expect.stringMatching(/never finished/),
    });
    change(/"version": 1/, '"version": 2');
    expect(await restoreTo(dataDir)).toMatchObject({ code: 'not_supported' });
    change(/skep\.db/, '../skep.db');
    expect(await restoreTo(dataDir)).toMatchObject({ code: 'invalid' });
    change(/"path": "token"/, '"path": "tokens.json"');
    expect(await restoreTo(dataDir)).toMatchObject({ code: 'invalid', got: 'nothing' });
    change(/ /, ' ');
    const [shelf = ''] = readdirSync(join(target, 'blobs'));
    const [name = ''] = readdirSync(join(target, 'blobs', shelf));
    const blob = join(target, 'blobs', shelf, name);
    const whole = readFileSync(blob);
    execFileSync('rm', [blob]);
    writeFileSync(blob, Buffer.concat([Buffer.from('z'), whole.subarray(1)]));
    expect(await restoreTo(dataDir)).toMatchObject({
      code: 'invalid',
      message: `the backup is damaged: blobs/${shelf}/${name}`,
    });
    expect(readdirSync(dataDir)).toEqual([]);
    writeFileSync(blob, whole);
    expect(await restoreTo(dataDir)).toMatchObject({ old: node.running.info.self });
  });

  it('refuses a state directory in use, and the data directory of another swarm', async () => {
    const node = await swarm.add();
    await backedUp(node, target);
    const { dataDir, p2pPort } = node.options;
    expect(await restoreBackup({ source: target, dataDir, p2pPort, ...quietly })).toMatchObject({
      code: 'conflict',
      message: expect.stringMatching(/not empty/),
    });
    const other = join(swarm.dir, 'other');
    mkdirSync(other);
    writeFileSync(join(other, 'secret'), 'the secret of somebody else');
    expect(await restoreTo(other)).toMatchObject({ code: 'conflict', message: expect.stringMatching(/another swarm/) });
    expect(readdirSync(other)).toEqual(['secret']);
    // Beside the old node, in its own data directory, is fine: secret and token are there.
    expect(await restoreTo(dataDir)).toMatchObject({ hasSecret: true });
  });

  it('makes a node that refuses to run under the key of the old one', async () => {
    const node = await swarm.add();
    await backedUp(node, target);
    await node.running.stopHolder();
    const { member } = await restoreAndStart(swarm, target);
    await member.running.stopHolder();
    execFileSync('cp', [join(stateOf(node), 'node.key'), join(stateOf(member), 'node.key')]);
    await expect(member.restart()).rejects.toThrow(/restored for node [0-9a-f]{32}, but its key is that of node/);
  });
});
