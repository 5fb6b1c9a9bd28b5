// Needs: ten thousand connections, some seconds
/** Ten thousand connections that say nothing, half a frame, or garbage: a bounded number is held, memory stays, and a real peer links. */
import type { Socket } from 'node:net';
import { connect } from 'node:net';
import { expect, it } from 'vitest';
import { HALF_OPEN_MAX } from '#fabric/settings.ts';
import { eventually, expectLinked, member } from './world.ts';

const CONNECTIONS = 10_000;
/** So many are opened before the first of them is waited for. */
const AT_ONCE = 500;
/** A held connection costs some 100 KiB with its TLS; ten thousand of them would be a gigabyte. */
const MEMORY_MAX_MIB = 300;

const memoryMiB = (): number => process.memoryUsage().rss / 2 ** 20;

it('ten thousand strangers cost no more than a few', { timeout: 180_000 }, async () => {
  const host = await member();
  const beforeMiB = memoryMiB();
  const held = new Set<Socket>();
  let most = 0;
  for (let opened = 0; opened < CONNECTIONS; opened += AT_ONCE) {
    const wave = Array.from({ length: AT_ONCE }, (_, at) => {
      const socket = connect({ ...host.address() }, () => {
        if (at % 3 === 0) socket.write('\u0016\u0003\u0001');
        if (at % 3 === 1) socket.write(Buffer.alloc(500, 0x5a));
      });
      held.add(socket);
      socket.on('error', () => undefined).resume();
      return new Promise<void>((resolve) =>
        socket.once('close', () => {
          held.delete(socket);
          resolve();
        }),
      );
    });
    // All but those that the host still waits for are closed by it.
    await Promise.race([Promise.all(wave), eventually(host, 'few are left', () => held.size <= HALF_OPEN_MAX)]);
    most = Math.max(most, memoryMiB() - beforeMiB);
  }
  const friend = await member({ seeds: [host.seed()] });
  await expectLinked(friend, host);
  expect(host.mesh.counters.failedHandshakes).toBeGreaterThanOrEqual(CONNECTIONS - HALF_OPEN_MAX);
  expect(most).toBeLessThan(MEMORY_MAX_MIB);
  for (const socket of held) socket.destroy();
});
