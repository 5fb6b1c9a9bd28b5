/** A node's end of the connection, against a holder that ends in ways that a real one rarely does. */
import { mkdirSync } from 'node:fs';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { makeClaim } from '#runtime/claim.ts';
import { HolderLink } from '#runtime/holder-link.ts';
import { prepareDirectory } from '#runtime/layout.ts';
import { soon } from '../contract/runtime.ts';
import { temporaryDirectories } from './temporary.ts';

const makeDirectory = temporaryDirectories();
const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0).toReversed()) close();
});

/** A holder that welcomes, and hears one question: it answers or not, reads nothing more, and ends when it is told to. */
async function makeHolder(o: {
  answers: boolean;
}): Promise<{ directory: string; asked: Promise<unknown>; end: () => void }> {
  const parent = makeDirectory();
  const directory = prepareDirectory(join(parent, 'runtime'));
  mkdirSync(directory, { recursive: true });
  const asked = Promise.withResolvers<void>();
  let held: Socket | undefined;
  const hear = (socket: Socket): void => {
    held = socket;
    socket.on('error', () => {});
    socket.once('data', () => {
      socket.once('data', () => {
        socket.pause();
        if (o.answers) socket.write('{"t":"answer","request":1}\n');
        asked.resolve();
      });
      socket.write('{"t":"welcome","version":1,"pid":1}\n');
    });
  };
  const server = createServer(hear);
  const path = join(directory, 'test.sock');
  server.listen(path);
  await once(server, 'listening');
  closers.push(() => server.close());
  makeClaim(directory, { n: 1, socket: path, pid: process.pid });
  return { directory, asked: asked.promise, end: () => void held?.destroy() };
}

function open(directory: string): HolderLink {
  const ignore = (): void => {};
  const link = new HolderLink({ directory, command: undefined, grown: ignore, ended: ignore, lost: ignore });
  closers.push(() => link.close());
  return link;
}

describe('a link that tells its holder to stop', () => {
  it('takes it for gone when it resets the connection, because it has not read all', async () => {
    const holder = await makeHolder({ answers: true });
    const link = open(holder.directory);
    const stopped = link.stop(10);
    await soon('the question', holder.asked);
    link.ring('unread');
    holder.end();
    await expect(soon('the stop', stopped)).resolves.toBeUndefined();
  });

  it('says that it was lost when it ends without an answer, and starts no other', async () => {
    const holder = await makeHolder({ answers: false });
    const link = open(holder.directory);
    const stopped = link.stop(10);
    await soon('the question', holder.asked);
    link.ring('unread');
    holder.end();
    await expect(stopped).rejects.toMatchObject({ code: 'holder_lost' });
    closers[0]?.();
    await expect(link.stop(10)).rejects.toMatchObject({ code: 'holder_lost' });
  });
});
