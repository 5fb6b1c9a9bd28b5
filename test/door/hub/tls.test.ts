/** A hub that others can reach speaks TLS, and nothing else. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeCertificate } from '../../certificate.ts';
import { WsClient } from '../ws-client.ts';
import { Chatter, HubRig } from './hub-rig.ts';

let dir: string;
let tls: { keyFile: string; certFile: string };
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'skep-hub-tls-'));
  tls = await makeCertificate(dir, 'localhost');
});
afterAll(() => rm(dir, { recursive: true }));

it('is spoken to by its certificate, and not in clear text', async () => {
  const rig = await HubRig.start({ tls });
  try {
    expect(rig.hub.url).toBe(`wss://127.0.0.1:${rig.hub.port}`);
    await expect(WsClient.connect(rig.hub.url)).rejects.toThrow('self-signed certificate');
    await expect(WsClient.connect(rig.hub.url.replace('wss:', 'ws:'))).rejects.toThrow('socket hang up');
    const client = await WsClient.connect(rig.hub.url, { options: { rejectUnauthorized: false } });
    const ann = new Chatter(client);
    await ann.ask({ type: 'IDENTIFY', name: 'ann' }, 'WELCOME');
    await ann.ask({ type: 'JOIN', channel: '#general' }, 'JOINED');
    expect(await ann.ask({ type: 'MSG', to: '#general', content: 'sealed' }, 'MSG')).toMatchObject({
      content: 'sealed',
    });
    client.socket.terminate();
  } finally {
    await rig.close();
  }
});

it.each(['0.0.0.0', '::', '192.0.2.1'])(
  'is wanted where others reach it: nothing listens on %s in clear text',
  (bind) => expect(HubRig.start({ bind })).rejects.toThrow('clear text: give --tls-cert and --tls-key'),
);
