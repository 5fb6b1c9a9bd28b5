import { hash } from 'node:crypto';
import { nodeIdOf } from '#core/brand.ts';
import { memoryFabric } from '#fabric/memory.ts';
import { transportContract } from '../contract/transport.ts';

transportContract('memory', () => {
  const fabric = memoryFabric();
  return {
    make: (name) => {
      const node = nodeIdOf(hash('sha256', name).slice(0, 32));
      return { transport: fabric.transport({ node, address: `${name}:1` }), node, address: () => `${name}:1` };
    },
  };
});
