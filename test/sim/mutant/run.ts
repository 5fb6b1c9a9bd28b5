/** Runs the mutants and says what caught each: `npm run mutants` prints the table, the quick test wants every one caught. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { z } from 'zod';
import type { Catch } from './hunt.ts';
import { huntInStorms } from './hunt.ts';
import { MUTANTS } from './parts.ts';
import { PATCHED } from './patches.ts';

const run = promisify(execFile);

/** Far more than the slowest hunt takes alone on a busy machine. */
const HUNT_MAX_MS = 300_000;

const catchSchema = z.object({ seed: z.number(), by: z.string(), checks: z.array(z.string()) }).nullable();
const testReportSchema = z.object({
  numPassedTests: z.number(),
  testResults: z.array(z.object({ assertionResults: z.array(z.object({ status: z.string(), fullName: z.string() })) })),
});

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

export const MUTANT_NAMES: readonly string[] = [...Object.keys(MUTANTS), ...Object.keys(PATCHED)];

/** What caught it first; undefined when nothing did. */
export async function caught(name: string): Promise<Catch | undefined> {
  const broken = MUTANTS[name];
  if (broken !== undefined) return huntInStorms(broken);
  const look = PATCHED[name]?.look;
  if (look === undefined) throw new Error(`no mutant is named "${name}"`);
  return look.startsWith('test/') ? inUnitTest(name, look) : inChild(name);
}

/** In a process of its own, because the changed code is loaded once and for all. */
async function inChild(name: string): Promise<Catch | undefined> {
  const { stdout } = await run(process.execPath, [here('./patched-child.ts'), name], { timeout: HUNT_MAX_MS });
  return catchSchema.parse(JSON.parse(stdout)) ?? undefined;
}

/** The unit test that stands for the rule: some of its tests fail, and others still pass, so that the change broke a rule and not the code. */
async function inUnitTest(name: string, file: string): Promise<Catch | undefined> {
  const folder = mkdtempSync(join(tmpdir(), 'skep-mutant-'));
  try {
    const report = join(folder, 'report.json');
    const args = [here('../../../node_modules/vitest/vitest.mjs'), 'run', '--config', here('./vitest.config.ts'), file];
    const env = { ...process.env, SKEP_MUTANT: name, SKEP_MUTANT_REPORT: report };
    // It ends with a failure: that is what is wanted. What it says of itself is in the report.
    await run(process.execPath, args, { env, timeout: HUNT_MAX_MS, cwd: here('../../..') }).catch(() => undefined);
    const { numPassedTests, testResults } = testReportSchema.parse(JSON.parse(readFileSync(report, 'utf8')));
    const failed = testResults.flatMap((result) => result.assertionResults.filter(({ status }) => status === 'failed'));
    if (failed.length === 0 || numPassedTests === 0) return undefined;
    return { seed: 0, by: file, checks: failed.slice(0, 1).map(({ fullName }) => fullName.trim()) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** One row of the table. */
export function rowOf(name: string, found: Catch | undefined): string {
  if (found === undefined) return `| ${name} | **not caught** | | |`;
  return `| ${name} | ${found.by} | ${found.seed === 0 ? '' : found.seed} | ${found.checks.join(', ')} |`;
}

export const TABLE_HEAD = '| a node that … | is caught by | seed | where it shows |\n|---|---|---|---|';
