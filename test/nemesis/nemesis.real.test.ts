// Needs: ip, nft, strace, libfaketime, root; four to five minutes
/** The promises on real processes under real faults; docs/promises.md says what each rule means. */
import { expect, it } from 'vitest';
import { requireLab } from './directed.ts';
import { runStorm } from './storm.ts';

/** All kinds of fault come up at least three times. */
const STORM_MS = 150_000;

const seed = Number(process.env['NEMESIS_SEED'] ?? Math.floor(Math.random() * 1_000_000));

it(`keeps its promises under faults (NEMESIS_SEED=${seed})`, { timeout: 900_000 }, async (context) => {
  requireLab(context);
  const { dir, ...report } = await runStorm({ seed, stormMs: STORM_MS, say: (line) => console.log(line) });
  console.log(JSON.stringify(report, null, 2));
  if (report.violations.length > 0) console.log(`the whole history: ${dir}`);
  expect(report.violations).toEqual([]);
  // A fault that never bites tests nothing.
  expect(report.droppedFrames).toBeGreaterThan(100);
  expect(report.kinds.filter((kind) => !((report.counts[`fault: ${kind}`] ?? 0) > 0))).toEqual([]);
  expect(report.starts).toBeGreaterThan(50);
  expect(report.further).toBeGreaterThan(0);
  // Where everything must run, nothing may be missing.
  expect(process.env['SKEP_REAL_REQUIRED'] === '1' ? report.missing : []).toEqual([]);
});
