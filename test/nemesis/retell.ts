/** What somebody needs who was not there: why a storm failed, what happened around it, and how to see it again. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { StormReport } from './storm.ts';

/** Lines of the record that are shown for one violation: from the creation of a task to its end. */
const LINES_MAX = 60;
/** The same rule is often broken by many tasks; the first few tell as much as all. */
const VIOLATIONS_MAX = 8;
/** Lines of each node's log. */
const LOG_LINES_MAX = 15;
const LINE_LENGTH_MAX = 400;

/** Ids of ops, as a violation names them. */
const ID = /[0-9a-f]{32}-\d+/g;

export function retell(report: StormReport, o: { stormMs: number }): string {
  const record = linesOf(join(report.dir, 'history.jsonl'));
  const told = report.violations.slice(0, VIOLATIONS_MAX).flatMap((violation) => {
    const ids = violation.match(ID) ?? [];
    const about = record.filter((line) => ids.some((id) => line.includes(`"${id}"`)));
    return [`broken: ${violation}`, ...cut(about, LINES_MAX)];
  });
  const logs = report.nodes.flatMap((name) => [
    `the end of ${name}.log:`,
    ...cut(linesOf(join(report.dir, `${name}.log`)), LOG_LINES_MAX, 'last'),
  ]);
  return [
    ...told,
    ...logs,
    `${report.violations.length} violations with seed ${report.seed}; logs, data and history.jsonl: ${report.dir}`,
    `again: npm run nemesis -- --minutes 0 --seed ${report.seed} --storm-seconds ${o.stormMs / 1000}`,
    'The seed draws the same faults and requests; when they meet is real time’s choice, so it may take several runs.',
  ].join('\n');
}

/** Kinds of fault that came up and were never felt: what tests nothing must not look like a test. */
export const toothless = ({ counts, kinds }: Pick<StormReport, 'counts' | 'kinds'>): string[] =>
  kinds.filter((kind) => (counts[`bit: ${kind}`] ?? 0) === 0);

function cut(lines: readonly string[], max: number, which: 'first' | 'last' = 'first'): string[] {
  const kept = which === 'first' ? lines.slice(0, max) : lines.slice(-max);
  const more = lines.length - kept.length;
  const shown = kept.map((line) => `  ${line.slice(0, LINE_LENGTH_MAX)}`);
  return more > 0 ? [...shown, `  (${more} more)`] : shown;
}

const linesOf = (path: string): string[] =>
  readFileSync(path, { encoding: 'utf8', flag: 'a+' })
    .split('\n')
    .filter((line) => line !== '');
