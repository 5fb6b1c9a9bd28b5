/** A real mesh on loopback and what anybody can send to its port: bytes instead of TLS, a handshake that is wrong, and frames over a good link. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { connect } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { FRAME } from '#core/schema/frame.ts';
import type { Address } from '#fabric/address.ts';
import { formatAddress } from '#fabric/address.ts';
import { dialChannel, readChannel, secureContextOf } from '#fabric/channel.ts';
import { encodeFrame } from '#fabric/framing.ts';
import { helloOf } from '#fabric/hello.ts';
import type { NodeIdentity } from '#fabric/identity.ts';
import { createIdentity } from '#fabric/identity.ts';
import { MeshTransport } from '#fabric/mesh.ts';
import type { TransportHandler } from '#ports.ts';
import type { Target } from './targets.ts';
import { framed, streams } from './targets.ts';

const SECRET = 'the secret of a fuzzed swarm';
/** Short, so that a peer that says half a frame does not hold the fuzzer up. */
const TIMING = { handshakeMs: 2_000, lingerMs: 50 };
/** A peer that was sent away, or said all it had, is gone by then. */
const GONE_WITHIN_MS = 10_000;

/** Notes what comes, and does nothing. */
class Listener implements TransportHandler {
  readonly linked = Promise.withResolvers<void>();
  readonly downs: string[] = [];
  frames = 0;
  linkUp(): void {
    this.linked.resolve();
  }
  linkDown(_node: unknown, reason: string): void {
    this.downs.push(reason);
  }
  frame(): void {
    this.frames += 1;
  }
  drained(): void {
    throw new Error('nothing here fills a queue');
  }
}

export async function liveTarget(): Promise<Target> {
  const identity = createIdentity();
  const host = new MeshTransport({ identity, secret: SECRET, timing: TIMING });
  const heard = new Listener();
  await host.start(heard);
  const at = host.address();
  if (at === undefined) throw new Error('it does not listen');
  const friend = new MeshTransport({ identity: createIdentity(), secret: SECRET, seeds: [formatAddress(at)] });
  const friendly = new Listener();
  await friend.start(friendly);
  await friendly.linked.promise;
  const enemy = createIdentity();
  let inputs = 0;
  return {
    name: 'live mesh',
    corpus: streams,
    jsonShare: 0.7,
    get counts() {
      return { ...host.counters };
    },
    async run(bytes) {
      const input = framed(bytes);
      inputs += 1;
      if (inputs % 3 === 0) return say(await openTcp(at), [input]);
      const socket = await openTls(at, enemy);
      // On a busy machine the host may lose patience first, which is its right.
      if (socket === undefined) return;
      await say(socket, inputs % 3 === 1 ? [input] : [helloOn(socket, enemy), input]);
    },
    async check() {
      const before = heard.frames;
      const unsent = friend.send([identity.node], { type: FRAME.watch, topics: [] });
      assert.deepEqual([unsent, friendly.downs], [[], []], 'a friend is linked all the time');
      while (heard.frames === before) await new Promise((resolve) => setImmediate(resolve));
    },
    async close() {
      await friend.close();
      await host.close();
    },
  };
}

async function openTcp(to: Address): Promise<Socket> {
  const socket = connect({ ...to });
  await once(socket, 'connect');
  return socket;
}

async function openTls(to: Address, identity: NodeIdentity): Promise<TLSSocket | undefined> {
  const socket = dialChannel(to, secureContextOf(identity));
  return new Promise((resolve) => {
    socket.once('secureConnect', () => resolve(socket));
    socket.once('error', () => resolve(undefined));
  });
}

function helloOn(socket: TLSSocket, { node }: NodeIdentity): Buffer {
  const channel = readChannel(socket, 'server');
  if (typeof channel === 'string') throw new Error(channel);
  const self = { node, boot: 'b'.repeat(32), secret: SECRET, p2pPort: 0, httpPort: 0 };
  return encodeFrame(helloOf(self, channel));
}

/** Says all of it and hangs up; resolves when the connection is closed. */
async function say(socket: Socket, pieces: readonly Buffer[]): Promise<void> {
  socket.on('error', () => undefined);
  socket.resume();
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.end(Buffer.concat(pieces));
  const timer = setTimeout(() => socket.destroy(new Error('it was left open')), GONE_WITHIN_MS);
  await closed;
  clearTimeout(timer);
  assert.notEqual(socket.errored?.message, 'it was left open');
}
