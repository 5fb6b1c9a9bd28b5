/** Fuzzes one target for a while, led by coverage: inputs that reach code which none reached before are kept and changed further. */
import { hash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Random } from '#sim/random.ts';
import { Coverage } from './coverage.ts';
import { mutate } from './mutate.ts';
import type { Target } from './targets.ts';

/** Inputs between two looks at coverage, which take a few milliseconds. A round that reached something new is kept whole. */
const ROUND_INPUTS = 20;
/** Rounds between two looks at whether the target still does its work. */
const CHECK_ROUNDS = 10;
/** Inputs kept; beyond it one of them gives way, but never the corpus. */
const KEPT_MAX = 2_000;
/** Memory is noted so often. */
const MEMORY_ROUNDS = 50;

export type FuzzReport = {
  target: string;
  seed: number;
  seconds: number;
  inputs: number;
  /** Blocks of `src/` reached by the corpus, and at the end. */
  blocks: { corpus: number; end: number };
  /** Resident memory after the first tenth of the time, and at the end. */
  memoryMiB: { early: number; end: number };
  counts: Record<string, number>;
  /** The promise that broke, and the file that holds the input. */
  flaw: { problem: string; file: string } | undefined;
};

export async function fuzz(target: Target, o: { seed: number; forMs: number }): Promise<FuzzReport> {
  const random = new Random(o.seed);
  const pool = [...target.corpus];
  const coverage = await Coverage.start();
  const startMs = performance.now();
  const passedMs = (): number => performance.now() - startMs;
  let [inputs, early, flaw] = [0, memoryMiB(), await runAll(target, pool)];
  await coverage.news();
  const blocks = { corpus: coverage.blocks, end: 0 };
  for (let round = 1; flaw === undefined && passedMs() < o.forMs; round += 1) {
    const { jsonShare } = target;
    const made = Array.from({ length: ROUND_INPUTS }, () =>
      mutate({ input: any(pool, random), other: any(pool, random), jsonShare, random }),
    );
    flaw = await runAll(target, made);
    inputs += made.length;
    if ((await coverage.news()) > 0) keep(pool, made, { corpus: target.corpus.length, random });
    if (round % CHECK_ROUNDS === 0) flaw ??= await checked(target);
    if (round % MEMORY_ROUNDS === 0 && passedMs() < o.forMs / 10) early = memoryMiB();
  }
  blocks.end = coverage.blocks;
  coverage.close();
  return {
    target: target.name,
    seed: o.seed,
    seconds: Math.round(passedMs() / 1_000),
    inputs,
    blocks,
    memoryMiB: { early, end: memoryMiB() },
    counts: { ...target.counts },
    flaw,
  };
}

const memoryMiB = (): number => Math.round(process.memoryUsage().rss / 2 ** 20);
const any = (pool: readonly Buffer[], random: Random): Buffer => random.pick(pool) ?? Buffer.alloc(0);

function keep(pool: Buffer[], made: readonly Buffer[], o: { corpus: number; random: Random }): void {
  for (const input of made) {
    if (pool.length < KEPT_MAX) pool.push(input);
    else pool[o.random.between(o.corpus, KEPT_MAX - 1)] = input;
  }
}

/** The first input that breaks a promise. */
async function runAll(target: Target, inputs: readonly Buffer[]): Promise<FuzzReport['flaw']> {
  for (const input of inputs) {
    try {
      await target.run(input);
    } catch (error) {
      return { problem: said(error), file: saved(target, input) };
    }
  }
  return undefined;
}

/** What broke it came in one of the last rounds: the seed shows it again. */
async function checked(target: Target): Promise<FuzzReport['flaw']> {
  try {
    await target.check();
    return undefined;
  } catch (error) {
    return { problem: `it stopped working: ${said(error)}`, file: 'none' };
  }
}

const said = (error: unknown): string => (error instanceof Error ? (error.stack ?? error.message) : String(error));

function saved(target: Target, input: Buffer): string {
  const folder = join(tmpdir(), 'skep-fuzz');
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${target.name.replaceAll(' ', '-')}-${hash('sha256', input).slice(0, 12)}`);
  writeFileSync(file, input);
  return file;
}
