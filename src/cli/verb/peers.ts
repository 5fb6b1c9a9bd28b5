/** `skep peers`: the nodes of the swarm as one of them sees them. */
import { z } from 'zod';
import { nodeSchema, read } from '../answers.ts';
import { ask } from '../client.ts';
import { EXIT } from '../exit.ts';
import { withNode } from '../find-node.ts';
import { shortNode } from '../short-id.ts';
import { showJson, statusCell } from '../show.ts';
import { table } from '../table.ts';
import { ago, printableLine } from '../text.ts';
import type { Leaf } from '../verb.ts';

export const peers: Leaf = {
  name: 'peers',
  summary: 'the nodes of the swarm as this one sees them',
  about: 'A node is replaced when another one was made from its backup (skep restore) and it is not heard of itself.',
  examples: [['skep peers', 'who is alive, where, and how far away']],
  asksNode: true,
  run: (given, world) =>
    withNode(given, world, async (node) => {
      const body = await ask(node, { method: 'GET', path: '/api/swarm/nodes' });
      if (given.json) return showJson(body, world);
      const nodes = read(z.array(nodeSchema), body);
      const rows = nodes.map((each) => [
        shortNode(each.id),
        printableLine(each.name),
        statusCell(each.status),
        printableLine(each.addresses.join(', ')),
        String(each.agents),
        each.round_trip_ms === null || each.round_trip_ms === undefined ? '' : `${each.round_trip_ms.toFixed(1)} ms`,
        each.status === 'self' ? '' : ago(each.last_heard_at, world.now()),
      ]);
      const columns = [
        { title: 'ID' },
        { title: 'NAME', gives: true },
        { title: 'STATUS' },
        { title: 'ADDRESSES', gives: true },
        { title: 'AGENTS', align: 'right' as const },
        { title: 'ROUND TRIP', align: 'right' as const },
        { title: 'HEARD', align: 'right' as const },
      ];
      world.out.write(table(columns, rows, world.out));
      for (const each of nodes) {
        if (each.replaced_by === undefined || each.status === 'replaced') continue;
        const [old, heir] = [shortNode(each.id), shortNode(each.replaced_by)];
        world.err.write(`${old} runs, though ${heir} was made from its backup to replace it: stop one of them.\n`);
      }
      return EXIT.ok;
    }),
};
