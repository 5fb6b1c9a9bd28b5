/** Nodes that an operator took out of the swarm: no link with them, and they are told why. */
import type { NodeId } from '#core/brand.ts';
import { excludedText } from '#core/fork.ts';
import type { Goodbye } from '#core/schema/frame.ts';
import { goodbye } from '#fabric/hello.ts';
import type { OpStore } from '#ports.ts';

/** Looked up each time: who is out may change with every op. */
export const refusalIn =
  (store: Pick<OpStore, 'get'>) =>
  (node: NodeId): Goodbye | undefined => {
    const excluded = store.get('node', node)?.excluded;
    return excluded === undefined ? undefined : goodbye('revoked', excludedText(node, excluded));
  };
