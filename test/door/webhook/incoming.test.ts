import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { REPLAY_WINDOW_S, signatureOf } from '#door/webhook/signature.ts';
import type { Served } from '../serve.ts';
import { serve } from '../serve.ts';
import { receive, until } from './receiver.ts';

const made = z.object({ id: z.string(), secret: z.string(), post_path: z.string() });
type Sent = { path: string; secret: string; body?: string; atMs?: number; headers?: Record<string, string> };

let served: Served;
let path: string;
let secret: string;
let before: number;

beforeEach(async () => {
  served = await serve();
  const answer = await served.post('/api/webhooks', { name: 'ci', channel: '#pull-requests', direction: 'in' });
  ({ post_path: path, secret } = made.parse(await answer.json()));
  before = served.node.store.lastArrival();
});
afterEach(() => served.close());

/** As whoever posts does it, without a token. */
async function posted(o: Partial<Sent> = {}): Promise<{ status: number; json: Record<string, unknown> }> {
  const body = o.body ?? JSON.stringify({ text: 'main is green' });
  const timestamp = String(Math.floor((o.atMs ?? served.node.wallMs) / 1_000));
  const signature = signatureOf({ secret: o.secret ?? secret, timestamp, body });
  const signed = { 'skep-timestamp': timestamp, 'skep-signature': signature };
  const headers = { 'content-type': 'application/json', ...(o.headers ?? signed) };
  const answer = await served.fetch(o.path ?? path, { method: 'POST', body, headers, token: null });
  const json: Record<string, unknown> = JSON.parse(await answer.text());
  return { status: answer.status, json };
}
const nothingStored = (): void => expect(served.node.store.lastArrival()).toBe(before);

describe('a webhook that takes', () => {
  it('says in its channel what is posted, as one from outside, with secrets masked', async () => {
    const text = 'main is green; token=ghp_abcdefghijklmnopqrstuvwxyz0123456789';
    const { status, json } = await posted({ body: JSON.stringify({ text }) });
    expect(status).toBe(201);
    const listed = await served.json('/api/messages?to=%23pull-requests');
    expect(listed).toMatchObject([
      { id: json['id'], from: '@hook-ci', from_name: 'hook-ci', kind: 'text', state: 'sent' },
    ]);
    expect(JSON.stringify(listed)).toContain('main is green');
    expect(JSON.stringify(listed)).not.toContain('abcdefghijkl');
    const answer = { text: 'and deployed', in_reply_to: json['id'] };
    expect((await posted({ body: JSON.stringify(answer) })).status).toBe(201);
  });

  it('takes a signed request once', async () => {
    expect((await posted()).status).toBe(201);
    before = served.node.store.lastArrival();
    expect((await posted()).json).toMatchObject({ code: 'conflict', error: 'this request was taken before' });
    nothingStored();
  });

  it('says once what comes again under its key, signed anew', async () => {
    const [first, again] = [served.node.wallMs, served.node.wallMs + 2_000].map((atMs) => {
      const body = JSON.stringify({ text: 'main is green' });
      const timestamp = String(Math.floor(atMs / 1_000));
      const signature = signatureOf({ secret, timestamp, body });
      return { 'idempotency-key': 'build-7', 'skep-timestamp': timestamp, 'skep-signature': signature };
    });
    const { json } = await posted({ headers: first ?? {} });
    expect((await posted({ headers: again ?? {} })).json).toEqual(json);
    expect(await served.json('/api/messages?to=%23pull-requests')).toHaveLength(1);
  });

  it.each([
    ['no signature', () => ({ headers: {} })],
    ['a timestamp alone', () => ({ headers: { 'skep-timestamp': '1' } })],
    ['the signature of another secret', () => ({ secret: `${secret}x` })],
    ['a signature of another body', () => ({ headers: other() })],
    ['a signature that is none', () => ({ headers: { ...other(), 'skep-signature': 'v1=0' } })],
    ['a timestamp that is none', () => ({ headers: anyTime('soon') })],
    ['an old signature', () => ({ atMs: served.node.wallMs - (REPLAY_WINDOW_S + 1) * 1_000 })],
    ['a signature of the time before this node was started', () => ({ atMs: served.node.wallMs - 2_000 })],
    ['a signature from the future', () => ({ atMs: served.node.wallMs + (REPLAY_WINDOW_S + 1) * 1_000 })],
  ])('refuses %s, and says nothing', async (_name, sent: () => Partial<Sent>) => {
    expect(await posted(sent())).toMatchObject({ status: 401, json: { code: 'unauthorised' } });
    nothingStored();
    expect(await served.json('/api/webhooks')).toMatchObject([
      { handled: 0, refusals: 1, trouble: { message_id: null } },
    ]);
  });

  const other = (): Record<string, string> => {
    const timestamp = String(Math.floor(served.node.wallMs / 1_000));
    return { 'skep-timestamp': timestamp, 'skep-signature': signatureOf({ secret, timestamp, body: '{"text":"x"}' }) };
  };
  const anyTime = (timestamp: string): Record<string, string> => {
    const body = JSON.stringify({ text: 'main is green' });
    return { 'skep-timestamp': timestamp, 'skep-signature': signatureOf({ secret, timestamp, body }) };
  };

  it('is not there under another token, whatever is signed', async () => {
    expect(await posted({ path: `${path}x` })).toMatchObject({ status: 404, json: { code: 'not_found' } });
    nothingStored();
  });

  it('refuses what is too large, before it is read', async () => {
    expect((await posted({ body: JSON.stringify({ text: 'x'.repeat(70_000) }) })).status).toBe(413);
    expect((await posted({ body: JSON.stringify({ text: 'x'.repeat(17_000) }) })).json).toMatchObject({
      code: 'invalid',
    });
    expect((await posted({ body: '{}' })).json).toMatchObject({ code: 'invalid', error: 'text is required' });
    nothingStored();
  });

  it('refuses an answer to what was not said there', async () => {
    const sent = await served.post('/api/messages', { to: '#help', body: 'x' });
    const [elsewhere] = z.array(z.object({ id: z.string() })).parse(await sent.json());
    before = served.node.store.lastArrival();
    const answer = { text: 'x', in_reply_to: elsewhere?.id };
    expect((await posted({ body: JSON.stringify(answer) })).status).toBe(404);
    nothingStored();
  });

  it('refuses who posts faster than it may, and counts no stranger for it', async () => {
    for (let n = 0; n < 40; n += 1)
      await posted({ secret: 'of a stranger, who knows the URL', body: `{"text":"${n}"}` });
    const statuses = new Set<number>();
    for (let n = 0; n < 31; n += 1) statuses.add((await posted({ body: `{"text":"${n}"}` })).status);
    expect(statuses).toEqual(new Set([201, 503]));
    expect(await served.json('/api/webhooks')).toMatchObject([{ handled: 30, refusals: 41 }]);
  });

  it('is told to no webhook: two that are joined would never end', async () => {
    const receiver = await receive();
    const out = { name: 'out', channel: '#pull-requests', direction: 'out', url: receiver.url, allow_private: true };
    await served.post('/api/webhooks', out);
    await posted();
    await served.post('/api/messages', { to: '#pull-requests', body: 'of a person' });
    await until(() => receiver.told.length > 0);
    expect(receiver.told.map(({ json }) => json['text'])).toEqual(['of a person']);
    await receiver.close();
  });

  it('is worth nothing after it was removed', async () => {
    const [hook] = z.array(z.object({ id: z.string() })).parse(await served.json('/api/webhooks'));
    await served.json(`/api/webhooks/${hook?.id}`, { method: 'DELETE' });
    expect((await posted()).status).toBe(404);
  });
});
