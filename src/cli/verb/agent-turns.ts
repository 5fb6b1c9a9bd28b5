/** `skep agent turns`: what an agent that is woken by messages did, a line a turn. */
import { z } from 'zod';
import { read } from '../answers.ts';
import { ask } from '../client.ts';
import { EXIT } from '../exit.ts';
import { withNode } from '../find-node.ts';
import { showJson, statusCell } from '../show.ts';
import type { Cell } from '../table.ts';
import { table } from '../table.ts';
import { printableLine } from '../text.ts';
import type { Leaf } from '../verb.ts';

const LIMIT_DEFAULT = 20;

const turnSchema = z.object({
  n: z.number(),
  state: z.string(),
  wake: z.string(),
  messages: z.array(z.string()),
  redelivered: z.number(),
  why: z.string().nullable(),
  input_tokens: z.number(),
  cached_tokens: z.number(),
  output_tokens: z.number(),
  cost_usd: z.number().nullable(),
  started_at: z.string(),
  ms: z.number().nullable(),
  context: z.object({ tokens: z.number(), max: z.number().nullable() }).nullable(),
});
const commandSchema = z.object({
  n: z.number(),
  title: z.string(),
  started_at: z.string(),
  time_limit_s: z.number(),
});
const turnsSchema = z.object({
  state: z.string(),
  why: z.string().nullable(),
  until: z.string().nullable(),
  waiting: z.number(),
  in_hand: z.number(),
  reminders: z.number(),
  conversation: z.number(),
  notes_path: z.string(),
  commands: z.array(commandSchema).default([]),
  turns: z.array(turnSchema),
});
type Turns = z.output<typeof turnsSchema>;

const percent = ({ context }: Turns['turns'][number]): string =>
  context === null || context.max === null ? '' : `${Math.round((context.tokens / context.max) * 100)} %`;

const COLUMNS = ['N', 'WOKEN BY', 'STATE', 'BEGUN', 'SECONDS', 'IN', 'CACHED', 'OUT', 'USD', 'FULL', 'WHY'].map(
  (title) => ({
    title,
    gives: title === 'WHY',
  }),
);

function rowOf(turn: Turns['turns'][number]): Cell[] {
  const { n, wake, messages, redelivered, state, started_at, ms, why } = turn;
  const times = messages.length > 1 ? ` ×${messages.length}` : '';
  return [
    String(n),
    `${wake}${times}${redelivered > 0 ? ' again' : ''}`,
    statusCell(state),
    started_at.slice(0, 19).replace('T', ' '),
    ms === null ? '' : (ms / 1_000).toFixed(1),
    String(turn.input_tokens),
    String(turn.cached_tokens),
    String(turn.output_tokens),
    turn.cost_usd === null ? '' : turn.cost_usd.toFixed(4),
    percent(turn),
    printableLine(why ?? ''),
  ];
}

const runs = ({ n, title, started_at, time_limit_s }: Turns['commands'][number]): string =>
  `command ${n} runs since ${started_at.slice(0, 19).replace('T', ' ')}, at most ${time_limit_s} s: ${printableLine(title)}\n`;

function standing({
  state,
  why,
  until,
  waiting,
  in_hand,
  reminders,
  conversation,
  notes_path,
  commands,
}: Turns): string {
  const how = [state, ...(why === null ? [] : [why]), ...(until === null ? [] : [`until ${until}`])].join(': ');
  const mail = `${waiting} waiting, ${in_hand} in hand, ${reminders} reminders`;
  return `${printableLine(how)}\n${mail}; conversation ${conversation}, notes in ${printableLine(notes_path)}\n${commands.map(runs).join('')}`;
}

export const turns: Leaf = {
  name: 'turns',
  summary: 'how an agent that is woken by messages stands, and its turns, newest first',
  args: [['<agent>', 'its id, short id or name']],
  options: [{ flags: '--limit <n>', about: 'so many turns', kind: 'whole', fallback: LIMIT_DEFAULT }],
  examples: [['skep agent turns alice', 'what woke it, what it used, what waits']],
  asksNode: true,
  run: (given, world) =>
    withNode(given, world, async (node) => {
      const path = `/api/swarm/agents/${encodeURIComponent(given.arg(0))}/turns`;
      const answer = await ask(node, { method: 'GET', path, query: { limit: given.whole('limit') } });
      if (given.json) return showJson(answer, world);
      const told = read(turnsSchema, answer);
      world.out.write(standing(told));
      if (told.turns.length > 0) world.out.write(table(COLUMNS, told.turns.map(rowOf), world.out));
      return EXIT.ok;
    }),
};
