import { writeFileSync } from 'node:fs';
import type { Reporter, SerializedError, TestModule, TestRunEndReason } from 'vitest/node';

/**
 * Ends a run with its totals: a last line `N passed, N failed`, with `, N skipped` behind when tests were skipped.
 *
 * Where the environment names a file in `SKEP_TOTALS_FILE`, these go there instead, for tools/run.sh, which has more to
 * say before the last line: `<passed> <failed> <skipped>` on the first line, and then a line for each file with a
 * failed test, `<failed> <passed> <path>`. What failed and is of no file (an error outside any test) is in the total
 * only. A file that could not be loaded, an error outside any test and a test that never ended each count as failed:
 * `0 failed` means that all that was found has run.
 */
export default class TotalsReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly SerializedError[], reason: TestRunEndReason): void {
    const files = modules.map((module) => ({ path: module.moduleId, ...countOf(module) }));
    const sum = (what: 'passed' | 'failed' | 'skipped') => files.reduce((total, file) => total + file[what], 0);
    const count = { passed: sum('passed'), failed: sum('failed') + errors.length, skipped: sum('skipped') };
    if (reason !== 'passed' && count.failed === 0) count.failed = 1;

    const to = process.env['SKEP_TOTALS_FILE'];
    if (!to) return console.log(lineOf(count));
    const failed = files
      .filter((file) => file.failed > 0)
      .map((file) => `${file.failed} ${file.passed} ${file.path}\n`);
    writeFileSync(to, `${count.passed} ${count.failed} ${count.skipped}\n${failed.join('')}`);
  }
}

function countOf(module: TestModule): { passed: number; failed: number; skipped: number } {
  const count = { passed: 0, failed: module.errors().length, skipped: 0, pending: 0 };
  for (const test of module.children.allTests()) count[test.result().state] += 1;
  return { passed: count.passed, failed: count.failed + count.pending, skipped: count.skipped };
}

function lineOf(count: { passed: number; failed: number; skipped: number }): string {
  const skipped = count.skipped > 0 ? `, ${count.skipped} skipped` : '';
  return `${count.passed} passed, ${count.failed} failed${skipped}`;
}
