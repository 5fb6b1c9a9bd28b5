/** Where one bench happens: a temporary directory, the processes it started, and their end, also when it fails or is interrupted. */
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ChildSpec } from './child.ts';
import { Child, jsonLine } from './child.ts';
import { quantile } from './figures.ts';

/** A program that measures says its figures within this time. */
const PROGRAM_MAX_MS = 600_000;
const FSYNCS = 200;

export type Figures = Record<string, number>;

export class Stage {
  readonly dir = mkdtempSync(join(tmpdir(), 'skep-bench-'));
  readonly rounds: number;
  private readonly children = new Set<Child>();
  private readonly progress: (line: string) => void;
  private readonly endings: (() => void)[] = [];

  constructor(o: { rounds: number; progress: (line: string) => void }) {
    this.rounds = o.rounds;
    this.progress = o.progress;
  }

  say(line: string): void {
    this.progress(line);
  }

  /** Starts a process that is ended with the stage. */
  start(spec: ChildSpec): Child {
    const child = new Child(spec);
    this.children.add(child);
    child.exited.then(
      () => this.children.delete(child),
      () => this.children.delete(child),
    );
    return child;
  }

  /** Runs one of this folder's programs with one JSON argument and gives the figures of its last line. */
  async run(program: string, input: unknown, { maxMs = PROGRAM_MAX_MS } = {}): Promise<Figures> {
    const child = this.start({ name: program, argv: programArgv(program, input) });
    const figures = await child.line((line) => {
      const said = jsonLine(line);
      return said?.['done'] === true ? said : undefined;
    }, maxMs);
    await child.exited;
    const numbers = Object.entries(figures).filter((entry): entry is [string, number] => typeof entry[1] === 'number');
    return Object.fromEntries(numbers);
  }

  /** Starts one of this folder's servers and waits until it says `{"port":…}`. */
  async serve(program: string, input: unknown): Promise<{ child: Child; port: number }> {
    const child = this.start({ name: program, argv: programArgv(program, input) });
    const port = await child.line((line) => {
      const said = jsonLine(line)?.['port'];
      return typeof said === 'number' ? said : undefined;
    }, PROGRAM_MAX_MS);
    return { child, port };
  }

  /** For what a started process leaves behind by intention: called once, when all processes have ended. */
  atEnd(end: () => void): void {
    this.endings.push(end);
  }

  /** Ends every process and removes the directory. Idempotent, bounded. */
  async close(): Promise<void> {
    await Promise.all([...this.children].map((child) => child.stop()));
    for (const end of this.endings.splice(0)) end();
    rmSync(this.dir, { recursive: true, force: true });
  }
}

/** The command line of a program of this folder. */
export const programArgv = (program: string, input: unknown): [string, ...string[]] => [
  process.execPath,
  fileURLToPath(new URL(program, import.meta.url)),
  JSON.stringify(input),
];

/** A port of loopback that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port of loopback is free');
  return address.port;
}

/** What one fdatasync of 4 KB costs where the bench writes: absolute figures mean little without it. Median, in milliseconds. */
export function syncCostMs(dir: string): number {
  const path = join(dir, 'sync-cost');
  const file = openSync(path, 'w');
  const page = Buffer.alloc(4096, 'x');
  const costs: number[] = [];
  for (let at = 0; at < FSYNCS; at++) {
    const began = performance.now();
    writeSync(file, page);
    fdatasyncSync(file);
    costs.push(performance.now() - began);
  }
  closeSync(file);
  rmSync(path);
  return quantile(costs, 0.5);
}
