/** `skep demo`: the graffiti wall, on the same log and the same mesh as everything else. */
import { findSettings } from '../find-settings.ts';
import { nodeOptions } from '../node-options.ts';
import { runNode } from '../run-node.ts';
import { nodeName } from '../settings.ts';
import type { Leaf } from '../verb.ts';

/** The ports of the seed's demo, so that it runs beside a swarm. */
const FALLBACKS = { httpPort: 8080, p2pPort: 7001, discoveryPort: 6001 } as const;

export const demo: Leaf = {
  name: 'demo',
  summary: 'run a node whose page is the graffiti wall',
  about:
    'What is written on one node’s wall appears on all. It is a node like any other, with other ports: any node serves its\n' +
    'wall at /wall, and the posts at /api/posts.',
  options: [
    ...nodeOptions({ httpPort: '8080', p2pPort: '7001', discoveryPort: '6001' }),
    { flags: '--config <file>', about: 'configuration file to start from' },
  ],
  examples: [
    ['skep demo --http-port=8080', 'a wall at http://127.0.0.1:8080'],
    ['skep demo --http-port=8081 --p2p-port=7002 --seeds=127.0.0.1:7001', 'a second one beside it'],
  ],
  run: async (given, world) => {
    const { values } = await findSettings(given, world, { usesFile: false, fallbacks: FALLBACKS });
    const settings = { ...values, name: values.name ?? nodeName(values.p2pPort) };
    return runNode({ settings, front: 'wall', stopAgents: false, json: given.json }, world);
  },
};
