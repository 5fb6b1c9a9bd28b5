/** `skep rule …`: what agents may do without asking, what they are denied, and what is asked in any case. */
import { z } from 'zod';
import { read, ruleSchema } from '../answers.ts';
import type { Rule } from '../answers.ts';
import { ask } from '../client.ts';
import { EXIT } from '../exit.ts';
import { withNode } from '../find-node.ts';
import { shortId, shortIds } from '../short-id.ts';
import { showJson, showRows } from '../show.ts';
import { printableLine } from '../text.ts';
import type { Group, Leaf } from '../verb.ts';

const list: Leaf = {
  name: 'list',
  summary: 'rules of the swarm, oldest first; their order decides nothing',
  examples: [['skep rule list', 'deny goes before ask, ask before allow']],
  asksNode: true,
  run: (given, world) =>
    withNode(given, world, async (node) => {
      const body = await ask(node, { method: 'GET', path: '/api/rules' });
      if (given.json) return showJson(body, world);
      const rules = read(z.array(ruleSchema), body);
      const short = shortIds(rules.map(({ id }) => id));
      const rows = rules.map((one) => [short(one.id), one.effect, printableLine(about(one)), printableLine(one.note)]);
      const columns = [
        { title: 'ID' },
        { title: 'EFFECT' },
        { title: 'WHAT', gives: true },
        { title: 'NOTE', gives: true },
      ];
      return showRows(
        { columns, rows, none: 'No rules. Agents edit files in their own folder; all else is asked: skep approvals' },
        world,
      );
    }),
};

const about = ({ tool, command, path, agent }: Rule): string =>
  Object.entries({ tool, command, path, agent })
    .flatMap(([name, glob]) => (glob === undefined ? [] : [`${name} ${glob}`]))
    .join(', ');

const add: Leaf = {
  name: 'add',
  summary: 'add a rule for all agents of the swarm',
  about: [
    'Globs: * is any run of characters, ? is one; in a path * stops at /, and ** does not. All that is given must match. Each part of a compound',
    'command must match a rule that allows it; what cannot be split safely ($(…), a here-document, output to a file) is asked. Force-push, reset --hard,',
    'clean -f, rm -r outside the agent’s folder and the like are asked unless a pattern names them. Requests that wait are held against the new rule, too.',
  ].join(' '),
  args: [['<effect>', 'allow, ask or deny']],
  options: [
    { flags: '--tool <glob>', about: 'the agent’s word for what it wants to use: Bash, mcp__files__*' },
    { flags: '--command <glob>', about: 'only commands: npm run *' },
    { flags: '--path <glob>', about: 'only changes of files: /srv/**, or from the folder of the attempt, src/**' },
    { flags: '--agent <glob>', about: 'only agents of that name' },
    { flags: '--note <text>', about: 'why; of a deny rule, told to the agent' },
  ],
  examples: [
    ['skep rule add allow --command "npm run *"', 'no more questions about scripts of the project'],
    ['skep rule add deny --command "git push *" --note "a person pushes"', 'the agent reads why'],
    ['skep rule add ask --path "migrations/**"', 'although it is in the agent’s own folder'],
    ['skep rule add allow --command "git push --force *" --agent release-bot', 'what is grave must be named'],
  ],
  asksNode: true,
  run: (given, world) =>
    withNode(given, world, async (node) => {
      const glob = (name: string): string | null => given.text(name) ?? null;
      const body = {
        effect: given.arg(0),
        tool: glob('tool'),
        command: glob('command'),
        path: glob('path'),
        agent: glob('agent'),
        note: glob('note'),
      };
      const answer = await ask(node, { method: 'POST', path: '/api/rules', body });
      if (given.json) return showJson(answer, world);
      const rule = read(ruleSchema, answer);
      world.out.write(`${shortId(rule.id)} ${rule.effect}: ${printableLine(about(rule))}\n`);
      return EXIT.ok;
    }),
};

const remove: Leaf = {
  name: 'remove',
  summary: 'take a rule back; what it decided stands',
  args: [['<id>', 'as skep rule list shows it']],
  examples: [['skep rule remove 3fa9c1d2-14', 'agents ask again']],
  asksNode: true,
  run: (given, world) =>
    withNode(given, world, async (node) => {
      const answer = await ask(node, { method: 'DELETE', path: `/api/rules/${encodeURIComponent(given.arg(0))}` });
      if (given.json) return showJson(answer, world);
      world.out.write('Removed.\n');
      return EXIT.ok;
    }),
};

export const rule: Group = {
  name: 'rule',
  summary: 'what agents may do without asking, and what they are denied',
  leaves: [list, add, remove],
};
