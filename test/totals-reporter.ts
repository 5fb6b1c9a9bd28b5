import type { Reporter, TestModule, TestRunEndReason, SerializedError } from 'vitest/node';

/**
 * Prints the totals of a run as its last line: `N passed, N failed`, with `, N skipped` behind when tests were skipped.
 *
 * A file that could not be loaded, an error outside any test, and a run without a single test each count as a failure:
 * a line that says `0 failed` means that everything found was run.
 */
export default class TotalsReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[], reason: TestRunEndReason): void {
    const count = { passed: 0, failed: unhandled.length, skipped: 0, pending: 0 };
    for (const module of modules) {
      count.failed += module.errors().length;
      for (const test of module.children.allTests()) count[test.result().state] += 1;
    }
    // A test that never ended (the run was interrupted) has not passed.
    count.failed += count.pending;
    if (reason !== 'passed' && count.failed === 0) count.failed = 1;
    const skipped = count.skipped > 0 ? `, ${count.skipped} skipped` : '';
    console.log(`${count.passed} passed, ${count.failed} failed${skipped}`);
  }
}
