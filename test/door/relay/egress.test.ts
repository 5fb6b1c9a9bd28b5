/** The ways out of a box: where they lead, what is told of them, and all that does not lead anywhere. */
import { once } from 'node:events';
import type { Server, Socket } from 'node:net';
import { connect, createServer } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RelayRig, statusIn } from './relay-rig.ts';

/** A loopback that no tool takes for its own. */
const HERE = '127.0.0.9';

/** Says back what it is told, and counts who came. */
let echo: Server;
let echoPort: number;
let came: Socket[];
let rig: RelayRig;
let looked: string[];
/** What the names of these tests lead to. */
let names: Record<string, string[]>;

async function start(bounds = {}, headMaxMs?: number): Promise<void> {
  const lookup = async (host: string): Promise<readonly string[]> => {
    looked.push(host);
    return names[host] ?? Promise.reject(new Error('nobody knows it'));
  };
  rig = await new RelayRig().open(
    {},
    { egress: { lookup, bounds }, ...(headMaxMs === undefined ? {} : { headMaxMs }) },
  );
}

beforeEach(async () => {
  [came, looked, names] = [[], [], {}];
  echo = createServer({ allowHalfOpen: true }, (socket) => {
    came.push(socket);
    socket.on('error', () => {});
    socket.pipe(socket);
  });
  await new Promise<void>((resolve) => void echo.listen(0, HERE, resolve));
  const address = echo.address();
  if (typeof address !== 'object' || address === null) throw new Error('the echo has no port');
  echoPort = address.port;
});
afterEach(async () => {
  await rig.close();
  for (const socket of came) socket.destroy();
  await new Promise((resolve) => void echo.close(resolve));
});

const tunnel = (to: string, more = ''): string => `CONNECT ${to} HTTP/1.1\r\nHost: ${to}\r\n${more}\r\n`;
describe('a tunnel', () => {
  it('leads to a listed place, there and back, and is told of once', async () => {
    await start();
    rig.listed = [`${HERE}:${echoPort}`];
    const answer = await rig.said(`${tunnel(`${HERE}:${echoPort}`)}hello`, 'hello');
    expect(answer).toBe('HTTP/1.1 200 Connection established\r\n\r\nhello');
    await expect
      .poll(() => rig.told)
      .toMatchObject([
        { method: 'CONNECT', path: `${HERE}:${echoPort}`, status: 200, sentBytes: 5, receivedBytes: 5, address: HERE },
      ]);
    expect(rig.told).toHaveLength(1);
  });

  it('leads by a listed name to a listed address, which is looked up once and dialled', async () => {
    await start();
    names['git.example'] = [HERE];
    rig.listed = [`git.example:${echoPort}`, `${HERE}:${echoPort}`];
    expect(await rig.said(`${tunnel(`Git.Example:${echoPort}`)}hello`, 'hello')).toContain('hello');
    expect(looked).toEqual(['git.example']);
  });

  it('has what a box says at an end that is half closed', async () => {
    await start();
    rig.listed = [`${HERE}:${echoPort}`];
    const socket = connect({ path: rig.path, allowHalfOpen: true });
    let text = '';
    socket.setEncoding('latin1').on('data', (piece: string) => (text += piece));
    socket.end(`${tunnel(`${HERE}:${echoPort}`)}bye`);
    await once(socket, 'end');
    expect(text).toMatch(/bye$/);
  });

  it('is refused where the name is not listed, which nobody is asked about', async () => {
    await start();
    rig.listed = ['git.example:443'];
    const answer = await rig.said(tunnel('secret-data.evil.example:443'));
    expect(statusIn(answer)).toBe('HTTP/1.1 403 Refused');
    expect(answer).toContain('this box may not reach secret-data.evil.example:443; expected: git.example:443');
    expect(looked).toEqual([]);
    expect(rig.told).toMatchObject([{ status: 403, refused: 'this box may not reach secret-data.evil.example:443' }]);
  });

  it.each([
    ['this machine', ['127.0.0.1']],
    ['this machine, by version 6', ['::1']],
    ['version 4 within version 6', ['::ffff:127.0.0.1']],
    ['the metadata service of clouds', ['169.254.169.254']],
    ['its other name', ['fd00:ec2::254']],
    ['private networks', ['10.1.2.3', '172.16.0.1', '192.168.1.1', '100.64.0.1']],
    ['private networks of version 6', ['fc00::1', 'fe80::1']],
    ['version 4 carried by version 6', ['2002:7f00:1::', '64:ff9b::7f00:1', '2001:0:7f00:1::']],
    ['nothing', ['0.0.0.0', '::']],
    ['everybody', ['224.0.0.1', '255.255.255.255', 'ff02::1']],
  ])('is refused where a listed name leads to %s', async (_what, addresses) => {
    await start();
    names['rebound.example'] = addresses;
    rig.listed = [`rebound.example:${echoPort}`];
    const answer = await rig.said(tunnel(`rebound.example:${echoPort}`));
    expect(statusIn(answer)).toBe('HTTP/1.1 403 Refused');
    expect(answer).toContain('leads to an address that is not public');
    for (const address of addresses) expect(answer).not.toContain(address);
    expect(came).toEqual([]);
  });

  it('takes of several addresses only those that may be', async () => {
    await start();
    names['both.example'] = ['127.0.0.1', HERE];
    rig.listed = [`both.example:${echoPort}`, `${HERE}:${echoPort}`];
    expect(await rig.said(`${tunnel(`both.example:${echoPort}`)}hello`, 'hello')).toContain('hello');
    await expect.poll(() => rig.told).toMatchObject([{ address: HERE }]);
  });

  it.each([
    ['another port', (port: number) => `${HERE}:${port === 1 ? 2 : 1}`],
    ['no port', () => HERE],
    ['a port that is none', () => `${HERE}:99999`],
    ['port zero', () => `${HERE}:0`],
    ['a number for an address', (port: number) => `2130706441:${port}`],
    ['a number in base 16', (port: number) => `0x7f000009:${port}`],
    ['an address in base 8', (port: number) => `0177.0.0.9:${port}`],
    ['a short address', (port: number) => `127.9:${port}`],
    ['the address within version 6', (port: number) => `[::ffff:${HERE}]:${port}`],
    ['a dot at its end', (port: number) => `${HERE}.:${port}`],
    ['somebody’s name before it', (port: number) => `${HERE}:${port}@evil.example:80`],
    ['the listed one before an @', (port: number) => `a@${HERE}:${port}`],
    ['a path', (port: number) => `${HERE}:${port}/`],
    ['a zero byte, written', (port: number) => `${HERE}%00.evil.example:${port}`],
    ['nothing', () => ':'],
  ])('is refused with %s', async (_what, authority) => {
    await start();
    rig.listed = [`${HERE}:${echoPort}`];
    expect(statusIn(await rig.said(tunnel(authority(echoPort))))).toMatch(/^HTTP\/1\.1 40[03] /);
    expect(came).toEqual([]);
  });

  it('is told as away, and not why, where nobody listens or nobody knows the name', async () => {
    await start();
    rig.listed = ['nowhere.example:443', '127.0.0.9:1'];
    for (const place of rig.listed) expect(statusIn(await rig.said(tunnel(place)))).toBe('HTTP/1.1 502 Refused');
  });

  it('counts no header of the box for anything', async () => {
    await start();
    rig.listed = [];
    const forged = `X-Forwarded-For: operator\r\nProxy-Authorization: Basic b3BlcmF0b3I6eA==\r\n`;
    expect(statusIn(await rig.said(tunnel(`${HERE}:${echoPort}`, forged)))).toBe('HTTP/1.1 403 Refused');
    expect(came).toEqual([]);
  });
});

describe('what a tunnel may use', () => {
  const open = async (): Promise<Socket> => {
    const socket = connect(rig.path);
    socket.on('error', () => {});
    socket.write(tunnel(`${HERE}:${echoPort}`));
    await once(socket, 'data');
    return socket;
  };

  it('is so many at once', async () => {
    await start({ tunnelsMax: 2 });
    rig.listed = [`${HERE}:${echoPort}`];
    const held = [await open(), await open()];
    expect(statusIn(await rig.said(tunnel(`${HERE}:${echoPort}`)))).toBe('HTTP/1.1 503 Refused');
    for (const socket of held) socket.destroy();
    await expect.poll(() => rig.told).toHaveLength(3);
    (await open()).destroy();
  });

  it('is so many bytes', async () => {
    await start({ tunnelMaxBytes: 1_000 });
    rig.listed = [`${HERE}:${echoPort}`];
    const answer = await rig.said(`${tunnel(`${HERE}:${echoPort}`)}${'x'.repeat(5_000)}`);
    expect(answer.length).toBeLessThan(1_100);
    await expect.poll(() => rig.told).toHaveLength(1);
  });

  it.each([
    ['so long without a byte', { idleMaxMs: 20 }],
    ['so long in all', { tunnelMaxMs: 20 }],
  ])('is %s', async (_what, bounds) => {
    await start(bounds);
    rig.listed = [`${HERE}:${echoPort}`];
    const socket = await open();
    await once(socket, 'close');
    await expect.poll(() => rig.told).toHaveLength(1);
  });

  it('ends with the relay', async () => {
    await start();
    rig.listed = [`${HERE}:${echoPort}`];
    const tunnelled = await open();
    const closed = once(tunnelled, 'close');
    await rig.close();
    await closed;
    expect(tunnelled.destroyed).toBe(true);
  });

  it('is nothing for whoever never ends what it asks', async () => {
    await start({}, 50);
    const slow = await rig.said(`CONNECT ${HERE}:${echoPort} HTTP/1.1\r\nHost: x\r\n`);
    expect(statusIn(slow)).toBe('HTTP/1.1 408 Request Timeout');
    expect(came).toEqual([]);
  });

  it('has a pace', async () => {
    await start();
    const answers: string[] = [];
    for (let n = 0; n < 501; n += 1) answers.push(statusIn(await rig.said(tunnel('x.example:1'))));
    expect(new Set(answers.slice(0, 500))).toEqual(new Set(['HTTP/1.1 403 Refused']));
    expect(answers[500]).toBe('HTTP/1.1 429 Too Many Requests');
  });
});
