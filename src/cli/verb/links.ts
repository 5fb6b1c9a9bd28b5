/** `skep node links`: this node's links, and what went over each. */
import { z } from 'zod';
import { linkSchema, read } from '../answers.ts';
import { ask } from '../client.ts';
import { EXIT } from '../exit.ts';
import { withNode } from '../find-node.ts';
import { shortNode } from '../short-id.ts';
import { showJson } from '../show.ts';
import { table } from '../table.ts';
import { printableLine, size } from '../text.ts';
import type { Leaf } from '../verb.ts';

const right = (title: string) => ({ title, align: 'right' as const });

export const links: Leaf = {
  name: 'links',
  summary: 'the links of this node, and what went over each',
  about:
    'New: batches of ops that were new here when they came; passed on: of those. Known: all of it was here. Gaps: sent before what they follow, which is asked for then.\n' +
    'Refused: they do not hold. Dropped: how often the queue to that node was full; repair sends what was in it.',
  examples: [['skep node links', 'frames, bytes, duplicates and gaps of each peer']],
  asksNode: true,
  run: (given, world) =>
    withNode(given, world, async (node) => {
      const body = await ask(node, { method: 'GET', path: '/api/swarm/links' });
      if (given.json) return showJson(body, world);
      const rows = read(z.array(linkSchema), body).map((link) => [
        shortNode(link.node_id),
        printableLine(link.name),
        `${link.dialled ? 'to' : 'from'} ${printableLine(link.address)}`,
        link.round_trip_ms === null ? '' : `${link.round_trip_ms.toFixed(1)} ms`,
        `${link.frames_in} / ${size(link.bytes_in)}`,
        `${link.frames_out} / ${size(link.bytes_out)}`,
        String(link.batches.taken),
        String(link.batches.relayed),
        String(link.batches.repeated),
        String(link.batches.gaps),
        String(link.batches.refused),
        String(link.overflows),
      ]);
      const counted = ['ROUND TRIP', 'IN', 'OUT', 'NEW', 'PASSED ON', 'KNOWN', 'GAPS', 'REFUSED', 'DROPPED'].map(right);
      const columns = [{ title: 'ID' }, { title: 'NAME', gives: true }, { title: 'LINK', gives: true }, ...counted];
      world.out.write(table(columns, rows, world.out));
      return EXIT.ok;
    }),
};
