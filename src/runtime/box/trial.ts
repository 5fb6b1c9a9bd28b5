/** Asks a program of this machine something, for probes: what it says, bounded. */
import { spawn } from 'node:child_process';
import { within } from '../within.ts';

/** A program that has not answered by then hangs: the slowest (the first start of Podman on a busy machine) took five seconds. */
const TRIAL_LIMIT_MS = 30_000;
const SAID_MAX_CHARS = 4_000;

export type Trial = { code: number | null; said: string; missing: boolean };

export async function tryOut(
  argv: readonly [string, ...string[]],
  env: Readonly<Record<string, string | undefined>> = process.env,
): Promise<Trial> {
  const child = spawn(argv[0], argv.slice(1), { stdio: ['ignore', 'pipe', 'pipe'], env: { ...env } });
  let said = '';
  const hear = (chunk: Buffer): void => {
    if (said.length < SAID_MAX_CHARS) said += chunk.toString();
  };
  child.stdout.on('data', hear);
  child.stderr.on('data', hear);
  const ended = new Promise<Trial>((resolve) => {
    child.once('error', (error) =>
      resolve({ code: null, said: error.message, missing: 'code' in error && error.code === 'ENOENT' }),
    );
    child.once('close', (code) => resolve({ code, said: said.trim(), missing: false }));
  });
  if (!(await within(ended, TRIAL_LIMIT_MS))) {
    child.kill('SIGKILL');
    return { code: null, said: `${argv[0]} did not answer within ${TRIAL_LIMIT_MS / 1000} s`, missing: false };
  }
  return ended;
}

/** The first line, for a message. */
export const firstLine = (said: string): string => said.split('\n', 1)[0] ?? '';
