/**
 * `npm run bench [name…] [-- --json] [--rounds N]`: runs the benches named, or all, prints what each found, and writes `results/` when every
 * round was run. Exits 0 also when a figure is below its bar: a bench tells, it does not judge a change.
 */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem, type } from 'node:os';
import { parseArgs } from 'node:util';
import { agentStart } from './agent-start.ts';
import { agents } from './agents.ts';
import { antiEntropy } from './anti-entropy.ts';
import { append } from './append.ts';
import { boxStart } from './box-start.ts';
import { compiledStart } from './compiled-start.ts';
import { decisions } from './decisions.ts';
import type { Report } from './figures.ts';
import { gossip } from './gossip.ts';
import { delivery } from './delivery.ts';
import { fleetRouter } from './fleet-router.ts';
import { heal } from './heal.ts';
import { httpCreate } from './http-create.ts';
import { hub } from './hub.ts';
import { idle } from './idle.ts';
import { lostNode } from './lost-node.ts';
import { maelstrom } from './maelstrom.ts';
import { million } from './million.ts';
import { pageSoak } from './page-soak.ts';
import { page } from './page.ts';
import { panes } from './panes.ts';
import type { Machine, Result } from './report.ts';
import { readme, terminalText } from './report.ts';
import { scaleMembers } from './scale-members.ts';
import { scaleWhole } from './scale-whole.ts';
import { scale } from './scale.ts';
import { Stage } from './stage.ts';
import { sealing } from './sealing.ts';
import { search } from './search.ts';
import { store } from './store.ts';

/** The median of five is what the results show; fewer rounds are for looking, and are not written down. */
const ROUNDS = 5;
const RESULTS = new URL('results/', import.meta.url);

const benches = new Map<string, (stage: Stage) => Promise<Report>>([
  ['append', append],
  ['http-create', httpCreate],
  ['decisions', decisions],
  ['gossip', gossip],
  ['anti-entropy', antiEntropy],
  ['million', million],
  ['sealing', sealing],
  ['idle', idle],
  ['scale', scale],
  ['scale-members', scaleMembers],
  ['scale-whole', scaleWhole],
  ['maelstrom', maelstrom],
  ['store', store],
  ['heal', heal],
  ['lost-node', lostNode],
  ['compiled-start', compiledStart],
  ['panes', panes],
  ['page', page],
  ['page-soak', pageSoak],
  ['agents', agents],
  ['agent-start', agentStart],
  ['box-start', boxStart],
  ['delivery', delivery],
  ['hub', hub],
  ['fleet-router', fleetRouter],
  ['search', search],
]);

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'boolean', default: false }, rounds: { type: 'string', default: String(ROUNDS) } },
});
const rounds = Number(values.rounds);
const unknown = positionals.filter((name) => !benches.has(name));
if (unknown.length > 0 || !Number.isInteger(rounds) || rounds < 1) {
  process.stderr.write(`usage: npm run bench [-- [--json] [--rounds N] ${[...benches.keys()].join(' | ')} …]\n`);
  process.exit(2);
}

const progress = (line: string): void => void process.stderr.write(`${line}\n`);

/** The commit that is measured, and whether files differ from it. */
function revision(): string {
  const git = (...args: string[]): string =>
    execFileSync('git', args, { cwd: import.meta.dirname, encoding: 'utf8' }).trim();
  try {
    const changed = git('status', '--porcelain', '--', '../src') !== '';
    return `${git('rev-parse', '--short', 'HEAD')}${changed ? ' with changes' : ''}`;
  } catch {
    return 'without git';
  }
}

function machine(): Machine {
  const [first] = cpus();
  return {
    cpu: first?.model ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${type()} ${release()}`,
    node: process.version,
    skep: revision(),
    date: new Date().toISOString().slice(0, 10),
    loadBefore: Math.round((loadavg()[0] ?? 0) * 10) / 10,
  };
}

let current: Stage | undefined;
let interrupted = false;
const interrupt = (): void => {
  interrupted = true;
  void current?.close().finally(() => process.exit(130));
};
process.once('SIGINT', interrupt);
process.once('SIGTERM', interrupt);

async function runOne(name: string, bench: (stage: Stage) => Promise<Report>): Promise<Result> {
  progress(`=== ${name}`);
  current = new Stage({ rounds, progress });
  try {
    const here = machine();
    return { ...(await bench(current)), machine: here };
  } finally {
    await current.close();
  }
}

function keep(result: Result): void {
  if (rounds < ROUNDS) return;
  writeFileSync(new URL(`${result.name}.json`, RESULTS), `${JSON.stringify(result, null, 1)}\n`);
  const files = readdirSync(RESULTS).filter((file) => file.endsWith('.json'));
  const order = [...benches.keys()];
  const results = files
    .map((file): Result => JSON.parse(readFileSync(new URL(file, RESULTS), 'utf8')))
    .toSorted((a, b) => order.indexOf(a.name) - order.indexOf(b.name));
  writeFileSync(new URL('README.md', RESULTS), readme(results));
}

let failed = false;
for (const [name, bench] of benches) {
  if (positionals.length > 0 && !positionals.includes(name)) continue;
  try {
    const result = await runOne(name, bench);
    keep(result);
    process.stdout.write(values.json ? `${JSON.stringify(result)}\n` : terminalText(result));
  } catch (error) {
    if (interrupted) break;
    failed = true;
    progress(`${name} failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  }
}
process.exitCode = failed ? 1 : 0;
