/** `npm run sim -- --seed N --trace`, or `--seeds COUNT [--from N]`: runs storms and says which rule broke, and how to see it again. */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { Bites } from './bites.ts';
import { addBites, idleFaults } from './bites.ts';
import { Explorer } from './explorer.ts';
import { RECOVERY_HEAD, recoveries, recoveryRow } from './recovery.ts';
import { Scenario } from './scenario.ts';
import { SCENARIOS } from './scenarios.ts';
import { STORMS } from './storm-knobs.ts';
import { Storm } from './storm.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: 'string' },
    seeds: { type: 'string', default: '50' },
    from: { type: 'string', default: '1' },
    storm: { type: 'string', default: 'decision' },
    scenario: { type: 'string' },
    trace: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '100000' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

// A reader that closes the pipe early (`… | head`) ends the run quietly.
process.stdout.on('error', () => process.exit(1));
const say = (line: string): void => void process.stdout.write(`${line}\n`);

const HELP = `npm run sim -- [--seed N] [--seeds COUNT] [--from N] [--storm ${[...STORMS.keys()].join('|')}] [--trace] [--json]
npm run sim -- --seed 17 --trace     replays one history, event by event
npm run sim -- explore --rounds N    so many random histories of one slot
npm run sim -- recovery --seeds N    how long a task takes when something goes wrong
npm run sim -- --scenario NAME|FILE [--seed N] [--trace]
  ${Object.keys(SCENARIOS).join('\n  ')}`;

/** Histories from which on a fault that never bit is a failure of the run. */
const BITE_SEEDS_MIN = 50;
const VIOLATIONS_SHOWN = 5;

async function storms(): Promise<boolean> {
  const knobs = STORMS.get(values.storm);
  if (knobs === undefined) throw new Error(`--storm is one of ${[...STORMS.keys()].join(', ')}`);
  const seeds = values.seed === undefined ? Number(values.seeds) : 1;
  const from = Number(values.seed ?? values.from);
  let failed = 0;
  const bites: Bites = new Map();
  for (let seed = from; seed < from + seeds; seed++) {
    const verdict = await new Storm({ seed, knobs, ...(values.trace ? { trace: say } : {}) }).run();
    addBites(bites, verdict);
    if (values.json || values.seed !== undefined) say(JSON.stringify(verdict));
    if (verdict.violations.length === 0) continue;
    failed += 1;
    say(`seed ${seed}: ${verdict.violations.slice(0, VIOLATIONS_SHOWN).join('\n  ')}`);
    say(`  replay: npm run sim -- --seed ${seed} --storm ${values.storm} --trace`);
  }
  const idle = seeds < BITE_SEEDS_MIN ? [] : idleFaults(bites, knobs);
  if (idle.length > 0) say(`these faults never bit: ${idle.join(', ')}`);
  say(`faults: ${[...bites].map(([fault, count]) => `${fault} ${count}`).join(', ')}`);
  say(`${seeds - failed} passed, ${failed} failed`);
  return failed === 0 && idle.length === 0;
}

/** One slot at a time: finds what storms of whole swarms miss. */
function explore(): boolean {
  const rounds = Number(values.rounds);
  let [failed, crashes, ballots] = [0, 0, 0];
  for (let seed = 1; seed <= rounds; seed++) {
    const verdict = new Explorer({ seed, voters: seed % 2 === 0 ? 3 : 5 }).run();
    crashes += verdict.crashes;
    ballots += verdict.rounds;
    if (verdict.violations.length === 0) continue;
    failed += 1;
    if (failed <= VIOLATIONS_SHOWN) say(`seed ${seed}: ${verdict.violations.join(', ')}`);
  }
  say(`${rounds} histories of one slot: ${ballots} ballots, ${crashes} crashes; ${failed} failed`);
  return failed === 0;
}

async function scenario(named: string): Promise<boolean> {
  const text = SCENARIOS[named] ?? readFileSync(named, 'utf8');
  const trace = values.trace ? { trace: say } : {};
  const { violations, tookMs } = await new Scenario(text, { seed: Number(values.seed ?? 1), ...trace }).run();
  for (const [name, ms] of tookMs) say(ms === undefined ? `${name}: no end` : `${name}: ${(ms / 1_000).toFixed(3)} s`);
  for (const violation of violations) say(violation);
  return violations.length === 0;
}

async function recovery(): Promise<boolean> {
  say(RECOVERY_HEAD);
  const broken: string[] = [];
  for await (const one of recoveries(Number(values.seeds))) {
    say(recoveryRow(one));
    broken.push(...one.violations);
  }
  for (const violation of broken.slice(0, VIOLATIONS_SHOWN)) say(violation);
  return broken.length === 0;
}

const command = positionals[0] ?? 'storms';
if (values.help) say(HELP);
else if (values.scenario !== undefined) process.exitCode = (await scenario(values.scenario)) ? 0 : 1;
else if (command === 'recovery') process.exitCode = (await recovery()) ? 0 : 1;
else if (command === 'storms') process.exitCode = (await storms()) ? 0 : 1;
else if (command === 'explore') process.exitCode = explore() ? 0 : 1;
else throw new Error(`${command}: expected explore, recovery, or no command\n${HELP}`);
