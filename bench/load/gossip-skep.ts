/** Twenty cores with their real links: TLS between all, signed batches, chain and fold checked by each node; stores in memory, as the peer has none. */
import { setTimeout as sleep } from 'node:timers/promises';
import { userPrincipal } from '../../src/core/brand.ts';
import { createIdentity, nodeCrypto } from '../../src/fabric/identity.ts';
import { MeshTransport } from '../../src/fabric/mesh.ts';
import { Engine, realClock } from '../../src/host/engine.ts';
import { MemoryStore } from '../../src/store/memory.ts';
import type { GossipSpec } from './gossip.ts';
import { runGossip } from './gossip.ts';
import { inputOf, PAYLOAD } from './window.ts';

const LOOK_MS = 50;

const spec = inputOf<GossipSpec>();
const ignore = (): void => undefined;
let hear: (n: number) => void = ignore;

async function makeNode(index: number, seeds: readonly string[]) {
  const identity = createIdentity();
  const crypto = nodeCrypto(identity);
  const transport = new MeshTransport({ identity, secret: 'a secret that only this bench knows', seeds });
  const engine = new Engine({
    self: identity.node,
    store: new MemoryStore({ crypto }),
    transport,
    crypto,
    settings: { votersMax: 5, fullLinksMax: 64, leaseMs: 120_000, hasPath: () => false, hasProject: () => false },
    onAction: ignore,
    onArrivals: (arrivals) => {
      for (const { op } of arrivals) {
        if (op.body.type === 'node.registered') for (const one of op.body.addresses) transport.learn(one);
        if (op.body.type === 'post.created' && op.header.node !== identity.node) hear(Number(op.body.author));
      }
    },
    onPresence: ignore,
    onGlimpse: ignore,
    onLink: ignore,
    onUnlink: ignore,
    onFailed: (error) => {
      throw error;
    },
  });
  engine.boot();
  await engine.link();
  const append = async (body: Parameters<typeof engine.core.append>[0][number]['body']): Promise<void> => {
    const ops = engine.core.append([{ entity: undefined, by: userPrincipal('bench'), body }], realClock());
    if (typeof ops === 'string') throw new Error(`not appended: ${ops}`);
    await engine.loop.settled();
  };
  const port = transport.address()?.port;
  const address = `127.0.0.1:${port}`;
  const publicKey = identity.publicKey;
  await append({ type: 'node.registered', publicKey, name: `n${index}`, addresses: [address], version: '0.0.0' });
  return { engine, transport, append, address };
}

const first = await makeNode(0, []);
const nodes = [first];
for (let index = 1; index < spec.nodes; index++) nodes.push(await makeNode(index, [first.address]));
while (nodes.some(({ transport }) => transport.links().length < spec.nodes - 1)) await sleep(LOOK_MS);

await runGossip(spec, {
  publish: (author, n) =>
    nodes[author]?.append({ type: 'post.created', content: PAYLOAD, author: String(n) }) ??
    Promise.reject(new Error('no node')),
  onDelivery: (listener) => {
    hear = listener;
  },
  close: async () => {
    for (const { engine, transport } of nodes) {
      engine.close();
      await transport.close();
    }
  },
});
