/** One's own terminal becomes that of an agent, here or through ssh; or the command for it is printed. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { hostname } from 'node:os';
import { z } from 'zod';
import type { ExitCode } from './exit.ts';
import { CommandFailure, EXIT } from './exit.ts';
import type { World } from './world.ts';

export const seatSchema = z.object({
  node_name: z.string(),
  command: z.array(z.string()).min(1),
  host: z.string(),
  user: z.string(),
  ssh: z.string().nullable(),
});
type Seat = z.output<typeof seatSchema>;

/** `sshTo`: how to get to its machine, where the agent's node does not say. */
export async function sit(
  found: Seat,
  o: { sshTo: string | undefined; prints: boolean },
  world: World,
): Promise<ExitCode> {
  const target = o.sshTo ?? found.ssh ?? undefined;
  const command = commandFor(found, target);
  if (command === undefined) {
    world.err.write(`It runs on ${found.node_name}; nobody said how to get there by ssh. On that machine:\n`);
    world.out.write(`${shellLine(found.command)}\n`);
    return EXIT.ok;
  }
  if (o.prints || !world.out.isTerminal) {
    world.out.write(`${shellLine(command)}\n`);
    return EXIT.ok;
  }
  const code = await runHere(command, world);
  if (code === SSH_FAILED && command !== found.command) {
    world.err.write(`ssh did not get to ${target}. On ${found.node_name}:\n`);
    world.out.write(`${shellLine(found.command)}\n`);
  }
  return code === 0 ? EXIT.ok : EXIT.negative;
}

/** ssh's own word that it did not get there, or lost the way; anything else is how the command there ended. */
const SSH_FAILED = 255;

/** Undefined: it is elsewhere, and no way there is known. */
function commandFor({ command, host }: Seat, ssh: string | undefined): readonly string[] | undefined {
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
