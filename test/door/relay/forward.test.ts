/** What a box asks of a listed place over plain HTTP, as tools ask a proxy. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RelayRig, statusIn } from './relay-rig.ts';

let rig: RelayRig;
beforeEach(async () => {
  rig = await new RelayRig().open();
});
afterEach(() => rig.close());

describe('a request that names its server', () => {
  const service = (): string => new URL(rig.url).host;

  it('is asked there in the words of the box, without those of a connection', async () => {
    rig.listed = [service()];
    const headers = {
      authorization: 'Bearer of the box',
      'proxy-authorization': 'Basic x',
      'proxy-connection': 'keep-alive',
      connection: 'x-hop',
      'x-hop': 'y',
      host: 'elsewhere.example',
    };
    const answer = await rig.ask({ path: `http://${service()}/a/../b?c=d`, headers, body: 'asked' });
    expect(answer).toMatchObject({ status: 200, text: '{"ok":true}', headers: { location: '/x', 'request-id': 'r1' } });
    const [seen] = rig.seen;
    expect(seen).toMatchObject({ method: 'POST', url: '/a/../b?c=d', body: 'asked' });
    expect(seen?.headers).toMatchObject({ authorization: 'Bearer of the box', host: service() });
    for (const name of ['proxy-authorization', 'proxy-connection', 'x-hop', 'x-api-key', 'via', 'x-forwarded-for'])
      expect(seen?.headers).not.toHaveProperty(name);
    await expect
      .poll(() => rig.told)
      .toMatchObject([{ path: `http://${service()}`, status: 200, address: '127.0.0.1' }]);
  });

  it('keeps the frames of its body, so that its rest is no other request', async () => {
    rig.listed = [service()];
    const hidden = `GET /hidden HTTP/1.1\r\nHost: x\r\n\r\n`;
    const chunked = `GET http://${service()}/ HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n`;
    await rig.said(`${chunked}${hidden.length.toString(16)}\r\n${hidden}\r\n0\r\n\r\n`);
    expect(rig.seen).toMatchObject([{ url: '/', body: hidden }]);
  });

  it('is refused in words where it is not listed', async () => {
    rig.listed = ['git.example:80'];
    const answer = await rig.ask({ method: 'GET', path: `http://${service()}/info/refs?token=hush`, body: '' });
    expect(answer).toMatchObject({
      status: 403,
      text: `this box may not reach ${service()}; expected: git.example:80\n`,
    });
    expect(answer.headers['content-type']).toContain('text/plain');
    expect(rig.seen).toEqual([]);
    await expect.poll(() => rig.told).toMatchObject([{ path: `http://${service()}`, status: 403 }]);
    expect(JSON.stringify(rig.told)).not.toContain('hush');
  });

  it.each([
    ['another scheme', (host: string) => `https://${host}/`],
    ['a file', () => 'file:///etc/passwd'],
    ['somebody’s name', (host: string) => `http://user:word@${host}/`],
    ['the listed one as a name', (host: string) => `http://${host}@127.0.0.1/`],
    ['a backslash', (host: string) => `http://${host}\\@127.0.0.1/`],
    ['no server', () => 'http:///v1/messages'],
  ])('is refused with %s', async (_what, url) => {
    rig.listed = [service()];
    const answer = await rig.said(`GET ${url(service())} HTTP/1.1\r\nHost: ${service()}\r\nConnection: close\r\n\r\n`);
    expect(statusIn(answer)).toMatch(/^HTTP\/1\.1 40[03] /);
    expect(rig.seen).toEqual([]);
  });

  it('is no way to a model with the key of the node', async () => {
    rig.listed = [service()];
    await rig.ask({ path: `http://${service()}/v1/messages` });
    expect(rig.seen[0]?.headers['x-api-key']).toBeUndefined();
  });
});
