import { noTraffic } from '#fabric/settings.ts';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { get } from 'node:http';
import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ForgottenError } from '#core/boot-check.ts';
import type { OpId } from '#core/brand.ts';
import { nodePrincipal, parsedOpId, userPrincipal } from '#core/brand.ts';
import type { BodyOf } from '#core/schema/body.ts';
import { farewellOf } from '#door/farewell.ts';
import type { ClientOptions } from 'ws';
import { OTHER, SELF } from './fake-node.ts';
import type { Served } from './serve.ts';
import { serve, TOKEN } from './serve.ts';
import { WsClient } from './ws-client.ts';

const bearer = (token = TOKEN): ClientOptions => ({ headers: { authorization: `Bearer ${token}` } });
const SCREEN = { text: '$ make\n\u001B[32mok\u001B[39m\n$ ', columns: 120, rows: 40, cursor: [2, 2] } as const;
/** Long enough that no `status` but the first comes into a test that does not wait for one. */
const NEVER_MS = 600_000;

const asks = (task: OpId, agent: OpId): BodyOf<'approval.requested'> => ({
  type: 'approval.requested',
  task,
  attempt: 1,
  agent,
  request: 'toolu_01',
  kind: 'command',
  tool: 'Bash',
  title: 'npm ci',
  detail: 'npm ci && npm test',
  cwd: '/work/3.1',
  paths: [],
  why: 'no rule allows it',
});

describe('/ws', () => {
  let served: Served;
  let open: WsClient[] = [];
  beforeEach(async () => {
    served = await serve({ http: { statusMs: NEVER_MS } });
  });
  afterEach(async () => {
    await Promise.all(open.map((client) => client.close()));
    open = [];
    await served.close();
  });

  const urlOf = (query = '', path = 'ws'): string => `${served.http.url.replace(/^http/, 'ws')}${path}${query}`;
  async function follow(
    query = '',
    o: Parameters<typeof WsClient.connect>[1] = { options: bearer() },
  ): Promise<WsClient> {
    const client = await WsClient.connect(urlOf(query), o);
    open.push(client);
    return client;
  }
  /** Behind the snapshot and the first status. */
  async function followNew(query = ''): Promise<WsClient> {
    const client = await follow(query);
    expect(await client.take(2)).toMatchObject([{ type: 'snapshot' }, { type: 'status' }]);
    return client;
  }
  const post = (n: number): Promise<Response> => served.post('/api/posts', { content: `post ${n}` });
  const idOf = (n: number): string => `${SELF}:${n}`;
  const refusal = (text: RegExp, o: Parameters<typeof WsClient.connect>[1], query = ''): Promise<void> =>
    expect(WsClient.connect(urlOf(query), o)).rejects.toThrow(text);

  it('sends the frames of docs/websocket.md, byte for byte', async () => {
    const { node } = served;
    const client = await follow();
    const lines = [await client.text(), await client.text()];
    const [agent, task] = [parsedOpId(`${SELF}-2`), parsedOpId(`${SELF}-3`)];
    await served.post('/api/swarm/agents', { name: 'sh-1', tool: 'shell' });
    await served.post('/api/swarm/tasks', { title: 'Say hello', required_capabilities: ['shell'] });
    lines.push(await client.text(), await client.text());
    node.say(SELF, [{ agent, status: 'idle', task: null, attempt: null }]);
    lines.push(await client.text());
    await node.start(task, agent);
    lines.push(await client.text(), await client.text(), await client.text());
    node.show({ task, agent, attempt: 1, status: 'running', progress: 'hello', output: undefined });
    lines.push(await client.text());
    const looker = await followNew(`?agent=${agent}`);
    for (const show of node.screenWatchers) show(agent, SCREEN);
    lines.push(await looker.text());
    await node.commit(SELF, [{ entity: undefined, by: nodePrincipal(SELF), body: asks(task, agent) }]);
    const answer = { type: 'approval.decided', decision: 'deny', note: 'not before noon', rule: null } as const;
    await node.commit(SELF, [{ entity: parsedOpId(`${SELF}-7`), by: userPrincipal('operator'), body: answer }]);
    await served.post('/api/rules', { effect: 'allow', command: 'npm *' });
    lines.push(await client.text(), await client.text(), await client.text());
    await node.end(task, { kind: 'failed', reason: 'script_failed' });
    await node.end(task, { kind: 'cancelled', reason: 'cancelled', by: 'user:operator' }, 3);
    await served.fetch(`/api/swarm/agents/${agent}`, { method: 'DELETE' });
    await served.post('/api/posts', { content: 'hello', author: 'you' });
    await node.register(OTHER, 'worker');
    for (const to of ['#general', 'operator']) await served.post('/api/messages', { to, body: 'The parser is in.' });
    for (let n = 0; n < 7; n += 1) lines.push(await client.text());
    const page = await readFile(new URL('../../docs/websocket.md', import.meta.url), 'utf8');
    expect(lines).toEqual(page.split('\n').filter((line) => line.startsWith('{"type":')));
  });

  it('names how an attempt ended by what became of the task', async () => {
    const { node } = served;
    await served.post('/api/swarm/agents', { name: 'sh-1', tool: 'shell' });
    const agent = parsedOpId(`${SELF}-2`);
    const task = parsedOpId(`${SELF}-3`);
    await served.post('/api/swarm/tasks', { title: 'x', required_capabilities: ['shell'], attempts_max: 1 });
    await node.start(task, agent);
    const client = await followNew();
    await node.end(task, { kind: 'lost', reason: 'lost' });
    expect(await client.next()).toMatchObject({ event: 'task_failed', id: idOf(7), data: { status: 'failed' } });
    const other = parsedOpId(`${SELF}-8`);
    await served.post('/api/swarm/tasks', { title: 'y', required_capabilities: ['shell'] });
    await node.start(other, agent);
    await client.take(4);
    await node.end(other, { result: 'done' });
    expect(await client.next()).toMatchObject({
      event: 'task_completed',
      entity: other,
      data: { status: 'completed', result: 'done' },
      agent: { id: agent },
    });
  });

  it('tells of agents and nodes that stand otherwise, and of no others', async () => {
    await served.post('/api/swarm/agents', { name: 'a', tool: 'shell' });
    await served.post('/api/swarm/agents', { name: 'b', tool: 'shell' });
    const [a, b] = [parsedOpId(`${SELF}-2`), parsedOpId(`${SELF}-3`)];
    const idle = { status: 'idle', task: null, attempt: null };
    served.node.say(SELF, [
      { agent: a, ...idle },
      { agent: b, ...idle },
    ]);
    const client = await followNew();
    served.node.say(SELF, [
      { agent: a, ...idle },
      { agent: b, ...idle, status: 'waiting' },
    ]);
    expect(await client.next()).toMatchObject({ type: 'agent_event', event: 'agent_waiting', entity: b });
    served.node.say(SELF, [{ agent: a, ...idle }]);
    expect(await client.next()).toMatchObject({ event: 'agent_stopped', entity: b, data: { status: 'offline' } });
    await served.node.register(OTHER, 'worker');
    expect(await client.next()).toMatchObject({ event: 'node_registered', data: { status: 'dead' } });
    served.node.linked = [
      { node: OTHER, address: 'x:1', outbound: true, sinceMs: 0, roundTripMs: 1, httpPort: 9091, traffic: noTraffic() },
    ];
    served.node.members.set(OTHER, 'alive');
    served.node.say(OTHER, []);
    expect(await client.take(2)).toMatchObject([
      { type: 'node_event', event: 'node_links', entity: SELF, data: { links: [OTHER] } },
      { type: 'node_event', event: 'node_alive', entity: OTHER },
    ]);
  });

  it('sends a status every so often, and has no timer without clients', async () => {
    const counts = { type: 'status', status: { tasks: 0, agents: 0, peers: 0, posts: 0 } };
    const often = await serve({ http: { statusMs: 5 } });
    const client = await WsClient.connect(`${often.http.url.replace(/^http/, 'ws')}ws`, { options: bearer() });
    expect(await client.take(4)).toEqual([expect.objectContaining({ type: 'snapshot' }), counts, counts, counts]);
    await client.close();
    await expect.poll(() => often.node.listeners().arrivals).toBe(served.node.listeners().arrivals);
    await often.close();
  });

  it('cuts a client that answers no ping', async () => {
    const often = await serve({ http: { statusMs: 5 } });
    const idle = often.node.listeners().arrivals;
    const options = { ...bearer(), autoPong: false };
    const client = await WsClient.connect(`${often.http.url.replace(/^http/, 'ws')}ws`, { options });
    expect(await client.closed).toMatchObject({ code: 1006 });
    await expect.poll(() => often.node.listeners().arrivals).toBe(idle);
    await often.close();
  });

  it.each([
    ['an id', (n: number) => idOf(n)],
    ['a number', (n: number) => String(n)],
  ])('goes on after %s, in order, whole', async (_what, after) => {
    await post(1);
    await post(2);
    const client = await follow(`?after=${after(2)}`);
    const posts = [{ type: 'new_post', id: idOf(3), post: { content: 'post 2' } }, { type: 'presence' }];
    expect(await client.take(3)).toMatchObject([...posts, { type: 'status' }]);
    await post(3);
    expect(await client.next()).toMatchObject({ type: 'new_post', id: idOf(4), post: { content: 'post 3' } });
  });

  it.each([`${OTHER}:1`, '99'])('begins anew after %s, which never was here', async (after) => {
    expect(await (await follow(`?after=${after}`)).next()).toMatchObject({ type: 'snapshot' });
  });

  it('brings the output of one task to whoever asked for it', async () => {
    await served.post('/api/swarm/tasks', { title: 'x' });
    const task = parsedOpId(`${SELF}-2`);
    const [plain, watching] = [await followNew(), await followNew(`?task=${task}`)];
    served.node.show({ task, agent: task, attempt: 1, status: 'running', progress: 'b', output: 'a\nb\n' });
    expect(await watching.take(2)).toMatchObject([
      { event: 'task_progress', data: { output: 'b' } },
      { event: 'task_output', data: { task_id: task, output: 'a\nb\n' } },
    ]);
    await post(1);
    expect(await plain.take(2)).toMatchObject([{ event: 'task_progress' }, { type: 'new_post' }]);
  });

  it('lets in whoever shows a token or a session, a token also as a protocol, which is not said back', async () => {
    await follow();
    await follow('', { options: bearer(served.viewer) });
    const protocols = await follow('', { protocols: ['skep', `skep.token.${TOKEN}`] });
    expect(protocols.socket.protocol).toBe('skep');
    const { code } = served.door.sessions.createCode({ principal: userPrincipal('x'), role: 'viewer' });
    const cookie = `skep_${SELF.slice(0, 8)}=${served.door.sessions.login(code)}`;
    const origin = new URL(served.http.url).origin;
    await follow('', { options: { headers: { cookie, origin } } });
    await refusal(/^403 .*logged-in browser/, { options: { headers: { cookie } } });
  });

  it('refuses everybody else before the upgrade, and says why', async () => {
    await refusal(/^401 .*"a token is needed"/, {});
    await refusal(/^401 .*"a token is needed"/, {}, `?token=${TOKEN}`);
    await refusal(/^401 .*"this token is not known"/, { options: bearer('skep_wrong') });
    await refusal(/^401 .*"this token is not known"/, { protocols: ['skep', 'skep.token.wrong'] });
    const evil = { ...bearer(), origin: 'https://evil.example' };
    await refusal(/^403 .*"Origin not allowed"/, { options: evil });
    await refusal(/^403 .*"Host not allowed"/, { options: { headers: { ...bearer().headers, host: 'evil.example' } } });
    await refusal(/^400 .*"after: the id of an event/, { options: bearer() }, '?after=x');
    await refusal(/^404 .*"Task not found"/, { options: bearer() }, '?task=x');
    expect(served.node.listeners().watchers).toBe(0);
  });

  it('is at /ws and nowhere else, and only for WebSockets', async () => {
    await expect(WsClient.connect(urlOf('', 'api/ws'), { options: bearer() })).rejects.toThrow(/^404 .*"Not found"/);
    const plain = await served.fetch('/ws');
    expect([plain.status, plain.headers.get('upgrade')]).toEqual([426, 'websocket']);
    expect(await plain.json()).toMatchObject({ code: 'upgrade_required' });
    const [h2c] = await once(
      get(`${served.http.url}health`, { headers: { connection: 'upgrade, http2-settings', upgrade: 'h2c' } }),
      'response',
    );
    expect(h2c.statusCode).toBe(200);
    h2c.resume();
  });

  it('ignores what a client says, and closes for one that says too much', async () => {
    const client = await followNew();
    client.socket.send('{"type":"task_event"}');
    client.socket.send(Buffer.from([1, 2, 3]));
    await post(1);
    expect(await client.next()).toMatchObject({ type: 'new_post' });
    client.socket.send('x'.repeat(5_000));
    expect((await client.closed).code).toBe(1009);
    expect(served.faults).toEqual([]);
  });

  it('closes with a reason for a client that reads too slowly; it resumes', async () => {
    const { node } = served;
    const idle = node.listeners().arrivals;
    const client = await followNew();
    const { id } = await (post(1), client.next());
    client.socket.pause();
    const body = { type: 'post.created' as const, content: 'x'.repeat(1000), author: 'x' };
    const draft = { entity: undefined, by: userPrincipal('x'), body };
    for (let round = 0; round < 200 && node.listeners().arrivals > idle; round += 1) {
      await node.append(Array.from({ length: 250 }, () => draft));
      await new Promise(setImmediate);
    }
    expect(node.listeners().arrivals).toBe(idle);
    client.socket.resume();
    expect(await client.closed).toEqual({ code: 1013, reason: expect.stringContaining('reads too slowly') });
    expect(await (await follow(`?after=${String(id)}`)).next()).toMatchObject({ type: 'snapshot' });
  });

  it('goes away when the node stops, also from clients that do not answer', async () => {
    const polite = await followNew();
    const rude = connect(served.http.port, '127.0.0.1');
    rude.write(
      `GET /ws HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${TOKEN}\r\nConnection: Upgrade\r\n` +
        'Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    );
    await new Promise((resolve) => rude.once('data', resolve));
    rude.on('error', () => undefined);
    await served.http.close();
    expect(await polite.closed).toEqual({ code: 1001, reason: 'this node is stopping' });
    rude.destroy();
  });

  it('says so where the node stopped by itself, and why where its directory went back in time', async () => {
    for (const [error, code, reason] of [
      [new Error('the disk failed'), 4000, /its log says why/],
      [new ForgottenError('older than what the swarm knows'), 4001, /went back in time/],
    ] as const) {
      const [client, follower] = [await followNew(), await followNew('?types=task_event')];
      served.door.farewell.says = farewellOf(error);
      served.door.feed.close();
      for (const one of [client, follower])
        expect(await one.closed).toEqual({ code, reason: expect.stringMatching(reason) });
      Reflect.set(served.door.feed, 'closed', false);
    }
  });
});
