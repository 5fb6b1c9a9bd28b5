/** `skep market …`: skills, proposals and ratings. */
import { z } from 'zod';
import { read } from '../answers.ts';
import { ask } from '../client.ts';
import { EXIT } from '../exit.ts';
import { withNode } from '../find-node.ts';
import { shortId, shortIds } from '../short-id.ts';
import { showJson, showRows, statusCell } from '../show.ts';
import type { Cell } from '../table.ts';
import { table } from '../table.ts';
import { ago, printable, printableLine } from '../text.ts';
import type { Group, Leaf } from '../verb.ts';

const party = z.looseObject({ id: z.string(), name: z.string() });
const proposalSchema = z.looseObject({
  id: z.string(),
  state: z.string(),
  payer: party,
  worker: party.nullable(),
  task: z.string(),
  amount: z.number().nullable(),
  currency: z.string().nullable(),
  created_at: z.string(),
});
type Proposal = z.output<typeof proposalSchema>;
const skillSchema = z.looseObject({
  agent_id: z.string(),
  name: z.string(),
  capability: z.string(),
  description: z.string().nullable(),
  rate: z.number().nullable(),
  currency: z.string().nullable(),
  skill_rating: z.number(),
});
const ratingSchema = z.looseObject({ id: z.string(), name: z.string(), rating: z.number(), transactions: z.number() });
const doneSchema = z.looseObject({ state: z.string() });

const price = ({ amount, currency }: { amount: number | null; currency: string | null }): string =>
  amount === null ? '' : `${amount}${currency === null ? '' : ` ${currency}`}`;

const columnsOf = (...titles: string[]) =>
  titles.map((title) => ({ title, gives: title === 'TASK' || title === 'ABOUT' }));

const skills: Leaf = {
  name: 'skills',
  summary: 'who says that it can do what, best rated first',
  args: [['[words...]', 'words, or parts of them, of its name or of what is said of it']],
  options: [{ flags: '--currency <name>', about: 'only those that are paid in it' }],
  examples: [['skep market skills rust', 'who does Rust']],
  asksNode: true,
  run: (given, world) =>
    withNode(given, world, async (node) => {
      const query = { text: given.args.join(' '), currency: given.text('currency') };
      const body = await ask(node, { method: 'GET', path: '/api/market/skills', query });
      if (given.json) return showJson(body, world);
      const rows = read(z.array(skillSchema), body).map((one) => [
        printableLine(one.capability),
        printableLine(one.name),
        one.agent_id,
        `${one.skill_rating}`,
        price({ amount: one.rate, currency: one.currency }),
        printableLine(one.description ?? ''),
      ]);
      return showRows(
        { columns: columnsOf('SKILL', 'WHO', 'ID', 'RATING', 'RATE', 'ABOUT'), rows, none: 'Nobody.' },
        world,
      );
    }),
};

function cells(one: Proposal, short: (id: string) => string, nowMs: number): Cell[] {
  return [
    short(one.id),
    ago(one.created_at, nowMs),
    statusCell(one.state),
    printableLine(one.payer.name),
    printableLine(one.worker?.name ?? 'whoever wins it'),
    price(one),
    printableLine(one.task),
  ];
}

const listLeaf = (o: { name: string; summary: string; path: string; none: string; hasState: boolean }): Leaf => ({
  name: o.name,
  summary: o.summary,
  options: [
    ...(o.hasState ? [{ flags: '--state <state>', about: 'pending, accepted, completed, disputed …' }] : []),
    { flags: '--limit <n>', about: 'show so many', kind: 'whole', fallback: 50 },
  ],
  examples: [[`skep market ${o.name}`, 'newest first']],
  asksNode: true,
  run: (given, world) =>
    withNode(given, world, async (node) => {
      const state = o.hasState ? { state: given.text('state') } : {};
      const body = await ask(node, { method: 'GET', path: o.path, query: { ...state, limit: given.whole('limit') } });
      if (given.json) return showJson(body, world);
      const found = read(z.array(proposalSchema), body);
      const short = shortIds(found.map(({ id }) => id));
      const rows = found.map((one) => cells(one, short, world.now()));
      const columns = columnsOf('ID', 'MADE', 'STATE', 'PAYER', 'WORKER', 'PRICE', 'TASK');
      world.out.write(rows.length === 0 ? o.none : table(columns, rows, world.out));
      return EXIT.ok;
    }),
});

const movedSchema = z.looseObject({ id: z.string(), before: z.number(), rating: z.number() });

/** A field of a proposal in words; nothing where it has none. */
function shown(value: unknown): string {
  const asParty = party.safeParse(value).data;
  if (asParty !== undefined) return `${printableLine(asParty.name)} (${printableLine(asParty.id)})`;
  const moves = z.array(movedSchema).safeParse(value).data;
  if (moves !== undefined) return moves.map(({ id, before, rating }) => `${id} ${before} → ${rating}`).join(', ');
  if (value === null || value === undefined) return '';
  return printable(typeof value === 'string' ? value : JSON.stringify(value));
}

const show: Leaf = {
  name: 'show',
  summary: 'one proposal, and what became of it',
  args: [['<id>', 'of the proposal']],
  examples: [['skep market show 3fa9c1d2-12', 'terms, proof, evidence, what it moved']],
  asksNode: true,
  run: (given, world) =>
    withNode(given, world, async (node) => {
      const body = await ask(node, {
        method: 'GET',
        path: `/api/market/proposals/${encodeURIComponent(given.arg(0))}`,
      });
      if (given.json) return showJson(body, world);
      for (const [name, value] of Object.entries(read(proposalSchema, body))) {
        const text = shown(value);
        if (text !== '') world.out.write(`${name.padEnd(15)} ${text}\n`);
      }
      return EXIT.ok;
    }),
};

const TERMS = [
  { flags: '--amount <n>', about: 'what is paid' },
  { flags: '--currency <name>', about: 'in what' },
  { flags: '--terms <text>', about: 'what must hold for it' },
  { flags: '--skill <name>', about: 'the skill that it is about' },
  { flags: '--expires <seconds>', about: 'until when it can be accepted', kind: 'whole' },
  { flags: '--stake <n>', about: 'points of your rating', kind: 'whole' },
] as const;

const proposeLeaf = (o: {
  name: string;
  summary: string;
  first: readonly [string, string];
  example: string;
}): Leaf => ({
  name: o.name,
  summary: o.summary,
  args: [o.first, ['<task>', 'what is to be done']],
  options: [...TERMS],
  examples: [[o.example, 'prints the id']],
  asksNode: true,
  run: (given, world) =>
    withNode(given, world, async (node) => {
      const amount = given.text('amount');
      const request = {
        ...(o.name === 'offer' ? { task_id: given.arg(0) } : { to: given.arg(0) }),
        task: given.arg(1),
        ...(amount === undefined ? {} : { amount: Number(amount) }),
        currency: given.text('currency') ?? null,
        terms: given.text('terms') ?? null,
        capability: given.text('skill') ?? null,
        expires: given.whole('expires') ?? null,
        elo_stake: given.whole('stake') ?? null,
      };
      const body = await ask(node, { method: 'POST', path: '/api/market/proposals', body: request });
      if (given.json) return showJson(body, world);
      world.out.write(`Proposed as ${shortId(read(proposalSchema, body).id)}.\n`);
      return EXIT.ok;
    }),
});

type Asked = { name: string; summary: string; option?: readonly [flag: string, field: string, about: string] };

const actLeaf = ({ name, summary, option }: Asked): Leaf => ({
  name,
  summary,
  args: [['<id>', 'of the proposal']],
  options: option === undefined ? [] : [{ flags: `--${option[0]} <text>`, about: option[2] }],
  examples: [[`skep market ${name} 3fa9c1d2-12`, 'at any node: the one where it was made decides']],
  asksNode: true,
  run: (given, world) =>
    withNode(given, world, async (node) => {
      const said = option === undefined ? undefined : given.text(option[0]);
      const request = option === undefined || said === undefined ? {} : { [option[1]]: said };
      const path = `/api/market/proposals/${encodeURIComponent(given.arg(0))}/${name}`;
      const body = await ask(node, { method: 'POST', path, body: request });
      if (given.json) return showJson(body, world);
      world.out.write(`It is ${read(doneSchema, body).state}.\n`);
      return EXIT.ok;
    }),
});

const ratings: Leaf = {
  name: 'ratings',
  summary: 'who is rated, best first',
  args: [['[skill]', 'in one skill']],
  examples: [['skep market ratings', 'by receipts alone']],
  asksNode: true,
  run: (given, world) =>
    withNode(given, world, async (node) => {
      const query = { capability: given.args[0] };
      const body = await ask(node, { method: 'GET', path: '/api/market/ratings', query });
      if (given.json) return showJson(body, world);
      const rows = read(z.array(ratingSchema), body).map((one) => [
        printableLine(one.name),
        one.id,
        `${one.rating}`,
        `${one.transactions}`,
      ]);
      return showRows(
        { columns: columnsOf('WHO', 'ID', 'RATING', 'DEALS'), rows, none: 'Nobody: no deal has ended.' },
        world,
      );
    }),
};

export const market: Group = {
  name: 'market',
  summary: 'skills, proposals, deals and ratings',
  leaves: [
    skills,
    listLeaf({
      name: 'proposals',
      summary: 'proposals and deals, newest first',
      path: '/api/market/proposals',
      none: 'No proposals.\n',
      hasState: true,
    }),
    show,
    proposeLeaf({
      name: 'propose',
      summary: 'offer an agent to pay for work',
      first: ['<to>', 'an agent by name, or @id'],
      example: 'skep market propose bob "Write the lexer" --amount 5 --currency USD',
    }),
    proposeLeaf({
      name: 'offer',
      summary: 'offer a task to whoever wins it by its claim',
      first: ['<task-id>', 'of the task'],
      example: 'skep market offer 3fa9c1d2-7 "Write the lexer" --amount 5',
    }),
    actLeaf({ name: 'accept', summary: 'accept a proposal to people' }),
    actLeaf({ name: 'reject', summary: 'reject a proposal to people', option: ['reason', 'reason', 'why'] }),
    actLeaf({
      name: 'complete',
      summary: 'confirm that the work is done',
      option: ['proof', 'proof', 'what shows it'],
    }),
    actLeaf({ name: 'dispute', summary: 'put a deal before the operator', option: ['reason', 'reason', 'why'] }),
    ratings,
    listLeaf({
      name: 'receipts',
      summary: 'deals that ended, from which ratings follow',
      path: '/api/market/receipts',
      none: 'No receipts.\n',
      hasState: false,
    }),
  ],
};
