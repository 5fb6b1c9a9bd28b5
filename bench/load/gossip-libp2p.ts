/** Twenty libp2p nodes with gossipsub: TCP, noise, yamux, each message signed by its author and checked by each receiver, as it comes. */
import { noise } from '@chainsafe/libp2p-noise';
import { yamux } from '@chainsafe/libp2p-yamux';
import { gossipsub, StrictSign } from '@libp2p/gossipsub';
import { identify } from '@libp2p/identify';
import { tcp } from '@libp2p/tcp';
import { createLibp2p } from 'libp2p';
import { setTimeout as sleep } from 'node:timers/promises';
import { Random } from '../../src/sim/random.ts';
import type { GossipSpec } from './gossip.ts';
import { runGossip } from './gossip.ts';
import { inputOf, PAYLOAD } from './window.ts';

const TOPIC = 'bench';
/** Gossipsub's own degree is six. */
const DIALS = 5;
const SETTLE_MS = 4_000;

const spec = inputOf<GossipSpec>();
const random = new Random(1);

const makeNode = () =>
  createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionManager: { maxConnections: 500, inboundConnectionThreshold: 1000 },
    services: {
      identify: identify(),
      pubsub: gossipsub({
        emitSelf: false,
        allowPublishToZeroTopicPeers: true,
        globalSignaturePolicy: StrictSign,
      }),
    },
  });

const nodes = await Promise.all(Array.from({ length: spec.nodes }, makeNode));
for (const [index, node] of nodes.entries()) {
  const others = nodes.filter((one) => one !== node);
  const ring = nodes[(index + 1) % nodes.length];
  const picked = new Set([ring, ...Array.from({ length: DIALS - 1 }, () => random.pick(others))]);
  for (const other of picked) if (other !== undefined) await node.dial(other.getMultiaddrs());
}
let hear: (n: number) => void = () => undefined;
for (const { services } of nodes) {
  services.pubsub.addEventListener('message', ({ detail }) =>
    hear(Number(new TextDecoder().decode(detail.data).split(' ')[0])),
  );
  services.pubsub.subscribe(TOPIC);
}
await sleep(SETTLE_MS);

await runGossip(spec, {
  publish: async (author, n) => {
    await nodes[author]?.services.pubsub.publish(TOPIC, new TextEncoder().encode(`${n} ${PAYLOAD}`));
  },
  onDelivery: (listener) => {
    hear = listener;
  },
  // It ends with its process.
  close: () => Promise.resolve(),
});
process.exit(0);
