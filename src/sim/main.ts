/** `npm run sim -- --seed N --trace`, or `--seeds COUNT [--from N]`: runs storms and says which rule broke, and how to see it again. */
import { parseArgs } from 'node:util';
import type { StormKnobs } from './storm-knobs.ts';
import { DECISION_STORM, ROUGH_STORM, SKELETON_STORM } from './storm-knobs.ts';
import { Storm } from './swarm.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: 'string' },
    seeds: { type: 'string', default: '50' },
    from: { type: 'string', default: '1' },
    storm: { type: 'string', default: 'decision' },
    trace: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

// A reader that closes the pipe early (`… | head`) ends the run quietly.
process.stdout.on('error', () => process.exit(1));
const say = (line: string): void => void process.stdout.write(`${line}\n`);

if (values.help) {
  say('npm run sim -- [--seed N] [--seeds COUNT] [--from N] [--storm skeleton|decision|rough] [--trace] [--json]');
  say('npm run sim -- --seed 17 --trace     replays one history, event by event');
  process.exit(0);
}

/** Storms of a soak, unless `--seeds` says otherwise. */
const SOAK_SEEDS = 10_000;
const storms = new Map<string, StormKnobs>([
  ['skeleton', SKELETON_STORM],
  ['decision', DECISION_STORM],
  ['rough', ROUGH_STORM],
]);
const knobs = storms.get(values.storm);
if (knobs === undefined) throw new Error(`--storm is one of ${[...storms.keys()].join(', ')}`);
const soak = positionals[0] === 'soak' && values.seeds === '50';
const seeds = values.seed === undefined ? Number(soak ? SOAK_SEEDS : values.seeds) : 1;
const from = Number(values.seed ?? values.from);
let failed = 0;
const bites = new Map<string, number>();
for (let seed = from; seed < from + seeds; seed++) {
  const verdict = await new Storm({ seed, knobs, ...(values.trace ? { trace: say } : {}) }).run();
  for (const [fault, count] of Object.entries(verdict.bites)) bites.set(fault, (bites.get(fault) ?? 0) + count);
  if (values.json || values.seed !== undefined) say(JSON.stringify(verdict));
  if (verdict.violations.length === 0) continue;
  failed += 1;
  say(`seed ${seed}: ${verdict.violations.slice(0, 5).join('\n  ')}`);
  say(`  replay: npm run sim -- --seed ${seed} --storm ${values.storm} --trace`);
}
say(`faults: ${[...bites].map(([fault, count]) => `${fault} ${count}`).join(', ')}`);
say(`${seeds - failed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
