/** `skep task open`: a person goes on with the conversation of an agent. */
import { read } from '../answers.ts';
import { ask } from '../client.ts';
import { withNode } from '../find-node.ts';
import { showJson } from '../show.ts';
import { seatSchema, sit } from '../sit.ts';
import { TASK_ID, taskPath } from '../task-find.ts';
import type { Leaf } from '../verb.ts';

export const taskOpen: Leaf = {
  name: 'open',
  summary: 'go on with the conversation of a task yourself, in the terminal of its tool',
  about:
    'Of a task whose agent was driven by its protocol (claude, codex, opencode). skep makes its folder anew as the agent left it, opens the conversation there in a terminal ' +
    'of its own, and attaches yours; it ends when you end the tool. While the agent is at work it is refused: only one may write a conversation.',
  args: [TASK_ID],
  options: [
    { flags: '--attempt <n>', about: 'which attempt (the last one)', kind: 'whole' },
    { flags: '--ssh-to <user@host>', about: 'how to reach the machine it is on' },
    { flags: '--print', about: 'make nothing: print the command for a terminal of yours' },
  ],
  examples: [
    ['skep task open last', 'ask the agent that just ended what it meant'],
    ['skep task open 3fa9c1d2-12 --print', 'claude --resume …, with its folder'],
  ],
  asksNode: true,
  run: async (given, world) => {
    const prints = given.flag('print');
    const body = { attempt: given.whole('attempt') ?? null, terminal: prints ? 'own' : 'held' };
    const answer = await withNode(given, world, async (node) =>
      ask(node, { method: 'POST', path: await taskPath(given.arg(0), node, '/open'), body }),
    );
    if (given.json) return showJson(answer, world);
    return sit(read(seatSchema, answer), { sshTo: given.text('sshTo'), prints }, world);
  },
};
