/** `skep token …`: who may come in over HTTP. */
import { z } from 'zod';
import { read, tokenSchema } from '../answers.ts';
import { ask } from '../client.ts';
import { EXIT } from '../exit.ts';
import { withNode } from '../find-node.ts';
import { showJson } from '../show.ts';
import { table } from '../table.ts';
import { ago, printableLine } from '../text.ts';
import type { Group, Leaf } from '../verb.ts';

const list: Leaf = {
  name: 'list',
  summary: 'names and roles of all tokens; the tokens themselves are nowhere to be read',
  examples: [['skep token list', 'who may come in, and since when']],
  asksNode: true,
  run: (given, world) =>
    withNode(given, world, async (node) => {
      const body = await ask(node, { method: 'GET', path: '/api/tokens' });
      if (given.json) return showJson(body, world);
      const rows = read(z.array(tokenSchema), body).map((token) => [
        printableLine(token.name),
        token.role,
        ago(token.created_at, world.now()),
      ]);
      world.out.write(
        table([{ title: 'NAME' }, { title: 'ROLE' }, { title: 'CREATED', align: 'right' }], rows, world.out),
      );
      return EXIT.ok;
    }),
};

const create: Leaf = {
  name: 'create',
  summary: 'make a token; it is shown this once',
  args: [['<name>', 'whom it is for']],
  options: [
    {
      flags: '--role <role>',
      about: 'viewer looks, operator does',
      choices: ['operator', 'viewer'],
      fallback: 'viewer',
    },
  ],
  examples: [
    ['skep token create dashboard --role viewer', 'for a screen on the wall'],
    ['export SKEP_TOKEN=$(skep token create laptop --role operator)', 'for skep --url on another machine'],
  ],
  asksNode: true,
  run: (given, world) =>
    withNode(given, world, async (node) => {
      const body = { name: given.arg(0), role: given.text('role') };
      const answer = await ask(node, { method: 'POST', path: '/api/tokens', body });
      if (given.json) return showJson(answer, world);
      world.out.write(`${read(z.object({ token: z.string() }), answer).token}\n`);
      if (world.out.isTerminal) world.err.write('Keep it now: it cannot be shown again.\n');
      return EXIT.ok;
    }),
};

const revoke: Leaf = {
  name: 'revoke',
  summary: 'take a token back; browsers logged in with it are logged out',
  args: [['<name>', 'its name']],
  examples: [['skep token revoke dashboard', 'from the next request on']],
  asksNode: true,
  run: (given, world) =>
    withNode(given, world, async (node) => {
      const answer = await ask(node, { method: 'DELETE', path: `/api/tokens/${encodeURIComponent(given.arg(0))}` });
      if (given.json) return showJson(answer, world);
      world.out.write('Revoked.\n');
      return EXIT.ok;
    }),
};

export const token: Group = {
  name: 'token',
  summary: 'list, create and revoke tokens for HTTP',
  leaves: [list, create, revoke],
};
