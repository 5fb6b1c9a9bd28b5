/** `skep agent interrupt`, `steer` and `restart`: what people do to an agent at work. */
import { ask } from '../client.ts';
import { EXIT } from '../exit.ts';
import { withNode } from '../find-node.ts';
import { showJson } from '../show.ts';
import type { Leaf } from '../verb.ts';

const AGENT: readonly [string, string] = ['<agent>', 'its id, short id or name'];

type Control = Pick<Leaf, 'summary' | 'about' | 'examples'> & { name: string; said: string };

const controlLeaf = ({ name, said, ...told }: Control): Leaf => ({
  name,
  ...told,
  args: [AGENT],
  asksNode: true,
  run: (given, world) =>
    withNode(given, world, async (node) => {
      const path = `/api/swarm/agents/${encodeURIComponent(given.arg(0))}/${name}`;
      const answer = await ask(node, { method: 'POST', path });
      if (given.json) return showJson(answer, world);
      world.out.write(`${said}\n`);
      return EXIT.ok;
    }),
});

export const interrupt = controlLeaf({
  name: 'interrupt',
  said: 'Interrupted.',
  summary: 'end the turn it is in; it then waits to be told what to do instead',
  about:
    'An agent that reads words waits for skep agent steer, as long as for any answer of a person, and its attempt fails when nobody says anything. A ' +
    'script’s attempt ends at once. To end the task itself: skep task cancel.',
  examples: [['skep agent interrupt claude-1', 'it goes the wrong way']],
});

export const restart = controlLeaf({
  name: 'restart',
  said: 'Started anew.',
  summary: 'end the program in its terminal and start it anew',
  about: 'What it was at is interrupted. Agents driven by a protocol are started anew for each attempt anyway.',
  examples: [['skep agent restart claude-1', 'it does not come back by itself']],
});

export const admit: Leaf = {
  name: 'admit',
  summary: 'say who of those that come to a hub may write to it; without ids nobody may',
  about:
    'Ids as the hub shows them, or globs: @3f1c9a0b7d2e4455, or @* for all. They replace those that were said before.',
  args: [AGENT, ['[ids...]', 'whose messages it takes']],
  examples: [['skep agent admit reviewer-1 @3f1c9a0b7d2e4455', 'that one may write to it, by hub']],
  asksNode: true,
  run: (given, world) =>
    withNode(given, world, async (node) => {
      const allow = given.args.slice(1);
      const path = `/api/swarm/agents/${encodeURIComponent(given.arg(0))}/outsiders`;
      const answer = await ask(node, { method: 'POST', path, body: { allow } });
      if (given.json) return showJson(answer, world);
      world.out.write(
        allow.length === 0 ? 'Nobody from outside may write to it.\n' : `Admitted: ${allow.join(', ')}\n`,
      );
      return EXIT.ok;
    }),
};

export const steer: Leaf = {
  name: 'steer',
  summary: 'say something in the turn it is in, or that was interrupted',
  args: [AGENT, ['<text...>', 'what to say; - takes it from standard input']],
  examples: [['skep agent steer claude-1 "leave the tests as they are"', 'it takes that up without ending its turn']],
  asksNode: true,
  run: (given, world) =>
    withNode(given, world, async (node) => {
      const words = given.args.slice(1).join(' ');
      const body = { text: words === '-' ? await world.in.readAll() : words };
      const path = `/api/swarm/agents/${encodeURIComponent(given.arg(0))}/steer`;
      const answer = await ask(node, { method: 'POST', path, body });
      if (given.json) return showJson(answer, world);
      world.out.write('Said.\n');
      return EXIT.ok;
    }),
};
