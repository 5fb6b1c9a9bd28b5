/** `skep agent attach`: one's own terminal becomes the agent's, here or through ssh. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { hostname } from 'node:os';
import { z } from 'zod';
import { read } from '../answers.ts';
import { ask } from '../client.ts';
import { CommandFailure, EXIT } from '../exit.ts';
import { withNode } from '../find-node.ts';
import { showJson } from '../show.ts';
import type { Leaf } from '../verb.ts';
import type { World } from '../world.ts';

const attachSchema = z.object({
  node_name: z.string(),
  command: z.array(z.string()).min(1),
  host: z.string(),
  user: z.string(),
  ssh: z.string().nullable(),
});
type Attach = z.output<typeof attachSchema>;

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
    const found = read(attachSchema, answer);
    const target = given.text('sshTo') ?? found.ssh ?? undefined;
    const command = commandFor(found, target);
    if (command === undefined) {
      world.err.write(`It runs on ${found.node_name}; nobody said how to get there by ssh. On that machine:\n`);
      world.out.write(`${shellLine(found.command)}\n`);
      return EXIT.ok;
    }
    if (given.flag('print') || !world.out.isTerminal) {
      world.out.write(`${shellLine(command)}\n`);
      return EXIT.ok;
    }
    const code = await runHere(command, world);
    if (code === SSH_FAILED && command !== found.command) {
      world.err.write(`ssh did not get to ${target}. On ${found.node_name}:\n`);
      world.out.write(`${shellLine(found.command)}\n`);
    }
    return code === 0 ? EXIT.ok : EXIT.negative;
  },
};

/** ssh's own word that it did not get there, or lost the way; anything else is how the command there ended. */
const SSH_FAILED = 255;

/** Undefined: it is elsewhere, and no way there is known. */
function commandFor({ command, host }: Attach, ssh: string | undefined): readonly string[] | undefined {
  const socket = command[1] === '-S' ? command[2] : undefined;
  if (host === hostname() && (socket === undefined || existsSync(socket))) return command;
  return ssh === undefined ? undefined : ['ssh', '-t', '--', ssh, shellLine(command)];
}

const PLAIN = /^[\w@%+:,./-]+$/;

/** As a shell takes it. */
const shellLine = (command: readonly string[]): string =>
  command.map((word) => (PLAIN.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`)).join(' ');

/** Resolves with the exit code; null where a signal ended it. */
function runHere([program = '', ...args]: readonly string[], world: World): Promise<number | null> {
  const { TMUX: _nested, ...env } = world.env;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: 'inherit', env });
    child.on('error', (error) =>
      reject(new CommandFailure(EXIT.negative, `${program} cannot be started: ${error.message}`)),
    );
    child.on('exit', resolve);
  });
}
