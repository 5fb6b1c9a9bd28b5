/** The sockets of agents at real nodes: who holds one is that agent; what is sent there is on disk, and outlasts the node. */
import { existsSync, rmSync, statSync, watch } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { stateDirOf } from '#socket-path.ts';
import { AgentLine } from './agent-line.ts';
import type { Member } from './swarm.ts';
import { TestSwarm } from './swarm.ts';

const WAIT_S = 100;

let swarm: TestSwarm;
let member: Member;
const lines: AgentLine[] = [];

const pathOf = (one: Member, name: string): string =>
  join(stateDirOf(one.options.dataDir, one.options.p2pPort), 'agents', name, 'mcp.sock');

async function line(name: string, at: Member = member): Promise<AgentLine> {
  const made = await AgentLine.open(pathOf(at, name));
  lines.push(made);
  return made;
}

beforeEach(async () => {
  swarm = new TestSwarm();
  member = await swarm.add({ shellAgents: 2 });
});

afterEach(async () => {
  for (const one of lines.splice(0)) one.close();
  await swarm.close();
});

const [ann, bob] = ['node-0-shell-1', 'node-0-shell-2'];

describe('the socket of an agent', () => {
  it('says who speaks, whatever a request says of it', async () => {
    const [from, to] = [await line(ann), await line(bob)];
    to.say({ cmd: 'recv', wait_seconds: WAIT_S });
    expect(await from.ask({ cmd: 'send', to: bob, body: 'hello', from: bob })).toMatchObject({ ok: true });
    expect(await to.next()).toMatchObject({ ok: true, messages: [{ from: ann, body: 'hello', redelivered: false }] });
    expect(await from.ask({ cmd: 'whoami' })).toMatchObject({ name: ann, tool: 'shell', may_write_to: null });
  });

  it('is for its user alone, in a folder of its own', () => {
    expect(statSync(pathOf(member, ann)).mode & 0o777).toBe(0o600);
    expect(statSync(dirname(pathOf(member, ann))).mode & 0o777).toBe(0o700);
  });

  it('hands out in order, again after a restart with the mark, and no more once acknowledged', async () => {
    const from = await line(ann);
    for (const body of ['a', 'b', 'c']) await from.ask({ cmd: 'send', to: bob, body });
    const to = await line(bob);
    expect(await to.recv()).toMatchObject([{ body: 'a' }]);
    expect(await to.ask({ cmd: 'ack_turn' })).toMatchObject({ ok: true, acknowledged: 1 });
    expect(await to.recv()).toMatchObject([{ body: 'b', redelivered: false }]);
    await member.restart();
    const again = await line(bob);
    expect(await again.recv({ max: 32 })).toMatchObject([
      { body: 'b', redelivered: true, deliveries: 2 },
      { body: 'c', redelivered: false },
    ]);
    expect(await again.ask({ cmd: 'status' })).toMatchObject({ unread: 0, in_hand: 2 });
    expect(await again.ask({ cmd: 'requeue_inflight' })).toMatchObject({ requeued: 2 });
    expect(await again.recv({ max: 32 })).toHaveLength(2);
    expect(await again.ask({ cmd: 'ack_turn' })).toMatchObject({ acknowledged: 2 });
    expect(await again.recv()).toEqual([]);
  });

  it('puts back what it could not tell a reader that went away', async () => {
    const [from, to] = [await line(ann), await line(bob)];
    to.say({ cmd: 'recv', wait_seconds: WAIT_S });
    // The request is known to be there when a later one on the same line is answered.
    to.say({ cmd: 'status' });
    await to.next();
    const closed = new Promise((resolve) => to.socket.once('close', resolve));
    to.close();
    await closed;
    await from.ask({ cmd: 'send', to: bob, body: 'hello' });
    expect(await (await line(bob)).recv({ wait_seconds: WAIT_S })).toMatchObject([{ body: 'hello' }]);
  });

  it('is bound anew when somebody removed it', async () => {
    const path = pathOf(member, ann);
    const isBack = new Promise<void>((resolve) => {
      const watcher = watch(dirname(path), () => {
        if (existsSync(path)) {
          watcher.close();
          resolve();
        }
      });
    });
    rmSync(path);
    await isBack;
    expect(await (await line(ann)).ask({ cmd: 'status' })).toMatchObject({ ok: true });
  });

  it('goes with its agent', async () => {
    const path = pathOf(member, ann);
    const isGone = new Promise<void>((resolve) => {
      const watcher = watch(dirname(path), () => {
        if (!existsSync(path)) {
          watcher.close();
          resolve();
        }
      });
    });
    const [{ id } = { id: '' }] = (await member.list('/api/swarm/agents')).filter((one) => one['name'] === ann);
    await member.request('DELETE', `/api/swarm/agents/${String(id)}`);
    await isGone;
    expect(existsSync(path)).toBe(false);
  });
});

describe('what is refused changes nothing', () => {
  it.each([
    ['no JSON', 'invalid'],
    [{ cmd: 'fly' }, 'not_found'],
    [{ cmd: 'send', to: bob }, 'invalid'],
    [{ cmd: 'send', to: 'nobody', body: 'x' }, 'not_found'],
    [{ cmd: 'send', to: ann, body: 'x' }, 'invalid'],
    [{ cmd: 'recv', max: 33 }, 'invalid'],
    [{ cmd: 'remind', message: 'x' }, 'invalid'],
    [{ cmd: 'read', id: `${'a'.repeat(32)}-1` }, 'not_found'],
  ])('%j', async (request, code) => {
    const from = await line(ann);
    expect(await from.ask(request)).toMatchObject({ ok: false, code, error: expect.any(String) });
    expect(await member.list('/api/messages')).toEqual([]);
    expect(await from.ask({ cmd: 'status' })).toMatchObject({ ok: true });
  });
});

describe('a question', () => {
  it('to people is answered once, and the answer wakes its asker', async () => {
    const asker = await line(ann);
    const { id } = await asker.ask({ cmd: 'ask', question: 'Which base?', options: ['main', 'next'] });
    expect(await member.list('/api/messages?to=operator&state=open')).toMatchObject([
      { id, from: ann, kind: 'question', options: ['main', 'next'], question: 'open' },
    ]);
    await member.post(`/api/messages/${String(id)}/answer`, { answer: 'next' });
    const second = await member.request('POST', `/api/messages/${String(id)}/answer`, { answer: 'main' });
    expect(second.status).toBe(409);
    expect(await asker.recv({ wait_seconds: WAIT_S, max: 32 })).toMatchObject([
      { kind: 'answer', body: 'next', in_reply_to: id, from: 'operator' },
    ]);
  });

  it('is answered by whom it was put to, and by no other', async () => {
    const [asker, other] = [await line(ann), await line(bob)];
    const { id } = await asker.ask({ cmd: 'ask', to: bob, question: 'Ready?' });
    expect(await asker.ask({ cmd: 'answer', id, answer: 'yes' })).toMatchObject({ ok: false, code: 'forbidden' });
    expect(await other.ask({ cmd: 'answer', id, answer: 'yes' })).toMatchObject({ ok: true });
    expect(await asker.recv()).toMatchObject([{ kind: 'answer', body: 'yes', from: bob }]);
  });

  it('that nobody answers in time is told so', async () => {
    const asker = await line(ann);
    const { id } = await asker.ask({ cmd: 'ask', question: 'Anybody?', ttl_seconds: 1 });
    expect(await asker.recv({ wait_seconds: WAIT_S })).toMatchObject([{ body: '[expired]', in_reply_to: id }]);
    expect((await member.request('POST', `/api/messages/${String(id)}/answer`, { answer: 'late' })).status).toBe(409);
  });
});

describe('a text', () => {
  it('that is long comes by its beginning, and is read whole by its reader and its sender alone, after a restart, too', async () => {
    const [from, to] = [await line(ann), await line(bob)];
    const body = 'é\u2028'.repeat(50_000);
    const { id } = await from.ask({ cmd: 'send', to: bob, body });
    const [handed] = await to.recv({ wait_seconds: WAIT_S });
    expect(handed).toMatchObject({ id, truncated_bytes: Buffer.byteLength(body) });
    expect(body.startsWith(String(handed?.['body']))).toBe(true);
    expect(String(handed?.['body']).length).toBeLessThan(4_096);
    await member.restart();
    for (const name of [ann, bob]) expect(await (await line(name)).ask({ cmd: 'read', id })).toMatchObject({ body });
    const { id: own } = await (await line(bob)).ask({ cmd: 'send', to: 'operator', body: 'for people' });
    expect(await (await line(ann)).ask({ cmd: 'read', id: own })).toMatchObject({ ok: false, code: 'not_found' });
  });

  it.each([
    ['in letters', 'x'.repeat(1024 * 1024 + 1), 'invalid'],
    ['in bytes', '€'.repeat(750_000), 'too_large'],
  ])('that is too long %s is refused, and nothing is stored', async (_how, body, code) => {
    const [from, to] = [await line(ann), await line(bob)];
    expect(await from.ask({ cmd: 'send', to: bob, body })).toMatchObject({ ok: false, code });
    expect(await to.ask({ cmd: 'recent' })).toMatchObject({ ok: true, messages: [] });
  });
});

it('what is sent to all is in the mailbox of every other agent once, and in none of its own', async () => {
  const carl = await member.post('/api/swarm/agents', { name: 'carl', tool: 'shell', capabilities: ['shell'] });
  const { ids } = await (await line(ann)).ask({ cmd: 'send', to: '*', body: 'to all' });
  expect(ids).toHaveLength(2);
  for (const name of [bob, 'carl'])
    expect(await (await line(name)).recv({ max: 32 })).toMatchObject([{ from: ann, body: 'to all' }]);
  expect(await (await line(ann)).recv({ max: 32 })).toEqual([]);
  expect(await member.list(`/api/messages?to=${String(carl['id'])}`)).toHaveLength(1);
});

it('a reminder comes when it is due, also to a node that was away, and can be taken back', async () => {
  const agent = await line(ann);
  await agent.ask({ cmd: 'remind', message: 'now', delay_seconds: 0 });
  const { id } = await agent.ask({ cmd: 'remind', message: 'never', delay_seconds: 3_600 });
  expect(await agent.ask({ cmd: 'count_pending_reminders' })).toMatchObject({ count: 1 });
  expect(await agent.ask({ cmd: 'cancel_thread', id })).toMatchObject({ cancelled: true });
  await member.restart();
  const again = await line(ann);
  expect(await again.recv({ wait_seconds: WAIT_S, max: 32 })).toMatchObject([{ kind: 'reminder', body: 'now' }]);
  expect(await again.ask({ cmd: 'count_pending_reminders' })).toMatchObject({ count: 0 });
});

it('messages and answers go between nodes', async () => {
  const other = await swarm.add({ shellAgents: 1 });
  await swarm.linked();
  await member.until(async () => {
    const names = (await member.list('/api/swarm/agents')).map((one) => one['name']);
    return names.includes('node-1-shell-1') ? true : undefined;
  });
  const [near, far] = [await line(ann), await line('node-1-shell-1', other)];
  const { id } = await near.ask({ cmd: 'ask', to: 'node-1-shell-1', question: 'Ready?' });
  expect(await far.recv({ wait_seconds: WAIT_S })).toMatchObject([{ id, kind: 'question', from: ann }]);
  expect(await far.ask({ cmd: 'answer', id, answer: 'yes' })).toMatchObject({ ok: true });
  expect(await far.ask({ cmd: 'ack_turn' })).toMatchObject({ acknowledged: 1 });
  expect(await near.recv({ wait_seconds: WAIT_S })).toMatchObject([{ kind: 'answer', body: 'yes' }]);
});
