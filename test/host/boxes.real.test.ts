// Needs: bubblewrap
/** Agents in boxes, on a real node: what is declared is what runs, through kills, restarts and what is missing. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BoxStage, TEST_MS } from './box-stage.ts';
import { untilThere } from './terminal-rig.ts';
import { asJson } from './swarm.ts';
import type { Json } from './swarm.ts';

let stage: BoxStage;
beforeEach(async () => {
  stage = await BoxStage.open();
}, TEST_MS);
afterEach(() => stage.close(), TEST_MS);

describe('an agent in a box', { timeout: TEST_MS }, () => {
  it('works in its worktree, and its work is delivered as outside', async () => {
    const { node, swarm } = stage;
    expect(await stage.spawn('alice')).toMatchObject({ state: 'running', runtime: 'sandbox', tool: 'shell' });
    expect(await node.list('/api/swarm/agents')).toMatchObject([{ name: 'alice', box: 'sandbox' }]);
    const origin = swarm.repository('demo');
    const project = await node.post('/api/swarm/projects', { name: 'demo', origin });
    const text = [
      'echo two > two.txt; id -u; echo $HOME; cat /proc/sys/kernel/hostname',
      'git log --format=%s; git status --short; (git commit -qam x 2>/dev/null) || echo no commit',
    ].join('; ');
    const id = await stage.script('alice', text, { project: project['id'] });
    const task = await node.ended(id);
    const said = '1000 /home/agent h-alice Begin ??_two.txt no_commit';
    expect(String(task['result']).trim()).toBe(said.replaceAll(' ', '\n').replaceAll('_', ' '));
    expect(task).toMatchObject({ status: 'completed', work: { commits: 1 } });
    expect((await node.get(`/api/swarm/tasks/${id}/diff`))['text']).toContain('+two');
  });

  it('keeps its home through tasks, its destruction and its revival, until it is purged', async () => {
    const { node } = stage;
    await stage.spawn('alice');
    await stage.said('alice', 'echo key > ~/.credentials');
    expect(await stage.said('alice', 'cat ~/.credentials')).toBe('key');
    await node.request('DELETE', '/api/boxes/alice');
    expect(await stage.box('alice')).toMatchObject({ state: 'destroyed', agent_id: null });
    expect(await stage.spawn('alice')).toMatchObject({ state: 'running' });
    expect(await stage.said('alice', 'cat ~/.credentials')).toBe('key');
    const home = String((await stage.box('alice'))['home']);
    expect(asJson((await node.request('DELETE', '/api/boxes/alice?purge=true')).body)).toEqual({
      name: 'alice',
      purged: true,
    });
    expect(existsSync(home)).toBe(false);
    expect(await node.list('/api/boxes')).toEqual([]);
    await stage.refused('DELETE', '/api/boxes/alice');
  });

  it('takes nothing once it is killed, until it is rebuilt', async () => {
    const { node } = stage;
    await stage.spawn('alice');
    const running = await stage.script('alice', 'echo up; sleep 600');
    await node.until(async () => ((await node.task(running))['status'] === 'in_progress' ? true : undefined));
    expect(asJson((await node.request('POST', '/api/boxes/alice/kill')).body)).toMatchObject({ state: 'stopped' });
    expect(await node.ended(running)).toMatchObject({ status: 'failed', reason: 'interrupted' });
    const waits = await stage.script('alice', 'echo done');
    expect((await node.task(waits))['pending_reason']).toContain('paused: alice');
    expect(await node.post('/api/boxes/alice/rebuild', {})).toMatchObject({ state: 'running' });
    expect(await node.ended(waits)).toMatchObject({ status: 'completed' });
  });

  it('is rebuilt to what is declared, and to nothing when it is that already', async () => {
    const { node, swarm } = stage;
    await stage.spawn('alice');
    const given = join(swarm.dir, 'given');
    mkdirSync(given);
    writeFileSync(join(given, 'text'), 'given');
    const running = await stage.script('alice', 'sleep 600');
    await node.until(async () => ((await node.task(running))['status'] === 'in_progress' ? true : undefined));
    const change = { mounts: [{ from: given, at: '/opt/given', writable: false }] };
    await node.post('/api/boxes/alice/rebuild', change);
    expect(await node.ended(running)).toMatchObject({ status: 'failed', reason: 'interrupted' });
    expect(await stage.said('alice', 'cat /opt/given/text')).toBe('given');
    const ops = async (): Promise<unknown> => (await node.get('/api/swarm/status'))['heads'];
    const before = await ops();
    expect(await node.post('/api/boxes/alice/rebuild', change)).toMatchObject({ state: 'running', ...change });
    expect(await ops()).toEqual(before);
  });

  it('goes on when its node is started anew, and is there again afterwards', async () => {
    const { node, swarm } = stage;
    await stage.spawn('alice');
    const gate = join(swarm.dir, 'gate');
    mkdirSync(gate);
    await node.post('/api/boxes/alice/rebuild', { mounts: [{ from: gate, at: '/gate', writable: true }] });
    const text = 'echo begun >> /gate/begun; until [ -e /gate/go ]; do sleep 0.1; done; cat /gate/begun';
    const running = await stage.script('alice', text);
    await untilThere(join(gate, 'begun'));
    await node.restart();
    expect(await stage.box('alice')).toMatchObject({ state: 'running' });
    writeFileSync(join(gate, 'go'), '');
    expect(await node.ended(running)).toMatchObject({ status: 'completed', result: 'begun' });
    expect(await stage.said('alice', 'ls /gate')).toBe('begun\ngo');
  });

  it('takes no work without its secret, says so, and takes it again', async () => {
    const { node, swarm } = stage;
    const wanted = { name: 'alice', tool: 'shell', capabilities: ['alice'], secret_names: ['token'] };
    const file = join(node.options.dataDir, 'secrets/token');
    expect(await stage.refused('POST', '/api/boxes', wanted)).toMatchObject({
      error: 'the secret token is not there',
      expected: expect.stringContaining(file),
    });
    expect(await node.list('/api/swarm/agents')).toEqual([]);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, 'hush-4711', { mode: 0o600 });
    await node.post('/api/boxes', wanted);
    const looks = 'head -c 4 /run/secrets/token; env | grep -c hush || true';
    expect(await stage.said('alice', looks)).toBe('hush0');
    rmSync(file);
    await node.restart();
    expect(await stage.box('alice')).toMatchObject({ state: 'broken', why: 'the secret token is not there' });
    expect(await node.get('/api/swarm/agents/alice/explain')).toMatchObject({ state: 'error' });
    writeFileSync(file, 'again', { mode: 0o600 });
    await node.post('/api/boxes/alice/rebuild', {});
    expect(await stage.said('alice', 'cat /run/secrets/token')).toBe('again');
    const state = join(node.options.dataDir, String(node.options.p2pPort));
    for (const name of readdirSync(state).filter((one) => one.startsWith('skep.db')))
      expect(readFileSync(join(state, name), 'latin1')).not.toContain('hush-4711');
    expect(swarm.log.join('\n')).not.toContain('hush-4711');
  });

  it.each([
    ['a name that is none', { name: '../etc' }, 'no name of a box'],
    ['a name too long for nspawn', { name: 'alice-the-tenth', runtime: 'nspawn' }, 'at most 11 characters'],
    [
      'a root folder that holds no system',
      { name: 'alice', runtime: 'nspawn', image: '/proc' },
      'no root folder /proc',
    ],
    ['a container without an image', { name: 'alice', runtime: 'container' }, 'needs an image'],
    ['a tool that is spoken to at a port', { name: 'alice', tool: 'opencode' }, 'spoken to at a port'],
    ['a tool that nobody knows', { name: 'alice', tool: 'fortune' }, 'no protocol of fortune'],
    ['an image of a sandbox', { name: 'alice', runtime: 'sandbox', image: 'debian' }, 'has no image'],
    [
      'a mount that is not there',
      { name: 'alice', mounts: [{ from: '/no/such', at: '/x', writable: false }] },
      '/no/such',
    ],
  ])('is refused with %s', async (_what, wanted, message) => {
    const refused = await stage.refused('POST', '/api/boxes', { tool: 'shell', ...wanted });
    expect(refused['error']).toContain(message);
    expect(await stage.node.list('/api/boxes')).toEqual([]);
    expect(await stage.node.list('/api/swarm/agents')).toEqual([]);
  });

  it('answers hyperhive’s host socket in its own words', async () => {
    const { node } = stage;
    const { socket } = await node.post('/api/hive/serve', {});
    await node.restart();
    const ask = async (command: Json | string): Promise<Json> => {
      const client = createConnection(String(socket));
      client.end(`${typeof command === 'string' ? command : JSON.stringify(command)}\n`);
      let said = '';
      for await (const chunk of client) said += String(chunk);
      return asJson(JSON.parse(said));
    };
    expect(await ask({ cmd: 'spawn', name: 'alice', tool: 'shell' })).toMatchObject({
      ok: true,
      agent: { name: 'alice', state: 'running' },
    });
    expect(await ask({ cmd: 'spawn', name: 'alice' })).toMatchObject({
      ok: false,
      error: expect.stringContaining('already'),
    });
    expect(await ask({ cmd: 'kill', name: 'alice' })).toMatchObject({ ok: true, agent: { state: 'stopped' } });
    expect(await ask({ cmd: 'rebuild', name: 'alice' })).toMatchObject({ ok: true, agent: { state: 'running' } });
    expect(await ask({ cmd: 'list' })).toMatchObject({ ok: true, agents: [{ name: 'alice' }] });
    expect(await ask({ cmd: 'destroy', name: 'alice', purge: true })).toEqual({
      ok: true,
      name: 'alice',
      purged: true,
    });
    for (const wrong of ['{"cmd":"fly"}', 'no json', '{"cmd":"kill"}', '{"cmd":"kill","name":"bob"}'])
      expect(await ask(wrong)).toMatchObject({ ok: false, error: expect.stringMatching(/./) });
  });
});
