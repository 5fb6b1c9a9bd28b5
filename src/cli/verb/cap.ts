/** `skep cap …`: how many attempts of a node, a tool or an account run at once. */
import { z } from 'zod';
import { capSchema, read } from '../answers.ts';
import type { Cap } from '../answers.ts';
import { ask } from '../client.ts';
import { EXIT, usageFailure } from '../exit.ts';
import { withNode } from '../find-node.ts';
import { showJson, showRows } from '../show.ts';
import { printableLine } from '../text.ts';
import type { Group, Leaf } from '../verb.ts';

const KIND: readonly [string, string] = ['<kind>', 'node, tool or account'];
const NAME: readonly [string, string] = [
  '<name>',
  'of the node, the tool (claude), or the account (skep agent add --account)',
];

const list: Leaf = {
  name: 'list',
  summary: 'caps of the swarm, and how many attempts of each run now',
  examples: [['skep cap list', 'what is limited']],
  asksNode: true,
  run: (given, world) =>
    withNode(given, world, async (node) => {
      const body = await ask(node, { method: 'GET', path: '/api/caps' });
      if (given.json) return showJson(body, world);
      const caps = read(z.array(capSchema), body);
      const columns = ['KIND', 'NAME', 'MAX', 'RUNNING'].map((title) => ({ title, gives: title === 'NAME' }));
      return showRows(
        {
          columns,
          rows: caps.map(cells),
          none: 'No caps: as many attempts run as there are agents. A node may have its own (--max-agents).',
        },
        world,
      );
    }),
};

const cells = ({ kind, name, max, running }: Cap): string[] => [kind, printableLine(name), `${max}`, `${running}`];

const set: Leaf = {
  name: 'set',
  summary: 'let at most so many attempts of it run at once',
  about:
    'Checked before a node claims a task; what runs goes on. Of tools and accounts each node counts what it knows to be at work or claimed\n' +
    'in the swarm: nodes that claim in the same moment, or are cut off from one another, can go above it together.',
  args: [KIND, NAME, ['<max>', 'a number, 0 for none']],
  examples: [
    ['skep cap set account team-max 2', 'agents on that account, wherever they run'],
    ['skep cap set node build-box 4', 'of one machine'],
  ],
  asksNode: true,
  run: (given, world) =>
    withNode(given, world, async (node) => {
      const max = given.arg(2);
      if (!/^\d{1,6}$/.test(max)) throw usageFailure(`a cap is a number, 0 for none, not ${max}`);
      const body = { kind: given.arg(0), name: given.arg(1), max: Number(max) };
      const answer = await ask(node, { method: 'POST', path: '/api/caps', body });
      if (given.json) return showJson(answer, world);
      const cap = read(capSchema, answer);
      world.out.write(`${cap.kind} ${printableLine(cap.name)}: at most ${cap.max}, ${cap.running} now\n`);
      return EXIT.ok;
    }),
};

const remove: Leaf = {
  name: 'remove',
  summary: 'take a cap back',
  args: [KIND, NAME],
  examples: [['skep cap remove account team-max', 'as many as there are agents']],
  asksNode: true,
  run: (given, world) =>
    withNode(given, world, async (node) => {
      const path = `/api/caps/${encodeURIComponent(given.arg(0))}/${encodeURIComponent(given.arg(1))}`;
      const answer = await ask(node, { method: 'DELETE', path });
      if (given.json) return showJson(answer, world);
      world.out.write('Removed.\n');
      return EXIT.ok;
    }),
};

export const cap: Group = {
  name: 'cap',
  summary: 'how many attempts of a node, a tool or an account run at once',
  leaves: [list, set, remove],
};
