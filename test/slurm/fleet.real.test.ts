// Needs: slurmctld, slurmd, slurm-client and munge; npm, 1.2 GB of disk for the agent CLIs
/** The real Codex on a real Slurm: four nodes, one allocation, the scripted model. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ModelServer } from '#model-server/server.ts';
import { startModelServer } from '#model-server/server.ts';
import { AgentHome, agentBin } from '../agent-clis.ts';
import { script } from '../driver/protocol-rig.ts';
import { SlurmCluster } from './cluster/cluster.ts';
import { Launcher } from './cluster/launcher.ts';
import { Fleet, type OutboxReader } from './worker-rig.ts';

const KEY = 'stub-key';
const NODES = 4;
let server: ModelServer;
let home: AgentHome;
let cluster: SlurmCluster;
beforeAll(async () => {
  agentBin();
  server = await startModelServer({ port: 0, key: KEY, onServed: () => {} });
  home = new AgentHome({ url: server.url, key: KEY });
  cluster = await SlurmCluster.up({ nodes: NODES });
}, 300_000);
afterAll(async () => {
  await cluster.down();
  home.remove();
  await server.close();
});

/** Its turn is over: all of it was done with, up to there. */
const untilDone = (outbox: OutboxReader): Promise<unknown> =>
  outbox.until('the end of the turn', (one) => one.type === 'acknowledged');

const threadsOf = (outbox: OutboxReader): unknown[] => [
  ...new Set(outbox.events('thread_started').map(({ payload }) => payload['thread_id'])),
];

it('four agents, two turns each in one thread, asked and answered; requeued they go on; stopped, nothing is left', async () => {
  const fleet = new Fleet();
  try {
    const launcher = new Launcher({ cluster, base: fleet.base, env: home.env });
    const job = await launcher.launch(
      '--nodes',
      String(NODES),
      '--prompt',
      `Say hello. ${script({ text: 'hello there' })}`,
    );
    const names = Array.from({ length: NODES }, (_, node) => `${job}_0${node}`);
    const outboxes = names.map((name) => fleet.outbox(name));
    const each = <T>(act: (outbox: OutboxReader, name: string) => Promise<T>): Promise<T[]> =>
      Promise.all(outboxes.map((outbox, at) => act(outbox, names[at] ?? '')));

    await each(async (outbox) => {
      await outbox.event('assistant', ({ content }) => content === 'hello there');
      await untilDone(outbox);
      const deltas = outbox.events('assistant_delta').map(({ payload }) => payload['content']);
      expect(deltas.join('').trim()).toBe('hello there');
      expect(outbox.events('usage').at(-1)?.payload).toMatchObject({ total_tokens: 1_234, model_name: 'stub-model' });
    });
    const hosts = outboxes.map(({ seen }) => seen.flatMap((one) => (one.type === 'start' ? [one.hostname] : [])));
    expect(hosts.flat().toSorted()).toEqual(['n1', 'n2', 'n3', 'n4']);

    await each(async (outbox, name) => {
      fleet.tell(name, { type: 'user', content: `Work. ${script({ bash: 'touch made' }, { text: 'made it' })}` });
      const { payload } = await outbox.event('exec_approval_required', ({ command }) => command === 'touch made');
      const params = { call_id: payload['call_id'], approved: true, decision: 'accept' };
      fleet.tell(name, { type: 'control', payload: { method: 'exec/approvalResponse', params } });
      await outbox.event('assistant', ({ content }) => content === 'made it');
      await untilDone(outbox);
      expect(existsSync(join(fleet.base, 'runs', job, `agent_${name.slice(-2)}`, 'made'))).toBe(true);
      expect(threadsOf(outbox)).toHaveLength(1);
    });

    await cluster.run('scontrol', ['requeue', job]);
    await cluster.startNow(job);
    await each(async (outbox, name) => {
      const [thread] = threadsOf(outbox);
      await outbox.until('the next start', (one) => one.type === 'start');
      fleet.tell(name, { type: 'user', content: `Again. ${script({ text: 'still here' })}` });
      await outbox.event('assistant', ({ content }) => content === 'still here');
      await untilDone(outbox);
      expect(threadsOf(outbox)).toEqual([thread]);
      const resumed = outbox.seen.filter((one) => one.type === 'codex_rpc' && one.payload['id'] === 'thread').at(-1);
      expect(resumed).toMatchObject({ payload: { result: { thread: { id: thread } } } });
    });

    expect(await launcher.run('stop', job)).toMatchObject({ code: 0 });
    await each((outbox) => outbox.until('the end', (one) => one.type === 'complete'));
    await cluster.untilNoProcess(job);
    await cluster.untilState(job, 'CANCELLED');
    expect((await launcher.run('status', job)).out).toContain('somebody cancelled it');
    expect((await launcher.run('status')).out).toBe('No allocation waits or runs.\n');
    for (const name of names) {
      const notes: unknown = JSON.parse(
        readFileSync(join(fleet.base, 'runs', job, `checkpoint_${name.slice(-2)}`, 'notes.json'), 'utf8'),
      );
      expect(notes).toMatchObject({ reason: 'terminated', unfinished: [] });
    }
  } finally {
    await fleet.remove();
  }
});

it('Claude Code on a node, by the same files', async () => {
  const fleet = new Fleet();
  try {
    const launcher = new Launcher({ cluster, base: fleet.base, env: home.env });
    const job = await launcher.launch('--tool', 'claude', '--prompt', `Say hello. ${script({ text: 'hello there' })}`);
    const outbox = fleet.outbox(`${job}_00`);
    await outbox.event('assistant', ({ content }) => content === 'hello there');
    await untilDone(outbox);
    fleet.tell(`${job}_00`, { type: 'user', content: `Again. ${script({ text: 'still here' })}` });
    await outbox.event('assistant', ({ content }) => content === 'still here');
    expect(threadsOf(outbox)).toHaveLength(1);
    await launcher.run('stop', job);
    await cluster.untilNoProcess(job);
  } finally {
    await fleet.remove();
  }
});

it('Gemini CLI by ACP on a node, by the same files: two turns, and leave asked and given', async () => {
  const fleet = new Fleet();
  try {
    const launcher = new Launcher({ cluster, base: fleet.base, env: home.env });
    const prompt = `Say hello. ${script({ text: 'hello there' })}`;
    const job = await launcher.launch('--tool', 'acp gemini --acp', '--prompt', prompt);
    const outbox = fleet.outbox(`${job}_00`);
    await outbox.event('assistant', ({ content }) => content === 'hello there');
    await untilDone(outbox);
    fleet.tell(`${job}_00`, {
      type: 'user',
      content: `Work. ${script({ bash: 'touch made' }, { text: 'made it' })}`,
    });
    const { payload } = await outbox.event('exec_approval_required', ({ reason }) => reason === 'touch made');
    const params = { approval_id: payload['approval_id'], approved: true, decision: 'accept' };
    fleet.tell(`${job}_00`, { type: 'control', payload: { method: 'exec/approvalResponse', params } });
    await outbox.event('assistant', ({ content }) => content === 'made it');
    expect(existsSync(join(fleet.base, 'runs', job, 'agent_00/made'))).toBe(true);
    expect(threadsOf(outbox)).toHaveLength(1);
    await launcher.run('stop', job);
    await cluster.untilNoProcess(job);
  } finally {
    await fleet.remove();
  }
});
