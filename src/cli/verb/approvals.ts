/** `skep approvals`: what agents ask before they go on. */
import { z } from 'zod';
import { approvalSchema, read } from '../answers.ts';
import type { Approval } from '../answers.ts';
import type { Client } from '../client.ts';
import { ask } from '../client.ts';
import type { ExitCode } from '../exit.ts';
import { EXIT } from '../exit.ts';
import { withNode } from '../find-node.ts';
import type { Given } from '../given.ts';
import { shortId, shortIds } from '../short-id.ts';
import { showJson, showRows, statusCell } from '../show.ts';
import { ago, printable, printableLine } from '../text.ts';
import type { Leaf } from '../verb.ts';
import type { World } from '../world.ts';

export const approvals: Leaf = {
  name: 'approvals',
  summary: 'what agents ask before they go on',
  about:
    'With an id: the whole of it, the exact command or change. Answer with skep approve or skep deny, at any node.',
  args: [['[id]', 'one of them']],
  options: [
    {
      flags: '--state <state>',
      about: 'of which state',
      choices: ['open', 'allowed', 'denied', 'closed'],
      fallback: 'open',
    },
    { flags: '-f, --follow', about: 'go on until Ctrl-C, a line for each that comes and each that is decided' },
    { flags: '--limit <n>', about: 'show so many', kind: 'whole', fallback: 100 },
  ],
  examples: [
    ['skep approvals', 'what waits for an answer, oldest first'],
    ['skep approvals 3fa9c1d2-12', 'what exactly would be done'],
    ['skep approvals --state denied', 'what was denied, by whom'],
  ],
  asksNode: true,
  run: (given, world) =>
    withNode(given, world, async (node) => {
      const id = given.args[0];
      if (id !== undefined) return showOne(id, given, node, world);
      const query = { state: given.text('state'), limit: given.whole('limit') };
      const body = await ask(node, { method: 'GET', path: '/api/approvals', query });
      if (given.json && !given.flag('follow')) return showJson(body, world);
      const found = read(z.array(approvalSchema), body);
      if (!given.json) showList(found, query.state === 'open', world);
      return given.flag('follow') ? followAll(given, node, world) : EXIT.ok;
    }),
};

function showList(found: readonly Approval[], areOpen: boolean, world: World): void {
  const short = shortIds(found.map(({ id }) => id));
  const rows = found.map((one) => [
    short(one.id),
    statusCell(one.state),
    printableLine(one.agent_name),
    printableLine(one.node_name),
    printableLine(`${one.tool}: ${one.title}`),
    printableLine(areOpen ? one.why : byOf(one)),
    ago(one.created_at, world.now()),
  ]);
  const columns = [
    { title: 'ID' },
    { title: 'STATE' },
    { title: 'AGENT' },
    { title: 'NODE' },
    { title: 'WHAT', gives: true },
    { title: areOpen ? 'WHY' : 'BY', gives: true },
    { title: 'AGE', align: 'right' as const },
  ];
  showRows({ columns, rows, none: areOpen ? 'Nothing waits for an answer.' : 'None.' }, world);
}

async function showOne(id: string, given: Given, node: Client, world: World): Promise<ExitCode> {
  const body = await ask(node, { method: 'GET', path: `/api/approvals/${encodeURIComponent(id)}` });
  if (given.json) return showJson(body, world);
  const one = read(approvalSchema, body);
  const facts = [
    ['id', one.id],
    ['state', byOf(one) === '' ? one.state : `${one.state} by ${byOf(one)}`],
    ['agent', `${one.agent_name} on ${one.node_name}`],
    ['task', `${shortId(one.task_id)}  ${one.task_title ?? ''}`],
    ['asks to use', one.tool],
    ['why', one.why],
    ['in', one.cwd ?? ''],
    ['note', one.note ?? ''],
    ['age', ago(one.created_at, world.now())],
  ] as const;
  for (const [name, value] of facts)
    if (value !== '') world.out.write(`${`${name}:`.padEnd(13)}${printableLine(value)}\n`);
  world.out.write('\n');
  // Also where a program reads: what is judged here must not hide behind escapes.
  world.out.write(`${printable(one.detail)}\n`);
  return EXIT.ok;
}

const arrivalSchema = z.object({ approval: approvalSchema });

async function followAll(given: Given, node: Client, world: World): Promise<ExitCode> {
  const ending = new AbortController();
  const off = world.onInterrupt(() => ending.abort());
  for await (const event of node.events({}, ending.signal)) {
    const arrival = event.event.startsWith('approval.') ? arrivalSchema.safeParse(event.data) : undefined;
    if (arrival?.success !== true) continue;
    if (given.json) world.out.write(`${JSON.stringify(event)}\n`);
    else world.out.write(`${lineOf(arrival.data.approval)}\n`);
  }
  off();
  return ending.signal.aborted ? EXIT.interrupted : EXIT.ok;
}

const byOf = ({ rule_id: rule, decided_by: by }: Approval): string =>
  rule === undefined ? (by ?? '') : `rule ${shortId(rule)}`;

function lineOf(one: Approval): string {
  const by = byOf(one) === '' ? '' : ` by ${byOf(one)}`;
  return printableLine(`${shortId(one.id)}  ${one.state}${by}  ${one.agent_name}: ${one.title}`);
}
