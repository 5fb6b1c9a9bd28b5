import { defineConfig } from 'vitest/config';

const real = '**/*.real.test.ts';

/** Replaces a module: by itself, or every file after it had the replacement, too. */
const mocked = '**/*.mocked.test.ts';

/** Five nodes in network namespaces take minutes and the whole machine: they run by themselves, with `SKEP_NEMESIS=1 npm run test:real test/nemesis`. */
const nemesis = process.env['SKEP_NEMESIS'] === '1' ? [] : ['test/nemesis/**'];

/** What takes a second alone takes many on two cores that other tests use, too. A test that hangs says so a little later; it must never fail for want of time. */
const IN_VAIN_MS = 120_000;

/** What needs more than node and git (apt packages, agent CLIs, a browser) is named `*.real.test.ts`; see tools/run.sh. */
export default defineConfig({
  test: {
    projects: [
      // Half the time of a quick run went into loading the same modules for each file anew: these share them.
      {
        extends: true,
        test: { name: 'quick', include: ['test/**/*.test.ts'], exclude: [real, mocked], isolate: false },
      },
      { extends: true, test: { name: 'quick-mocked', include: [`test/${mocked}`] } },
      { extends: true, test: { name: 'real', include: [`test/${real}`], exclude: nemesis } },
    ],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: IN_VAIN_MS,
    hookTimeout: IN_VAIN_MS,
    // A busy machine is no failure: what is waited for comes, or the test's own time is over.
    expect: { poll: { timeout: 60_000 } },
    reporters: ['default', './test/totals-reporter.ts'],
  },
});
