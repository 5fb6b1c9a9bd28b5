import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { userPrincipal } from '#core/brand.ts';
import { isRefusal } from '#door/refusal.ts';
import type { OutWebhook } from '#door/webhook/book.ts';
import { ATTEMPTS_MAX, pauseMsOf } from '#door/webhook/outgoing.ts';
import { isSignedBy } from '#door/webhook/signature.ts';
import { Webhooks } from '#door/webhook/webhooks.ts';
import type { WebhooksOptions } from '#door/webhook/webhooks.ts';
import type { Served } from '../serve.ts';
import { serve } from '../serve.ts';
import type { Receiver } from './receiver.ts';
import { receive, until } from './receiver.ts';

const BY = userPrincipal('ann');
const made = z.object({ id: z.string(), secret: z.string() });

let served: Served;
let receiver: Receiver;
let dir: string;
let webhooks: Webhooks;
let log: string[];

const open = (o: Partial<WebhooksOptions> = {}): Webhooks =>
  new Webhooks({
    door: served.door,
    path: join(dir, 'webhooks.json'),
    log: (line) => log.push(line),
    pauseMsOf: () => 1,
    ...o,
  });
const say = async (text: string, channel = '#general'): Promise<string> => {
  const sent = await served.post('/api/messages', { to: channel, body: text });
  return z.array(z.object({ id: z.string() })).parse(await sent.json())[0]?.id ?? '';
};
const texts = (): unknown[] => receiver.told.map(({ json }) => json['text']);

beforeEach(async () => {
  [served, receiver, dir] = [await serve(), await receive(), await mkdtemp(join(tmpdir(), 'skep-hooks-'))];
  log = [];
  webhooks = open();
});
afterEach(async () => {
  await webhooks.close();
  await Promise.all([served.close(), receiver.close()]);
  await rm(dir, { recursive: true });
});

async function added(
  o: { channel?: string; name?: string; url?: string } = {},
): Promise<OutWebhook & { secret: string }> {
  const { channel = '#general', name = 'chat', url = receiver.url } = o;
  const answer = await webhooks.add({ name, channel, by: BY, direction: 'out', url, allowPrivate: true });
  if (isRefusal(answer) || answer.webhook.direction !== 'out') throw new Error(JSON.stringify(answer));
  return answer.webhook;
}

describe('a webhook that tells', () => {
  it('posts what is said in its channel from then on, in order, signed, with the id as key', async () => {
    await say('before');
    const { id, secret } = await added();
    const first = await say('one');
    await say('elsewhere', '#help');
    await say('two');
    await until(() => receiver.told.length === 2);
    expect(texts()).toEqual(['one', 'two']);
    const [told] = receiver.told;
    expect(told).toMatchObject({ path: '/in', headers: { 'idempotency-key': first, 'skep-webhook': id } });
    expect(told?.json).toMatchObject({
      type: 'message',
      id: first,
      channel: '#general',
      from: '@operator',
      thread: first,
    });
    const [timestamp, signature] = [told?.headers['skep-timestamp'], told?.headers['skep-signature']];
    const signed = { timestamp: String(timestamp), signature: String(signature), body: told?.body ?? '' };
    expect(isSignedBy(secret, signed)).toBe(true);
    expect(isSignedBy(secret, { ...signed, body: `${signed.body} ` })).toBe(false);
    expect(isSignedBy(secret, { ...signed, timestamp: `${Number(timestamp) + 1}` })).toBe(false);
    expect(isSignedBy(`${secret}x`, signed)).toBe(false);
  });

  it('goes on after its cursor when the node was started anew, and repeats nothing that was noted', async () => {
    await added();
    await say('one');
    await until(() => receiver.told.length === 1);
    await webhooks.close();
    await say('while it was away');
    webhooks = open();
    await until(() => receiver.told.length === 2);
    expect(texts()).toEqual(['one', 'while it was away']);
  });

  it('tells again what it told and could not note before it died, under the same key', async () => {
    await added();
    const { node } = served;
    const append = node.append.bind(node);
    // The log takes no cursor: as if the node had died between the answer and the note.
    node.append = async (drafts) =>
      drafts.some(({ body }) => body.type === 'read.advanced')
        ? { refused: true, code: 'stopping', message: 'stopping' }
        : append(drafts);
    const id = await say('one');
    await until(() => receiver.told.length === 1);
    await webhooks.close();
    node.append = append;
    webhooks = open();
    await until(() => receiver.told.length === 2);
    expect(receiver.told.map(({ headers }) => headers['idempotency-key'])).toEqual([id, id]);
  });

  it('sends again what is not taken, then stops, says so, and goes on with it when an operator says so', async () => {
    const { id } = await added();
    receiver.answers.status = 500;
    const message = await say('one');
    await say('two');
    await until(() => webhooks.outgoing(id)?.state().state === 'stopped');
    expect(receiver.told).toHaveLength(ATTEMPTS_MAX);
    expect(new Set(receiver.told.map(({ headers }) => headers['idempotency-key']))).toEqual(new Set([message]));
    const trouble = { message, reason: 'it answered 500', attempts: ATTEMPTS_MAX };
    expect(webhooks.outgoing(id)?.state()).toMatchObject({ state: 'stopped', trouble });
    expect(webhooks.outgoing(id)?.waiting()).toBe(2);
    expect(log).toEqual([
      `webhook ${id} of #general stopped after ${ATTEMPTS_MAX} tries of message ${message}: it answered 500`,
    ]);
    // Also over a restart it stays stopped, and tells nothing.
    await webhooks.close();
    webhooks = open();
    await say('three');
    expect(webhooks.outgoing(id)?.state()).toMatchObject({ state: 'stopped', trouble });
    receiver.told.length = 0;
    receiver.answers.status = 200;
    expect(isRefusal(await webhooks.resume(id, { isSkipped: false }))).toBe(false);
    await until(() => receiver.told.length === 3);
    expect(texts()).toEqual(['one', 'two', 'three']);
    expect(await webhooks.resume(id, { isSkipped: false })).toMatchObject({ code: 'conflict' });
  });

  it('leaves out the message at which it stopped when that is said', async () => {
    const { id } = await added();
    receiver.answers.status = 422;
    await say('poison');
    await until(() => webhooks.outgoing(id)?.state().state === 'stopped');
    receiver.told.length = 0;
    receiver.answers.status = 200;
    await webhooks.resume(id, { isSkipped: true });
    await say('next');
    await until(() => receiver.told.length === 1);
    expect(texts()).toEqual(['next']);
  });

  it('follows no redirect: it could lead anywhere', async () => {
    const { id } = await added();
    receiver.answers = Object.assign(receiver.answers, { status: 307, location: '/elsewhere' });
    await say('one');
    await until(() => webhooks.outgoing(id)?.state().state === 'stopped');
    expect(new Set(receiver.told.map(({ path }) => path))).toEqual(new Set(['/in']));
    expect(webhooks.outgoing(id)?.state().trouble?.reason).toBe('it answered 307');
  });

  it('tells nothing after it was removed, and is gone from the file', async () => {
    const { id, secret } = await added();
    expect(await webhooks.remove(id)).toBe('removed');
    expect(await readFile(join(dir, 'webhooks.json'), 'utf8')).not.toContain(secret);
    await added({ name: 'other' });
    await say('one');
    await until(() => receiver.told.length === 1);
    expect(receiver.told[0]?.headers['skep-webhook']).not.toBe(id);
    expect(await webhooks.remove(id)).toMatchObject({ code: 'not_found' });
  });

  it('waits ever longer, and never longer than its bound', () => {
    const pauses = Array.from({ length: ATTEMPTS_MAX - 1 }, (_none, n) => pauseMsOf(n + 1));
    expect(pauses.slice(0, 3)).toEqual([1_000, 2_000, 4_000]);
    expect(Math.max(...pauses)).toBe(300_000);
  });
});

describe('where it may lead', () => {
  const wanted = (url: string) =>
    webhooks.add({ name: 'x', channel: '#general', by: BY, direction: 'out', url, allowPrivate: false });

  it.each(['http://127.0.0.1/in', 'http://[::1]/in', 'https://10.0.0.7/', 'http://169.254.169.254/latest/meta-data'])(
    'not to %s',
    async (url) => {
      expect(await wanted(url)).toMatchObject({ code: 'forbidden' });
      expect(webhooks.list()).toEqual([]);
    },
  );

  it.each(['ftp://example.org/', 'https://me:secret@example.org/', 'nowhere', 'file:///etc/passwd'])(
    '%s is no URL of one',
    async (url) => {
      expect(await wanted(url)).toMatchObject({ code: 'invalid' });
    },
  );

  it('not where a name leads now that was public before, and the reason names no address', async () => {
    await webhooks.close();
    let address = '93.184.216.34';
    webhooks = open({ lookup: async () => [address] });
    const answer = await wanted('http://hooks.example.org/in');
    if (isRefusal(answer)) throw new Error(answer.message);
    address = '127.0.0.1';
    await say('one');
    await until(() => webhooks.outgoing(answer.webhook.id)?.state().state === 'stopped');
    const { trouble } = webhooks.outgoing(answer.webhook.id)?.state() ?? {};
    expect(trouble?.reason).toBe('the name leads to an address that is not public');
  });
});

describe('the secret of a webhook', () => {
  it('is shown once, kept for its owner alone, and stands in no op, list or log', async () => {
    const path = '/api/webhooks';
    const out = { name: 'chat', channel: '#general', direction: 'out', url: receiver.url, allow_private: true };
    const { id, secret } = made.parse(await (await served.post(path, out)).json());
    receiver.answers.status = 500;
    await say('one');
    await until(async () => JSON.stringify(await served.json(path)).includes('stopped'));
    const listed = JSON.stringify(await served.json(path));
    expect(listed).toContain(id);
    const ops = served.node.store.arrivals({ after: 0, limit: 1_000 }).map(({ op }) => op);
    expect(JSON.stringify([listed, ops, served.faults])).not.toContain(secret.slice(-12));
    const { id: own } = await added();
    expect((await stat(join(dir, 'webhooks.json'))).mode & 0o777).toBe(0o600);
    expect(own).not.toBe(id);
  });

  it('is refused to a viewer, as is the list, and any change', async () => {
    const headers = { authorization: `Bearer ${served.viewer}` };
    expect((await served.fetch('/api/webhooks', { headers })).status).toBe(403);
    expect(
      (await served.post('/api/webhooks', { name: 'x', channel: '#general', direction: 'in' }, headers)).status,
    ).toBe(403);
  });

  it('is not made for a name that is taken, or a channel that is not there', async () => {
    await added();
    const one = { name: 'chat', channel: '#general', by: BY, direction: 'in' } as const;
    expect(await webhooks.add(one)).toMatchObject({ code: 'conflict' });
    expect(await webhooks.add({ ...one, name: 'x', channel: '#nowhere' })).toMatchObject({ code: 'not_found' });
    for (let n = 1; n < 64; n += 1) await webhooks.add({ ...one, name: `n-${n}` });
    expect(await webhooks.add({ ...one, name: 'one-more' })).toMatchObject({ code: 'too_many' });
  });
});
