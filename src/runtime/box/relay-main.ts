/**
 * Run inside of a box: `node relay-main.ts COMMAND [ARGUMENT…]`. Opens the box's end of the relay, then runs the command with the streams of this
 * process and an environment by which tools find the relay. Ends as the command ends: with its exit code, or 128 and the number of the signal.
 */
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { IN_BOX } from '#box-ports.ts';
import { openRelayEnd, relayEnvironment } from './relay-end.ts';

/** What a shell says of a command that it cannot run. */
const NOT_RUN = 127;

async function main(program: string, args: readonly string[]): Promise<number> {
  const end = await openRelayEnd({ socket: IN_BOX.relaySocket, port: IN_BOX.relayPort });
  const env = { ...process.env, ...relayEnvironment(IN_BOX.relayPort) };
  const child = spawn(program, args, { stdio: 'inherit', env });
  // Whoever stops the box tells its whole process group: the command hears it itself, and may tidy up.
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => {});
  const code = await new Promise<number>((resolve) => {
    child.once('error', (error) => {
      process.stderr.write(`${program}: ${error.message}\n`);
      resolve(NOT_RUN);
    });
    child.once('exit', (exit, signal) => resolve(exit ?? 128 + constants.signals[signal ?? 'SIGKILL']));
  });
  end?.close();
  return code;
}

const [program, ...args] = process.argv.slice(2);
if (program === undefined) {
  process.stderr.write('relay-main.ts: expected a command\n');
  process.exit(NOT_RUN);
}
process.exit(await main(program, args));
