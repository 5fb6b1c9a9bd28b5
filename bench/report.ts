/** What a person reads of a bench: on the terminal, and as the table in `results/README.md`. */
import type { Bar, Report, Series, Verdict } from './figures.ts';
import { median } from './figures.ts';

/** Where and with what it was measured. */
export type Machine = {
  cpu: string;
  cores: number;
  memoryGiB: number;
  system: string;
  node: string;
  skep: string;
  date: string;
  /** Processes that wanted to run in the minute before: above the number of cores, absolute figures suffer. */
  loadBefore: number;
};

/** A result as it lies in `results/<name>.json`. */
export type Result = Report & { machine: Machine };

const shown = (value: number): string => {
  if (!Number.isFinite(value)) return '-';
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en');
  return value.toPrecision(3).replace(/\.?0+$/, (zeros) => (zeros.startsWith('.') ? '' : zeros));
};

const barText = (bar: Bar): string => ('atLeast' in bar ? `≥ ${bar.atLeast}` : `≤ ${bar.atMost}`);
const withUnit = (text: string, unit: string): string => `${text} ${unit}`;
const range = (one: { min: number; max: number }): string => `${shown(one.min)} .. ${shown(one.max)}`;

const seriesRow = ({ name, unit, values }: Series): string[] => [
  name,
  withUnit(shown(median(values)), unit),
  range({ min: Math.min(...values), max: Math.max(...values) }),
];

const verdictRow = (one: Verdict): string[] => [
  one.what,
  withUnit(shown(one.median), one.unit),
  range(one),
  withUnit(barText(one.bar), one.unit),
  one.passes ? 'pass' : 'below',
];

/** Columns as wide as their widest cell. */
function aligned(rows: readonly string[][]): string[] {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  return rows.map((row) => `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`.trimEnd());
}

/** One bench for the terminal. */
export function terminalText({ machine, ...report }: Result): string {
  const versions = Object.entries({ skep: machine.skep, node: machine.node, ...report.versions });
  return [
    `${report.name}: median of ${report.rounds} (range)`,
    ...aligned(report.series.map(seriesRow)),
    ...(report.verdicts.length === 0 ? [] : ['', ...aligned(report.verdicts.map(verdictRow))]),
    '',
    `  ${versions.map(([name, version]) => `${name} ${version}`).join(' · ')}`,
    ...report.missing.map((line) => `  missing: ${line}`),
    ...report.notes.map((line) => `  note: ${line}`),
    '',
  ].join('\n');
}

const markdownTable = (head: readonly string[], rows: readonly string[][]): string[] => [
  `| ${head.join(' | ')} |`,
  `|${head.map(() => '---').join('|')}|`,
  ...rows.map((row) => `| ${row.join(' | ')} |`),
];

/** The page of all results. */
export function readme(results: readonly Result[]): string {
  const verdicts = results.flatMap((result) => result.verdicts.map((one) => [result.name, ...verdictRow(one)]));
  return [
    '# Bench results',
    '',
    'Written by `npm run bench`; the figures of each round are in the JSON files beside this page. skep and its peers take turns in one run; a ratio is formed inside a round, and the median over the rounds stands to the bar. Absolute figures belong to one machine and one hour; only ratios of one run mean something elsewhere.',
    '',
    ...markdownTable(['bench', 'what', 'median', 'range', 'bar', ''], verdicts),
    '',
    ...results.flatMap(section),
  ].join('\n');
}

function section({ machine, ...report }: Result): string[] {
  const versions = Object.entries({ skep: machine.skep, node: machine.node, ...report.versions });
  return [
    `## ${report.name}`,
    '',
    report.about,
    '',
    ...markdownTable([`figure, ${report.rounds} rounds`, 'median', 'range'], report.series.map(seriesRow)),
    '',
    ...report.notes.map((line) => `- ${line}`),
    ...report.missing.map((line) => `- Missing: ${line}`),
    `- ${machine.date}, ${machine.cores} cores of ${machine.cpu}, ${machine.memoryGiB} GiB, ${machine.system}, load ${machine.loadBefore} before it began; ${versions.map(([name, version]) => `${name} ${version}`).join(', ')}.`,
    '',
  ];
}
