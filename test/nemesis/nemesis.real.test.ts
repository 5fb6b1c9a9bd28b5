// Needs: ip, nft, strace, libfaketime, root; four minutes
/** The promises on real processes under real faults; docs/promises.md says what each rule means. */
import { expect, it } from 'vitest';
import { requireLab } from './directed.ts';
import { retell, toothless } from './retell.ts';
import { runStorm } from './storm.ts';

/** All kinds of fault come up at least three times. */
const STORM_MS = 150_000;

const seed = Number(process.env['NEMESIS_SEED'] ?? Math.floor(Math.random() * 1_000_000));

it(`keeps its promises under faults (NEMESIS_SEED=${seed})`, { timeout: 900_000 }, async (context) => {
  requireLab(context);
  const said: string[] = [];
  const report = await runStorm({ seed, stormMs: STORM_MS, say: (line) => void said.push(line) });
  const { dir: _dir, ...shown } = report;
  console.log(`${said.join('\n')}\n${JSON.stringify(shown, null, 2)}`);
  if (report.violations.length > 0) console.log(retell(report, { stormMs: STORM_MS }));
  expect(report.violations).toEqual([]);
  expect(toothless(report)).toEqual([]);
  expect(report.starts).toBeGreaterThan(50);
  expect(report.further).toBeGreaterThan(0);
  // Where everything must run, nothing may be missing.
  expect(process.env['SKEP_REAL_REQUIRED'] === '1' ? report.missing : []).toEqual([]);
});
