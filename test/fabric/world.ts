/** Meshes and strangers for one test file, all on loopback and all closed after each test. */
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { connect, createServer } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { afterEach } from 'vitest';
import type { Frame, Goodbye, Hello } from '#core/schema/frame.ts';
import { FRAME } from '#core/schema/frame.ts';
import type { Address } from '#fabric/address.ts';
import { formatAddress } from '#fabric/address.ts';
import { acceptChannel, dialChannel, readChannel, secureContextOf } from '#fabric/channel.ts';
import { encodeFrame, FrameDecoder } from '#fabric/framing.ts';
import type { Channel, Self, Side } from '#fabric/hello.ts';
import { helloOf } from '#fabric/hello.ts';
import type { NodeIdentity } from '#fabric/identity.ts';
import { createIdentity } from '#fabric/identity.ts';
import type { MeshOptions } from '#fabric/mesh.ts';
import { MeshTransport } from '#fabric/mesh.ts';
import { Witness } from '../contract/transport-witness.ts';

export const SECRET = 'the secret that these tests share';

export type Member = {
  mesh: MeshTransport;
  witness: Witness;
  identity: NodeIdentity;
  address: () => Address;
  seed: () => string;
  refusals: { address: string; why: Goodbye; by: string }[];
};

const closers: (() => unknown)[] = [];
afterEach(async () => {
  await Promise.all(closers.splice(0).map((close) => close()));
});

/** Something to end after the test. */
export const after = (close: () => unknown): void => {
  closers.push(close);
};

/** A started mesh. */
export async function member(options: Partial<MeshOptions> = {}): Promise<Member> {
  const identity = options.identity ?? createIdentity();
  const witness = new Witness();
  const refusals: Member['refusals'] = [];
  const mesh = new MeshTransport({
    secret: SECRET,
    onRefused: (address, why, by) => {
      refusals.push({ address, why, by });
      witness.nudge();
    },
    ...options,
    identity,
  });
  after(() => mesh.close());
  await mesh.start(witness);
  const address = (): Address => {
    const at = mesh.address();
    if (at === undefined) throw new Error('it does not listen');
    return at;
  };
  return { mesh, witness, identity, address, refusals, seed: () => formatAddress(address()) };
}

/** For what no event tells: asks once a turn of the event loop, so the witness's bound holds. */
export async function eventually({ witness }: Member, what: string, holds: () => boolean): Promise<void> {
  let asking = true;
  const ask = (): void => {
    witness.nudge();
    if (asking) setImmediate(ask);
  };
  ask();
  try {
    await witness.until(what, holds);
  } finally {
    asking = false;
  }
}

/** Two identities, the lower node id first: the first of them decides about links. */
export function identities(): [NodeIdentity, NodeIdentity] {
  const [a, b] = [createIdentity(), createIdentity()];
  return a.node < b.node ? [a, b] : [b, a];
}

/** An identity whose links with that member are decided by the member. */
export function higherThan({ identity: { node } }: Member): NodeIdentity {
  for (;;) {
    const made = createIdentity();
    if (made.node > node) return made;
  }
}

/** An identity that decides about its links with that member. */
export function lowerThan({ identity: { node } }: Member): NodeIdentity {
  for (;;) {
    const made = createIdentity();
    if (made.node < node) return made;
  }
}

export const isLinked = (a: Member, b: { identity: NodeIdentity }): boolean =>
  a.mesh.links().some(({ node }) => node === b.identity.node);

export async function expectLinked(a: Member, b: Member): Promise<void> {
  await a.witness.until('linked', () => isLinked(a, b));
  await b.witness.until('linked', () => isLinked(b, a));
}

/** A peer made by hand: it speaks TLS, and says what the test wants said. */
export type Stranger = {
  socket: TLSSocket;
  identity: NodeIdentity;
  channel: Channel;
  /** What the other end said. */
  heard: Frame[];
  /** Resolves with a frame of that type, heard already or yet to come; rejects when the connection ends without it. */
  hear<T extends Frame['type']>(type: T): Promise<Frame & { type: T }>;
  say: (frame: Frame) => void;
  hello: (change?: Partial<Hello>) => Hello;
  ended: Promise<unknown>;
};

type StrangerOptions = { identity?: NodeIdentity; boot?: string };

/** A stranger that dials. */
export async function stranger(to: Address, o: StrangerOptions = {}): Promise<Stranger> {
  const identity = o.identity ?? createIdentity();
  const socket = dialChannel(to, secureContextOf(identity));
  const secured = once(socket, 'secureConnect');
  const listening = listenTo(socket);
  await secured;
  return strangerOn(socket, 'server', { ...o, identity }, listening);
}

/** A stranger that is dialled, once. */
export async function strangerServer(identity: NodeIdentity): Promise<{ seed: string; accepted: Promise<Stranger> }> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  after(() => server.close());
  await once(server, 'listening');
  const at = server.address();
  if (typeof at !== 'object' || at === null) throw new Error('no port');
  const accepted = once(server, 'connection').then(async ([raw]) => {
    server.close();
    const socket = acceptChannel(raw, secureContextOf(identity));
    const secured = once(socket, 'secure');
    const listening = listenTo(socket);
    await secured;
    return strangerOn(socket, 'client', { identity }, listening);
  });
  return { seed: `127.0.0.1:${at.port}`, accepted };
}

type Listening = Pick<Stranger, 'heard' | 'hear' | 'ended'>;

function strangerOn(
  socket: TLSSocket,
  peerSide: Side,
  o: StrangerOptions & { identity: NodeIdentity },
  listening: Listening,
): Stranger {
  const channel = readChannel(socket, peerSide);
  if (typeof channel === 'string') throw new Error(channel);
  const self: Self = { node: o.identity.node, boot: o.boot ?? 'b'.repeat(32), secret: SECRET, p2pPort: 0, httpPort: 0 };
  return {
    ...listening,
    socket,
    identity: o.identity,
    channel,
    say: (frame) => socket.write(encodeFrame(frame)),
    hello: (change) => ({ ...helloOf(self, channel), ...change }),
  };
}

function listenTo(socket: TLSSocket): Listening {
  after(() => socket.destroy());
  socket.on('error', () => undefined);
  const ended = closeOf(socket);
  const heard: Frame[] = [];
  const decoder = new FrameDecoder();
  decoder.trust();
  const waiting = new Set<() => void>();
  socket.on('data', (chunk: Buffer) => {
    decoder.push(chunk);
    for (let next = decoder.next(); next !== undefined; next = decoder.next()) {
      if (next.kind === 'frame') heard.push(next.frame);
    }
    for (const ask of waiting) ask();
  });
  return {
    heard,
    ended,
    hear: (type) =>
      new Promise((resolve, reject) => {
        const ask = (): void => {
          for (const frame of heard) if (isOfType(frame, type)) resolve(frame);
        };
        waiting.add(ask);
        socket.once('close', () => reject(new Error(`no frame of type ${type} came`)));
        ask();
      }),
  };
}

const isOfType = <T extends Frame['type']>(frame: Frame, type: T): frame is Frame & { type: T } => frame.type === type;

/** A stranger that is linked: by the higher id, so that the mesh decides, and has decided when its PING comes. */
export async function guest(to: Member, o: { boot?: string; identity?: NodeIdentity } = {}): Promise<Stranger> {
  const identity = o.identity ?? higherThan(to);
  const peer = await stranger(to.address(), { ...o, identity });
  peer.say(peer.hello());
  await peer.hear(FRAME.ping);
  return peer;
}

/** Not `once` of node:events, which rejects when the socket ends with an error. */
const closeOf = (socket: Socket): Promise<unknown> => new Promise((resolve) => socket.once('close', resolve));

/** A bare TCP connection. */
export async function plain(to: Address): Promise<{ socket: Socket; ended: Promise<unknown> }> {
  const socket = connect({ ...to });
  const ended = closeOf(socket);
  after(() => socket.destroy());
  socket.on('error', () => undefined);
  socket.resume();
  await once(socket, 'connect');
  return { socket, ended };
}
