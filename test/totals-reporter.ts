import { writeFileSync } from 'node:fs';
import type { Reporter, SerializedError, TestModule, TestRunEndReason } from 'vitest/node';

/**
 * Ends a run with its totals: a last line `N passed, N failed`, with `, N skipped` behind when tests were skipped.
 *
 * Where the environment names a file in `SKEP_TOTALS_FILE`, the three numbers go there instead (`<passed> <failed>
 * <skipped>`), for tools/run.sh, which has more to say before the last line. A file that could not be loaded, an error
 * outside any test and a test that never ended each count as failed: `0 failed` means that all that was found has run.
 */
export default class TotalsReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly SerializedError[], reason: TestRunEndReason): void {
    const count = { passed: 0, failed: errors.length, skipped: 0, pending: 0 };
    for (const module of modules) {
      count.failed += module.errors().length;
      for (const test of module.children.allTests()) count[test.result().state] += 1;
    }
    count.failed += count.pending;
    for (const name of unsteadyOf(modules)) console.log(`unsteady, passed at its second try: ${name}`);
    if (reason !== 'passed' && count.failed === 0) count.failed = 1;

    const file = process.env['SKEP_TOTALS_FILE'];
    if (file) writeFileSync(file, `${count.passed} ${count.failed} ${count.skipped}\n`);
    else console.log(lineOf(count));
  }
}

/** With retries (vitest.config.ts) a test may fail and then pass: never in silence. */
function unsteadyOf(modules: readonly TestModule[]): string[] {
  const tests = modules.flatMap((module) => [...module.children.allTests()]);
  return tests
    .filter((test) => test.diagnostic()?.flaky === true)
    .map((test) => `${test.module.moduleId} > ${test.fullName}`);
}

function lineOf(count: { passed: number; failed: number; skipped: number }): string {
  const skipped = count.skipped > 0 ? `, ${count.skipped} skipped` : '';
  return `${count.passed} passed, ${count.failed} failed${skipped}`;
}
