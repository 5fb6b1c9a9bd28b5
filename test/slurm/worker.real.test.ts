// Needs: npm, 1.2 GB of disk for the agent CLIs
/** The real Codex under a worker, told by its mailbox. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ModelServer } from '#model-server/server.ts';
import { startModelServer } from '#model-server/server.ts';
import { AgentHome, agentBin } from '../agent-clis.ts';
import { script } from '../driver/protocol-rig.ts';
import { Fleet } from './worker-rig.ts';

const KEY = 'stub-key';
let server: ModelServer;
let home: AgentHome;
beforeAll(async () => {
  agentBin();
  server = await startModelServer({ port: 0, key: KEY, onServed: () => {} });
  home = new AgentHome({ url: server.url, key: KEY });
}, 300_000);
afterAll(async () => {
  home.remove();
  await server.close();
});

it('two turns in one thread, leave asked and given, and the thread goes on after the worker was killed', async () => {
  const fleet = new Fleet();
  try {
    const first = fleet.start(home.env);
    const outbox = fleet.outbox();
    const { payload } = await outbox.event('thread_started');
    fleet.tell('7_00', { type: 'user', content: `Say hello. ${script({ text: 'hello there' })}` });
    await outbox.event('assistant', ({ content }) => content === 'hello there');
    expect(outbox.events('usage').at(-1)?.payload).toMatchObject({ total_tokens: 1_234, model_name: 'stub-model' });
    fleet.tell('7_00', { type: 'user', content: `Work. ${script({ bash: 'touch made' }, { text: 'made it' })}` });
    const asked = await outbox.event('exec_approval_required', ({ command }) => command === 'touch made');
    const params = { call_id: asked.payload['call_id'], approved: true, decision: 'accept' };
    fleet.tell('7_00', { type: 'control', payload: { method: 'exec/approvalResponse', params } });
    await outbox.event('assistant', ({ content }) => content === 'made it');
    expect(existsSync(join(fleet.base, 'runs/7/agent_00/made'))).toBe(true);
    await outbox.until('the end of the turn', (one) => one.type === 'acknowledged');
    await first.kill();
    fleet.start(home.env);
    fleet.tell('7_00', { type: 'user', content: `Again. ${script({ text: 'still here' })}` });
    await outbox.event('assistant', ({ content }) => content === 'still here');
    const threads = outbox.events('thread_started').map((one) => one.payload['thread_id']);
    expect(new Set(threads)).toEqual(new Set([payload['thread_id']]));
    const resumed = outbox.seen.filter((one) => one.type === 'codex_rpc' && one.payload['id'] === 'thread').at(-1);
    expect(resumed).toMatchObject({ payload: { result: { thread: { id: payload['thread_id'] } } } });
  } finally {
    await fleet.remove();
  }
});
