/** `skep join-code`: how another machine gets in. */
import { z } from 'zod';
import { read } from '../answers.ts';
import { ask } from '../client.ts';
import { EXIT } from '../exit.ts';
import { withNode } from '../find-node.ts';
import { showJson } from '../show.ts';
import type { Leaf } from '../verb.ts';

export const joinCode: Leaf = {
  name: 'join-code',
  summary: 'the code by which another machine joins this swarm',
  about: 'It holds the secret of the swarm: whoever has it can bring a node in, and a node sees everything.',
  examples: [
    ['skep join-code', 'print it; on the other machine: skep up --join CODE'],
    ['skep join-code | ssh other "skep up --join -"', 'without showing it to anybody'],
  ],
  asksNode: true,
  run: (given, world) =>
    withNode(given, world, async (node) => {
      const answer = await ask(node, { method: 'GET', path: '/api/join-code' });
      if (given.json) return showJson(answer, world);
      world.out.write(`${read(z.object({ code: z.string() }), answer).code}\n`);
      if (world.out.isTerminal)
        world.err.write('On the other machine: skep up --join CODE --bind ADDRESS. Keep it secret.\n');
      return EXIT.ok;
    }),
};
