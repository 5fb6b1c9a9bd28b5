/** `skep node …`: the nodes of the swarm, and taking one out. */
import { nodeSchema, read } from '../answers.ts';
import { ask } from '../client.ts';
import { EXIT } from '../exit.ts';
import { withNode } from '../find-node.ts';
import { shortNode } from '../short-id.ts';
import { showJson } from '../show.ts';
import { printableLine } from '../text.ts';
import type { Group, Leaf } from '../verb.ts';
import { links } from './links.ts';
import { peers } from './peers.ts';

const list: Leaf = { ...peers, name: 'list', examples: [['skep node list', 'who is alive, where, and how far away']] };

type Exclusion = Pick<Leaf, 'summary' | 'about' | 'examples'> & { name: 'revoke' | 'retire'; done: string };

const exclusion = ({ name, summary, about, examples, done }: Exclusion): Leaf => ({
  name,
  summary,
  about,
  args: [['<node>', 'its name, its id, or the beginning of it']],
  examples,
  asksNode: true,
  run: (given, world) =>
    withNode(given, world, async (node) => {
      const path = `/api/swarm/nodes/${encodeURIComponent(given.arg(0))}/${name}`;
      const answer = await ask(node, { method: 'POST', path });
      if (given.json) return showJson(answer, world);
      const one = read(nodeSchema, answer);
      world.out.write(`${printableLine(one.name)} (${shortNode(one.id)}) is ${one.status}. ${done}\n`);
      return EXIT.ok;
    }),
});

const revoke = exclusion({
  name: 'revoke',
  summary: 'trust a node no more: for a machine that was lost or broken into',
  about:
    'Every node closes its link with it, and nothing it writes from now on counts. This cannot be taken back.\n' +
    'It still knows the secret of the swarm: where that matters, give the others a new one (SKEP_SECRET).',
  examples: [['skep node revoke laptop', 'the laptop was stolen']],
  done: 'No node links with it, and what it writes from now on counts nowhere.',
});

const retire = exclusion({
  name: 'retire',
  summary: 'take a node whose machine is gone out of the swarm',
  about:
    'Nobody waits for it any more, and its agents are off the list. This cannot be taken back. Tasks of which it was the only voter\n' +
    'stay open: create others in their place.',
  examples: [['skep node retire old-build-box', 'that machine will not come back']],
  done: 'Nobody waits for it any more.',
});

export const node: Group = {
  name: 'node',
  summary: 'list the nodes of the swarm and the links of this one, and take one out',
  leaves: [list, links, revoke, retire],
};
