// Needs: bubblewrap, podman, runc, uidmap, catatonit, systemd-container (systemd-nspawn), root
/** Faults of boxes: changes at once, in each kind; else in a sandbox, as they do not hang on the kind: a program that ends over and over, a socket that is removed under its agent. */
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { agentSocketDir, stateDirOf } from '#socket-path.ts';
import { BOX_KINDS, imageOf } from '../runtime/box-image.ts';
import { BoxStage, TEST_MS } from './box-stage.ts';
import type { Json } from './swarm.ts';
import { untilThere } from './terminal-rig.ts';

let stage: BoxStage;
beforeEach(async () => {
  stage = await BoxStage.open();
}, TEST_MS);
afterEach(() => stage.close(), TEST_MS);

/** A folder that a box may be shown, with a word in it. */
function given(word: string): Json {
  const path = join(stage.swarm.dir, word);
  mkdirSync(path);
  writeFileSync(join(path, 'word'), word);
  return { mounts: [{ from: path, at: '/opt/given', writable: false }] };
}

describe.each(BOX_KINDS)('changes at once of a %s', { timeout: TEST_MS }, (runtime) => {
  const kind = () => ({ runtime, image: imageOf(runtime) });

  it('leave the box as one of them declared it, and what runs is what is declared', async () => {
    const { node } = stage;
    await stage.spawn('alice', kind());
    const running = await stage.script('alice', 'sleep 600');
    await node.until(async () => ((await node.task(running))['status'] === 'in_progress' ? true : undefined));
    const changes = ['one', 'two', 'three'].map(given);
    const answers = await Promise.all(
      changes.map((change) => node.request('POST', '/api/boxes/alice/rebuild', change)),
    );
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(await node.ended(running)).toMatchObject({ status: 'failed', reason: 'interrupted' });
    const { mounts, state } = await stage.box('alice');
    expect(state).toBe('running');
    const word = await stage.said('alice', 'cat /opt/given/word');
    expect(mounts).toMatchObject([{ from: join(stage.swarm.dir, word) }]);
  });

  it('a rebuild during a kill leaves it running or stopped, as the list says', async () => {
    const { node } = stage;
    await stage.spawn('alice', kind());
    for (let round = 0; round < 2; round += 1) {
      const running = await stage.script('alice', 'trap "" TERM; sleep 600');
      await node.until(async () => ((await node.task(running))['status'] === 'in_progress' ? true : undefined));
      const verbs = round % 2 === 0 ? ['kill', 'rebuild'] : ['rebuild', 'kill'];
      const answers = await Promise.all(verbs.map((verb) => node.request('POST', `/api/boxes/alice/${verb}`, {})));
      expect(answers.map(({ status }) => status)).toEqual([200, 200]);
      expect(await node.ended(running)).toMatchObject({ status: 'failed', reason: 'interrupted' });
      const { state } = await stage.box('alice');
      expect(['running', 'stopped']).toContain(state);
      const next = await stage.script('alice', 'echo next');
      const pending = (await node.task(next))['pending_reason'];
      expect([state, String(pending).includes('paused: alice')]).toEqual([state, state === 'stopped']);
      if (state === 'stopped') await node.post('/api/boxes/alice/rebuild', {});
      expect(await node.ended(next)).toMatchObject({ status: 'completed', result: 'next' });
    }
  });

  it('two of one name are one box and one refusal', async () => {
    const { node } = stage;
    const wanted = { name: 'alice', tool: 'shell', capabilities: ['alice'], ...kind() };
    const answers = await Promise.all([1, 2, 3].map(() => node.request('POST', '/api/boxes', wanted)));
    expect(answers.filter(({ status }) => status < 400)).toHaveLength(1);
    expect(await node.list('/api/boxes')).toHaveLength(1);
    expect(await stage.said('alice', 'echo here')).toBe('here');
  });
});

describe('a program that ends by itself', { timeout: TEST_MS }, () => {
  it('with the code of wrong arguments is given up, told of, and begins anew with a rebuild', async () => {
    const { node } = stage;
    // Without arguments it says how it is used and ends with code 2.
    await stage.spawn('alice', { tool: 'acp grep', capabilities: ['alice'] });
    const work = { title: 'Look', description: 'Look', required_capabilities: ['alice'], attempts_max: 1 };
    const broken = { state: 'broken', why: expect.stringContaining('exit code 2') };
    for (let round = 1; round <= 2; round += 1) {
      const { id } = await node.post('/api/swarm/tasks', work);
      expect(await node.ended(String(id))).toMatchObject({ status: 'failed' });
      expect(await stage.box('alice')).toMatchObject({
        ...broken,
        way_out: expect.stringContaining('hive rebuild alice'),
      });
      expect(await node.get('/api/swarm/agents/alice/explain')).toMatchObject({ state: 'error' });
      expect(await node.list('/api/messages?to=operator')).toHaveLength(round);
      await node.restart();
      expect(await stage.box('alice')).toMatchObject(broken);
      expect(await node.post('/api/boxes/alice/rebuild', {})).toMatchObject({ state: 'running', why: null });
    }
  });
});

describe('the socket of an agent', { timeout: TEST_MS }, () => {
  it('removed while the agent runs is there again inside of its box', async () => {
    const { node, swarm } = stage;
    const gate = join(swarm.dir, 'gate');
    mkdirSync(gate);
    await stage.spawn('alice', { mounts: [{ from: gate, at: '/gate', writable: true }] });
    const send = '"$SKEP_NODE" "$SKEP_CLI" agent-harness send operator';
    const text = `${send} before; touch /gate/begun; until [ -e /gate/go ]; do sleep 0.1; done; until ${send} after; do sleep 0.1; done`;
    const running = await stage.script('alice', text);
    await untilThere(join(gate, 'begun'));
    const { dataDir, p2pPort } = node.options;
    const socket = join(agentSocketDir(stateDirOf(dataDir, p2pPort), 'alice'), 'mcp.sock');
    expect(existsSync(socket)).toBe(true);
    rmSync(socket);
    writeFileSync(join(gate, 'go'), '');
    expect(await node.ended(running)).toMatchObject({ status: 'completed' });
    const said = (await node.list('/api/messages?to=operator')).map(
      ({ body, from }) => `${String(from)}: ${String(body)}`,
    );
    expect(said).toEqual(['alice: after', 'alice: before']);
  });
});
