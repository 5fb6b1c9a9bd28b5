/**
 * Real pipes for a child. What `child_process` calls a pipe is a socket, and a script that opens /dev/stderr or /dev/stdin (`tee /dev/stderr`)
 * fails on one with ENXIO. So the ends are those of FIFOs, unlinked as soon as both are open.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, openSync, rmSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';

/** Of coreutils and of busybox; node itself cannot make a FIFO. */
const MKFIFO = 'mkfifo';

/** What the child gets: to be closed here once it has them. */
export type ChildEnds = { stdin: number; stdout: number; stderr: number };

export type Pipes = { child: ChildEnds; stdin: Socket | undefined; stdout: Socket; stderr: Socket };

/**
 * Makes the three pipes in `directory`, where nothing of them stays. With `stdin` given, that open file is the child's standard input instead of
 * a pipe, and belongs to the pipes from then on. Throws what `mkfifo` or the file system say; then nothing is left open.
 */
export async function openPipes(directory: string, stdin?: number): Promise<Pipes> {
  const paths = ['stdin', 'stdout', 'stderr'].map((name) => join(directory, `${name}.pipe`));
  const [input = '', output = '', errors = ''] = paths;
  const opened: number[] = stdin === undefined ? [] : [stdin];
  const end = (path: string, flags: number): number => {
    const file = openSync(path, flags);
    opened.push(file);
    return file;
  };
  const { O_RDONLY, O_WRONLY, O_NONBLOCK } = constants;
  try {
    await makeFifos(paths);
    // Opening waits for the other end unless that is open already or one does not wait; the child's own ends must be of the waiting kind.
    const [outHere, outChild] = [end(output, O_RDONLY | O_NONBLOCK), end(output, O_WRONLY)];
    const [errHere, errChild] = [end(errors, O_RDONLY | O_NONBLOCK), end(errors, O_WRONLY)];
    const reader = stdin === undefined ? openSync(input, O_RDONLY | O_NONBLOCK) : undefined;
    const inHere = stdin === undefined ? end(input, O_WRONLY | O_NONBLOCK) : undefined;
    const inChild = stdin ?? end(input, O_RDONLY);
    if (reader !== undefined) closeSync(reader);
    return {
      child: { stdin: inChild, stdout: outChild, stderr: errChild },
      stdin: inHere === undefined ? undefined : new Socket({ fd: inHere, readable: false, writable: true }),
      stdout: new Socket({ fd: outHere, readable: true, writable: false }),
      stderr: new Socket({ fd: errHere, readable: true, writable: false }),
    };
  } catch (error) {
    for (const file of opened) closeSync(file);
    throw error;
  } finally {
    for (const path of paths) rmSync(path, { force: true });
  }
}

async function makeFifos(paths: readonly string[]): Promise<void> {
  const [code] = await once(spawn(MKFIFO, ['-m', '600', ...paths], { stdio: 'ignore' }), 'exit');
  if (code !== 0) throw new Error(`mkfifo could not make ${paths.join(' ')} (exit code ${code})`);
}

/** Closes this process's copies of the child's ends: only then does a pipe end when the child's side has closed it. */
export function closeChildEnds(ends: ChildEnds): void {
  for (const file of [ends.stdin, ends.stdout, ends.stderr]) closeSync(file);
}
