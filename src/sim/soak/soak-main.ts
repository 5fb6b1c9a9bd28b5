/** `npm run soak`: 10,000 storms and a million claim races, resumable; and the same on the literal rule, which must fail. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { ChunkFiles, runChunk } from './chunks.ts';
import type { Kind } from './kinds.ts';
import { KINDS } from './kinds.ts';
import type { Report } from './report.ts';
import { lineOf, reportOf } from './report.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    dir: { type: 'string', default: '.soak' },
    seeds: { type: 'string' },
    minutes: { type: 'string' },
    share: { type: 'string', default: '1/1' },
    out: { type: 'string', default: 'bench/results/simulator/soak.json' },
    help: { type: 'boolean', short: 'h', default: false },
  },
});
const say = (line: string): void => void process.stdout.write(`${line}\n`);

const HELP = `npm run soak -- [${[...KINDS.keys()].join('|')}|report]… [--seeds N] [--minutes N] [--share 1/2] [--dir .soak] [--out FILE]
Runs what has no result in --dir yet, a chunk of each kind in turn, then writes the report of all results to --out.
  --seeds N      so many seeds of each kind, instead of the whole soak
  --minutes N    stops after the chunk under way then; run it again to go on
  --share 2/3    every third chunk, from the second on: for several processes over one --dir
  report         only the report`;

function commitOfCode(): string {
  try {
    return execFileSync('git', ['describe', '--always', '--dirty'], { encoding: 'utf8' }).trim();
  } catch {
    return 'unknown';
  }
}

/** The seeds at which the chunks begin that are this process's to run. */
function startsOf(kind: Kind): number[] {
  const [share = 1, of = 1] = values.share.split('/').map(Number);
  const seeds = Math.min(kind.seeds, Number(values.seeds ?? kind.seeds));
  const chunks = Array.from({ length: Math.ceil(seeds / kind.chunkSeeds) }, (_, n) => n);
  return chunks.filter((n) => n % of === share - 1).map((n) => n * kind.chunkSeeds + 1);
}

/** A chunk of each kind in turn, so that a soak that is stopped early has some of each. */
async function run(kinds: readonly (readonly [string, Kind])[], files: ChunkFiles): Promise<void> {
  const commit = commitOfCode();
  const untilMs = performance.now() + Number(values.minutes ?? Number.POSITIVE_INFINITY) * 60_000;
  const left = kinds.map(([name, kind]) => ({ name, kind, starts: startsOf(kind) }));
  for (let turn = left.shift(); turn !== undefined; turn = left.shift()) {
    const { name, kind, starts } = turn;
    const from = starts.find((start) => !files.has({ kind: name, from: start }));
    if (from === undefined || performance.now() > untilMs) continue;
    const chunk = await runChunk({ name, kind, from, commit });
    files.write(chunk);
    const { failed, seeds, cpuSeconds } = chunk;
    const last = from + seeds - 1;
    say(`${new Date().toISOString()} ${name} ${from}-${last}: ${failed.length} failed, ${cpuSeconds.toFixed(1)} s`);
    for (const { seed, violations } of kind.mustHold ? failed : []) say(`  seed ${seed}: ${violations.join('\n    ')}`);
    left.push(turn);
  }
}

function report(kinds: readonly (readonly [string, Kind])[], files: ChunkFiles): boolean {
  const chunks = files.all();
  const reports: Report[] = [...KINDS].map(([name, kind]) => reportOf(name, kind, chunks));
  writeFileSync(values.out, `${JSON.stringify(reports, undefined, 2)}\n`);
  for (const one of reports) say(lineOf(one));
  const ran = new Map(reports.map((one) => [one.kind, one]));
  // Rules that are proved must hold in every history; of the literal rule, a soak that finds nothing has lost its eyes.
  return kinds.every(([name, { mustHold }]) => {
    const one = ran.get(name);
    return one === undefined || one.seeds === 0 || mustHold === (one.failedSeeds === 0);
  });
}

if (values.help) say(HELP);
else {
  const unknown = positionals.filter((name) => name !== 'report' && !KINDS.has(name));
  if (unknown.length > 0) throw new Error(`${unknown.join(', ')}: expected ${[...KINDS.keys()].join(', ')} or report`);
  const named = [...KINDS].filter(([name]) => positionals.length === 0 || positionals.includes(name));
  const files = new ChunkFiles(values.dir);
  await run(named, files);
  process.exitCode = report(named.length === 0 ? [...KINDS] : named, files) ? 0 : 1;
}
