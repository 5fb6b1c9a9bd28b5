/** `skep chat hook …`: webhooks of channels, at the node that is asked. */
import { z } from 'zod';
import { read } from '../answers.ts';
import { ask } from '../client.ts';
import type { Client } from '../client.ts';
import { usageFailure, EXIT } from '../exit.ts';
import { withNode } from '../find-node.ts';
import { showJson, showRows, statusCell } from '../show.ts';
import { printableLine } from '../text.ts';
import type { Group, Leaf } from '../verb.ts';

const hookSchema = z.looseObject({
  id: z.string(),
  name: z.string(),
  channel: z.string(),
  direction: z.string(),
  url: z.string().nullable(),
  state: z.string(),
  handled: z.number(),
  waiting: z.number().nullable(),
  trouble: z
    .looseObject({ message_id: z.string().nullable(), reason: z.string(), attempts: z.number().nullable() })
    .nullable(),
});
type Hook = z.output<typeof hookSchema>;
const madeSchema = hookSchema.extend({ secret: z.string(), post_path: z.string().nullable() });

const add: Leaf = {
  name: 'add',
  summary: 'make a webhook of a channel; its secret is shown this once',
  about:
    'With a URL, what is said in the channel is posted there, signed, from this one node. Without, it makes a URL at which others post, signed,\n' +
    'what is then said in the channel as @hook-NAME. How requests are signed stands in docs/security.md.',
  args: [
    ['<channel>', 'its name with #'],
    ['[url]', 'where to tell what is said: https://HOST/PATH'],
  ],
  options: [
    { flags: '--name <name>', about: 'small letters, digits and dashes', fallback: 'hook' },
    { flags: '--allow-private', about: 'the URL may lead to this machine, or into its network' },
  ],
  examples: [
    ["skep chat hook add '#general' https://chat.example.org/in --name chat", 'tells what is said there from now on'],
    ["skep chat hook add '#pull-requests' --name ci", 'prints the path to post to, and the secret'],
  ],
  asksNode: true,
  run: (given, world) =>
    withNode(given, world, async (node) => {
      const [channel, url] = given.args;
      const common = { name: given.text('name'), channel };
      if (url === undefined && given.flag('allowPrivate')) throw usageFailure('--allow-private is for a URL');
      const body =
        url === undefined
          ? { ...common, direction: 'in' }
          : { ...common, direction: 'out', url, allow_private: given.flag('allowPrivate') };
      const answer = await ask(node, { method: 'POST', path: '/api/webhooks', body });
      if (given.json) return showJson(answer, world);
      const made = read(madeSchema, answer);
      world.out.write(`id      ${made.id}\n`);
      if (made.post_path !== null) world.out.write(`path    ${made.post_path}\n`);
      world.out.write(`secret  ${made.secret}\n`);
      if (world.out.isTerminal) world.err.write('Keep the secret now: it cannot be shown again.\n');
      return EXIT.ok;
    }),
};

const list: Leaf = {
  name: 'list',
  summary: 'webhooks of the node, and how each does',
  args: [['[channel]', 'those of one channel']],
  examples: [['skep chat hook list', 'what was told or taken, what waits, and why']],
  asksNode: true,
  run: (given, world) =>
    withNode(given, world, async (node) => {
      const query = { channel: given.args[0] };
      const body = await ask(node, { method: 'GET', path: '/api/webhooks', query });
      if (given.json) return showJson(body, world);
      const hooks = read(z.array(hookSchema), body);
      const columns = [
        { title: 'ID' },
        { title: 'NAME' },
        { title: 'CHANNEL' },
        { title: 'WAY' },
        { title: 'STATE' },
        { title: 'DONE', align: 'right' as const },
        { title: 'WAIT', align: 'right' as const },
        { title: 'WHERE, AND WHAT IS WRONG', gives: true },
      ];
      return showRows({ columns, rows: hooks.map(rowOf), none: 'No webhooks.' }, world);
    }),
};

function rowOf(hook: Hook) {
  const { trouble } = hook;
  const tries = trouble?.attempts === null || trouble === null ? '' : ` (${trouble.attempts} tries)`;
  const wrong = trouble === null ? '' : `; ${trouble.reason}${tries}`;
  const waiting = hook.waiting === null ? 'many' : String(hook.waiting);
  const [out, state] = [hook.direction === 'out', statusCell(hook.state)];
  const where = printableLine(`${hook.url ?? `@hook-${hook.name}`}${wrong}`);
  return [hook.id, hook.name, hook.channel, hook.direction, state, String(hook.handled), out ? waiting : '', where];
}

/** By its id or its name. */
async function idOf(ref: string, node: Client): Promise<string> {
  const hooks = read(z.array(hookSchema), await ask(node, { method: 'GET', path: '/api/webhooks' }));
  return hooks.find(({ id, name }) => id === ref || name === ref)?.id ?? ref;
}

const remove: Leaf = {
  name: 'remove',
  summary: 'take a webhook away; its secret is worth nothing any more',
  args: [['<hook>', 'its id or name']],
  examples: [['skep chat hook remove ci', 'nothing is told or taken from then on']],
  asksNode: true,
  run: (given, world) =>
    withNode(given, world, async (node) => {
      const path = `/api/webhooks/${encodeURIComponent(await idOf(given.arg(0), node))}`;
      const answer = await ask(node, { method: 'DELETE', path });
      if (given.json) return showJson(answer, world);
      world.out.write('Removed.\n');
      return EXIT.ok;
    }),
};

const resume: Leaf = {
  name: 'resume',
  summary: 'let a webhook that gave up go on where it stopped',
  args: [['<hook>', 'its id or name']],
  options: [{ flags: '--skip', about: 'leave out the message at which it stopped' }],
  examples: [['skep chat hook resume chat', 'it tells that message, and all that were said since']],
  asksNode: true,
  run: (given, world) =>
    withNode(given, world, async (node) => {
      const path = `/api/webhooks/${encodeURIComponent(await idOf(given.arg(0), node))}/resume`;
      const answer = await ask(node, { method: 'POST', path, body: { skip: given.flag('skip') } });
      if (given.json) return showJson(answer, world);
      world.out.write('It goes on.\n');
      return EXIT.ok;
    }),
};

export const hook: Group = {
  name: 'hook',
  summary: 'webhooks: tell what is said in a channel, or let others post there',
  leaves: [add, list, remove, resume],
};
