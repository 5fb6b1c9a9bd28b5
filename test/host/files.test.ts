/** Files between the nodes of a mesh: in pieces, gone on with after a cut, and refused where they are not what they say. */
import { hash } from 'node:crypto';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Member } from './swarm.ts';
import { TestSwarm } from './swarm.ts';

let swarm: TestSwarm;
let one: Member;
beforeEach(async () => {
  swarm = new TestSwarm();
  one = await swarm.add({ shellAgents: 1 });
});
afterEach(() => swarm.close());

const text = 'x'.repeat(1_000);
const sha256 = hash('sha256', text);
const base64 = (from: number, to: number): string => Buffer.from(text.slice(from, to)).toString('base64');
const piece = (offset: number, data: string, o: object = {}) =>
  one.request('POST', '/api/files/pieces', { sha256, size_bytes: text.length, offset, data, ...o });

it('a file arrives in pieces, goes on after a restart, and is not sent again', async () => {
  expect((await piece(0, '')).body).toEqual({ offset: 0, whole: false });
  expect((await piece(0, base64(0, 400))).body).toEqual({ offset: 400, whole: false });
  await one.restart();
  expect((await piece(0, base64(0, 400))).body).toEqual({ offset: 400, whole: false });
  expect((await piece(400, base64(400, 1_000))).body).toEqual({ offset: 1_000, whole: true });
  expect((await piece(0, '')).body).toEqual({ offset: 1_000, whole: true });
});

it('a file is read at another node, which fetches it; its reader’s mailbox tells of it', async () => {
  const two = await swarm.add({ shellAgents: 1 });
  await swarm.linked();
  await piece(0, base64(0, 1_000));
  const offered = await one.post('/api/files', { to: 'node-1-shell-1', name: 'x.txt', sha256 });
  expect(offered).toMatchObject({ name: 'x.txt', size_bytes: 1_000, state: 'offered' });
  const got = await two.until(async () => {
    const { status, body } = await two.request('GET', `/api/files/${String(offered['id'])}/content`);
    return status === 200 ? body : undefined;
  });
  expect(got).toEqual({ name: 'x.txt', sha256, data: base64(0, 1_000), last: true });
  expect(await two.list('/api/files')).toMatchObject([{ id: offered['id'], from: 'operator' }]);
  const messages = await two.list('/api/messages?to=node-1-shell-1');
  expect(messages).toMatchObject([
    { kind: 'event', source: 'file', body: `[FILE] x.txt, 1000 bytes, SHA-256 ${sha256}` },
  ]);
});

it('a wrong hash keeps nothing, and no file is offered under a path or without its bytes', async () => {
  const wrong = await piece(0, Buffer.from('y'.repeat(1_000)).toString('base64'));
  expect(wrong).toMatchObject({ status: 400, body: { error: 'these bytes have another SHA-256: nothing is kept' } });
  expect((await piece(0, '')).body).toEqual({ offset: 0, whole: false });
  expect(await piece(0, base64(0, 1_000), { size_bytes: 999 })).toMatchObject({ status: 413 });
  expect(await piece(0, '', { size_bytes: 50 * 1024 * 1024 + 1 })).toMatchObject({ status: 400 });
  const offer = (name: string) => one.request('POST', '/api/files', { to: 'node-0-shell-1', name, sha256 });
  expect(await offer('x.txt')).toMatchObject({ status: 404 });
  await piece(0, base64(0, 1_000));
  expect(await offer('../x.txt')).toMatchObject({ status: 400 });
  expect(await offer('x.exe')).toMatchObject({ status: 403 });
  expect(await offer('x.txt')).toMatchObject({ status: 201 });
});
