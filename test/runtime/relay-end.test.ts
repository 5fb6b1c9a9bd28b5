/** The box's end of a relay: bytes go through as they are, also while the node is away. */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openRelayEnd, relayEnvironment } from '#runtime/box/relay-end.ts';
import type { RelayEnd } from '#runtime/box/relay-end.ts';

let dir: string;
let end: RelayEnd;
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'sk-end-'));
  const opened = await openRelayEnd({ socket: join(dir, 'relay.sock'), port: 0 });
  if (opened === undefined) throw new Error('the system gave a port that is taken');
  end = opened;
});
afterEach(() => {
  end.close();
  rmSync(dir, { recursive: true, force: true });
});

const ask = async (): Promise<string> => {
  const response = await fetch(`${relayEnvironment(end.port)['ANTHROPIC_BASE_URL']}/v1/messages`, {
    method: 'POST',
    body: 'asked',
  });
  return response.text();
};

it('breaks a connection while nobody listens at the socket, and leads there as soon as somebody does', async () => {
  await expect(ask()).rejects.toThrow('fetch failed');
  const server = createServer((request, response) => {
    request.pipe(response.writeHead(200));
  });
  await new Promise<void>((resolve) => void server.listen(join(dir, 'relay.sock'), resolve));
  expect(await ask()).toBe('asked');
  server.closeAllConnections();
  await new Promise((resolve) => void server.close(resolve));
});

it('is one a box: a second one leaves it to the first', async () => {
  expect(await openRelayEnd({ socket: join(dir, 'relay.sock'), port: end.port })).toBeUndefined();
});
