/** `skep task transcript`, `skep agent transcript`: what an agent did, with its tool calls, as the page shows it. */
import { read } from '../answers.ts';
import { ask } from '../client.ts';
import type { Client } from '../client.ts';
import { EXIT } from '../exit.ts';
import { withNode } from '../find-node.ts';
import type { Given } from '../given.ts';
import { showJson } from '../show.ts';
import { TASK_ID, taskPath } from '../task-find.ts';
import { printableLine } from '../text.ts';
import { transcriptSchema, transcriptText } from '../transcript.ts';
import type { Leaf } from '../verb.ts';
import type { World } from '../world.ts';

/** What one answer of a node holds at most. */
const LIMIT_MAX = 500;
const LIMIT = {
  flags: '--limit <n>',
  about: `the newest so many entries, at most ${LIMIT_MAX}`,
  kind: 'whole' as const,
};

export const taskTranscript: Leaf = {
  name: 'transcript',
  summary: 'what the agent of a task did: turns, words, tool calls, what it asked',
  args: [TASK_ID],
  options: [LIMIT, { flags: '--attempt <n>', about: 'which attempt (the last one)', kind: 'whole' }],
  examples: [
    ['skep task transcript last', 'what it did, call by call'],
    ['skep task transcript last --json', 'with the whole input and output that is kept of each call'],
  ],
  asksNode: true,
  run: (given, world) =>
    withNode(given, world, async (node) =>
      show(node, await taskPath(given.arg(0), node, '/transcript'), { given, world }),
    ),
};

export const agentTranscript: Leaf = {
  name: 'transcript',
  summary: 'what an agent did in its newest attempt: turns, words, tool calls, what it asked',
  args: [['<agent>', 'its id, short id or name']],
  options: [LIMIT],
  examples: [['skep agent transcript claude-1', 'what it did, call by call']],
  asksNode: true,
  run: (given, world) =>
    withNode(given, world, (node) =>
      show(node, `/api/swarm/agents/${encodeURIComponent(given.arg(0))}/transcript`, { given, world }),
    ),
};

async function show(node: Client, path: string, { given, world }: { given: Given; world: World }) {
  const query = { limit: given.whole('limit') ?? LIMIT_MAX, attempt: given.whole('attempt') };
  const body = await ask(node, { method: 'GET', path, query });
  if (given.json) return showJson(body, world);
  const { attempt, conversation, entries, more } = read(transcriptSchema, body);
  const named = conversation ? `, conversation ${printableLine(conversation.id)}` : '';
  world.err.write(`Attempt ${attempt}${named}.${more ? ' Only the newest entries are shown.' : ''}\n`);
  world.out.write(transcriptText(entries));
  return EXIT.ok;
}
