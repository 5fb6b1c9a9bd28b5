/** `npm run fuzz -- [--minutes N] [--seed N] [--json FILE] [target …]`: fuzzes each target for its share of the time. */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { FuzzReport } from './fuzz.ts';
import { fuzz } from './fuzz.ts';
import { liveTarget } from './live.ts';
import { announcementTarget, coreTarget, decoderTarget } from './targets.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { minutes: { type: 'string', default: '10' }, seed: { type: 'string' }, json: { type: 'string' } },
});
const makers = [decoderTarget, announcementTarget, coreTarget, liveTarget];
const seed = Number(values.seed ?? Math.floor(Math.random() * 1_000_000));
const reports: FuzzReport[] = [];
const say = (line: string): void => void process.stdout.write(`${line}\n`);

for (const make of makers) {
  const target = await make();
  if (positionals.length > 0 && !positionals.includes(target.name)) continue;
  const share = positionals.length > 0 ? positionals.length : makers.length;
  const report = await fuzz(target, { seed, forMs: (Number(values.minutes) * 60_000) / share });
  await target.close?.();
  reports.push(report);
  const { inputs, seconds, blocks, memoryMiB, counts, flaw } = report;
  say(`${target.name}: ${inputs} inputs in ${seconds} s, seed ${seed}`);
  say(`  blocks reached ${blocks.corpus} -> ${blocks.end}; memory ${memoryMiB.early} -> ${memoryMiB.end} MiB`);
  say(
    `  ${Object.entries(counts)
      .filter(([, count]) => count > 0)
      .map(([name, count]) => `${name} ${count}`)
      .join(', ')}`,
  );
  if (flaw !== undefined) say(`  BROKEN: ${flaw.problem}\n  input: ${flaw.file}`);
}
if (values.json !== undefined)
  writeFileSync(
    values.json,
    `${JSON.stringify({ date: new Date().toISOString().slice(0, 10), node: process.version, reports }, null, 1)}\n`,
  );
const failed = reports.filter(({ flaw }) => flaw !== undefined).length;
say(`${reports.length - failed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
