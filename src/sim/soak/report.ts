/** What all chunks of a soak say together. */
import type { Chunk } from './chunks.ts';
import { addCounts } from './chunks.ts';
import type { Counts, Kind } from './kinds.ts';

export type Report = {
  kind: string;
  seeds: number;
  seedsWanted: number;
  failedSeeds: number;
  counts: Counts;
  bites: Counts;
  /** Virtual milliseconds from heal to the first moment at which all nodes held the same, the longest. */
  agreeMsMax: number;
  cpuSeconds: number;
  commits: string[];
  /** The first few, each with the command's seed. */
  failures: Chunk['failed'];
};

const FAILURES_SHOWN = 5;

export function reportOf(name: string, kind: Kind, chunks: readonly Chunk[]): Report {
  const own = chunks.filter((chunk) => chunk.kind === name);
  const report: Report = {
    kind: name,
    seeds: own.reduce((sum, chunk) => sum + chunk.seeds, 0),
    seedsWanted: kind.seeds,
    failedSeeds: own.reduce((sum, chunk) => sum + chunk.failed.length, 0),
    counts: {},
    bites: {},
    agreeMsMax: Math.max(0, ...own.map((chunk) => chunk.agreeMsMax)),
    cpuSeconds: Math.round(own.reduce((sum, chunk) => sum + chunk.cpuSeconds, 0)),
    commits: [...new Set(own.map((chunk) => chunk.commit))],
    failures: own.flatMap((chunk) => chunk.failed).slice(0, FAILURES_SHOWN),
  };
  for (const chunk of own) {
    addCounts(report.counts, chunk.counts);
    addCounts(report.bites, chunk.bites);
  }
  return report;
}

/** One line for people. */
export function lineOf({ kind, seeds, seedsWanted, failedSeeds, counts, cpuSeconds }: Report): string {
  const races =
    counts['races'] === undefined ? '' : `, ${counts['races']} races, ${counts['startedTwice']} started twice`;
  return `${kind}: ${seeds} of ${seedsWanted} seeds, ${failedSeeds} failed${races}, ${cpuSeconds} s of one core`;
}
