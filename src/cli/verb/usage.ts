/** `skep usage`: what agents used, and what it cost. */
import { z } from 'zod';
import { read } from '../answers.ts';
import { ask } from '../client.ts';
import type { Sum } from '../cost.ts';
import { costText, sumSchema, timeText } from '../cost.ts';
import { EXIT } from '../exit.ts';
import { withNode } from '../find-node.ts';
import { showJson } from '../show.ts';
import { table } from '../table.ts';
import { printableLine } from '../text.ts';
import type { Leaf } from '../verb.ts';

const GROUPS = ['agent', 'task', 'node', 'day', 'model'] as const;

const answerSchema = z.object({
  total: sumSchema,
  groups: z.array(z.object({ name: z.string(), sum: sumSchema })),
  truncated: z.boolean(),
});

export const usage: Leaf = {
  name: 'usage',
  summary: 'what agents used, and what it cost',
  about:
    'Of agents that tell of it. The cost is the tool’s own word, else that of the table of prices at the agent’s node\n' +
    '(prices.json in its data directory); where neither is there, it is unknown and in no sum: such sums end with "+".',
  options: [
    { flags: '--by <what>', about: 'agent, task, node, day or model', choices: GROUPS, fallback: 'agent' },
    { flags: '--task <id>', about: 'of this task alone' },
    { flags: '--agent <agent>', about: 'of this agent alone' },
    { flags: '--node <node>', about: 'of agents on this node alone' },
    { flags: '--since <day>', about: 'from this day on (UTC), as 2026-11-26' },
  ],
  examples: [
    ['skep usage', 'by agent, the dearest first'],
    ['skep usage --by day --node build-box', 'what one machine cost, day by day'],
  ],
  asksNode: true,
  run: (given, world) =>
    withNode(given, world, async (node) => {
      const query = {
        by: given.text('by'),
        task: given.text('task'),
        agent: given.text('agent'),
        node: given.text('node'),
        since: given.text('since'),
      };
      const body = await ask(node, { method: 'GET', path: '/api/usage', query });
      if (given.json) return showJson(body, world);
      const { total, groups, truncated } = read(answerSchema, body);
      if (groups.length === 0) {
        world.out.write('Nothing yet: only agents that are driven by their protocol tell what they use.\n');
        return EXIT.ok;
      }
      const rows = groups.map(({ name, sum }) => [printableLine(name), ...cells(sum)]);
      const titles = [(query.by ?? 'agent').toUpperCase(), 'TURNS', 'TIME', 'INPUT', 'CACHED', 'OUTPUT', 'USD'];
      const columns = titles.map((title, at) => ({ title, gives: at === 0 }));
      world.out.write(table(columns, [...rows, ['total', ...cells(total)]], world.out));
      if (truncated) world.err.write('There are more records than were looked at: these are sums over the newest.\n');
      return EXIT.ok;
    }),
};

const cells = (sum: Sum): string[] => [
  sum.turns.toLocaleString('en'),
  timeText(sum),
  ...[sum.input_tokens, sum.cached_tokens, sum.output_tokens].map((count) => count.toLocaleString('en')),
  costText(sum),
];
