/** The real world of a verb: this process, its streams and signals. */
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import type { WriteStream } from 'node:tty';
import { EXIT } from './exit.ts';
import { runCommand } from './program.ts';
import type { Input, Interrupt, Output, Supervisor, World } from './world.ts';

/** A verb is over when it returns; what still holds the process after this (an idle socket, a timer) is cut. */
const LINGER_MS = 1_000;

/** Runs the command line of this process and sets its exit code. */
export async function main(): Promise<void> {
  const listeners = new Set<(why: Interrupt) => void>();
  const interrupt = (why: Interrupt): void => {
    if (listeners.size > 0) for (const listener of listeners) listener(why);
    // Nobody can read on, and nothing is left to be done: as if the program had died of it, but without noise.
    else process.exit(why === 'output_closed' ? EXIT.ok : EXIT.interrupted);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => interrupt(signal));

  const world: World = {
    out: outputOf(process.stdout, () => interrupt('output_closed')),
    err: outputOf(process.stderr, () => undefined),
    in: standardInput,
    env: process.env,
    cwd: process.cwd(),
    home: homedir(),
    version: versionOf(),
    now: () => Date.now(),
    onInterrupt: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    supervisor: supervisorOf(),
    loadHost: async () => (await import('#host.ts')).startNode,
  };
  process.exitCode = await runCommand(process.argv.slice(2), { world });
  if (process.connected) process.disconnect();
  setTimeout(() => process.exit(), LINGER_MS).unref();
}

/** A reader that went away (`skep task list | head -1`) shows as EPIPE, once; what is written afterwards goes nowhere. */
function outputOf(stream: WriteStream, onClosed: () => void): Output {
  let closed = false;
  stream.on('error', (error) => {
    if (!('code' in error) || error.code !== 'EPIPE') throw error;
    if (!closed) onClosed();
    closed = true;
  });
  return {
    write: (text) => {
      if (!closed) stream.write(text);
    },
    isTerminal: stream.isTTY === true,
    colours: coloursOf(stream),
    get columns() {
      return stream.isTTY === true ? stream.columns : undefined;
    },
  };
}

/** NO_COLOR and FORCE_COLOR count as node counts them. */
function coloursOf(stream: WriteStream): boolean {
  const { FORCE_COLOR: forced, NO_COLOR: none } = process.env;
  if (forced !== undefined && forced !== '') return forced !== '0';
  if (none !== undefined && none !== '') return false;
  return stream.isTTY === true && stream.hasColors();
}

const standardInput: Input = {
  get isTerminal() {
    return process.stdin.isTTY === true;
  },
  readAll: async () => {
    const pieces: Buffer[] = [];
    for await (const piece of process.stdin) if (Buffer.isBuffer(piece)) pieces.push(piece);
    return Buffer.concat(pieces).toString('utf8');
  },
  ask: async (question) => {
    const { createInterface } = await import('node:readline');
    const lines = createInterface({ input: process.stdin, output: process.stdout });
    const { promise, resolve } = Promise.withResolvers<string | undefined>();
    lines.once('close', () => resolve(undefined));
    lines.question(question, (answer) => {
      resolve(answer);
      lines.close();
    });
    return promise;
  },
};

function supervisorOf(): Supervisor | undefined {
  if (process.send === undefined) return undefined;
  return {
    ready: (node) => process.send?.({ ready: node }),
    onGone: (listener) => {
      process.once('disconnect', listener);
    },
  };
}

/** Of package.json, two folders up. */
function versionOf(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  const { version }: { version?: unknown } = JSON.parse(text);
  return typeof version === 'string' ? version : 'unknown';
}
