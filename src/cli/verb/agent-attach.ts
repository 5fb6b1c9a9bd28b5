/** `skep agent attach`: one's own terminal becomes the agent's, here or through ssh. */
import { read } from '../answers.ts';
import { ask } from '../client.ts';
import { withNode } from '../find-node.ts';
import { showJson } from '../show.ts';
import { seatSchema, sit } from '../sit.ts';
import type { Leaf } from '../verb.ts';

export const attach: Leaf = {
  name: 'attach',
  summary: 'sit at the terminal of an agent; C-b d leaves it',
  about:
    'On the agent’s own machine this attaches to its tmux session. On another one it goes through ssh, to where --ssh-to says or the agent’s node says by its ' +
    'own setting; where nobody says, it prints the command to copy.',
  args: [['<agent>', 'its id, short id or name']],
  options: [
    { flags: '--ssh-to <user@host>', about: 'how to reach the agent’s machine' },
    { flags: '--print', about: 'print the command instead of running it' },
  ],
  examples: [['skep agent attach claude-1', 'look at it, type to it, leave it at work']],
  asksNode: true,
  run: async (given, world) => {
    const path = `/api/swarm/agents/${encodeURIComponent(given.arg(0))}/attach`;
    const answer = await withNode(given, world, (node) => ask(node, { method: 'GET', path }));
    if (given.json) return showJson(answer, world);
    const o = { sshTo: given.text('sshTo'), prints: given.flag('print') };
    return sit(read(seatSchema, answer), o, world);
  },
};
