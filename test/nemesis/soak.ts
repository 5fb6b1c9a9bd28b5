/** `npm run nemesis -- --minutes 60`: storms on real processes, one seed after the other, each in a lab of its own. Needs root, ip and nft. */
import { parseArgs } from 'node:util';
import { whyNoLab } from './lab.ts';
import { retell, toothless } from './retell.ts';
import { runStorm } from './storm.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '5' },
    seed: { type: 'string' },
    'storm-seconds': { type: 'string', default: '150' },
    keep: { type: 'boolean', default: false },
    quiet: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

const say = (line: string): void => void process.stdout.write(`${line}\n`);

if (values.help) {
  say('npm run nemesis -- [--minutes N] [--seed N] [--storm-seconds N] [--keep] [--quiet]');
  say('NEMESIS_SEED=N is the same as --seed N. A storm that broke something leaves its directory, and says where.');
  process.exit(0);
}
const why = whyNoLab();
if (why !== undefined) {
  say(`skep nemesis: ${why}`);
  process.exit(2);
}

const endMs = performance.now() + Number(values.minutes) * 60_000;
const first = Number(values.seed ?? process.env['NEMESIS_SEED'] ?? Math.floor(Math.random() * 1_000_000));
const stormMs = Number(values['storm-seconds']) * 1000;
const totals = new Map<string, number>();
let kinds: string[] = [];
let storms = 0;
let failed = 0;
const add = (name: string, count: number): void => void totals.set(name, (totals.get(name) ?? 0) + count);

for (let seed = first; storms === 0 || performance.now() < endMs; seed++) {
  const report = await runStorm({
    seed,
    keep: values.keep,
    stormMs,
    say: values.quiet ? () => undefined : say,
  });
  storms += 1;
  kinds = report.kinds;
  for (const [name, count] of Object.entries(report.counts)) add(name, count);
  for (const [name, count] of Object.entries(report.tasks)) add(`tasks ${name}`, count);
  add('starts', report.starts);
  add('dropped frames', report.droppedFrames);
  add('tasks with further attempts', report.further);
  add('late results', report.late);
  const { agreedAfterMs, settledAfterMs, violations, tasks } = report;
  say(
    `seed ${seed}: ${violations.length} violations; tasks ${JSON.stringify(tasks)}; ` +
      `agreed ${seconds(agreedAfterMs)} and settled ${seconds(settledAfterMs)} after heal`,
  );
  if (values.keep) say(`  all of it: ${report.dir}`);
  if (storms === 1) for (const missing of report.missing) say(`not possible here: ${missing}`);
  if (violations.length === 0) continue;
  failed += 1;
  say(retell(report, { stormMs }));
}

for (const [name, count] of [...totals].toSorted(([a], [b]) => (a < b ? -1 : 1))) say(`${name}: ${count}`);
// One short storm does not draw every kind.
const blunt = toothless({ counts: Object.fromEntries(totals), kinds }).filter((kind) => totals.has(`fault: ${kind}`));
for (const kind of blunt) say(`came up and was never felt: ${kind}`);
say(`${storms - failed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

function seconds(ms: number | undefined): string {
  return ms === undefined || Number.isNaN(ms) ? 'not in time' : `${(ms / 1000).toFixed(1)} s`;
}
