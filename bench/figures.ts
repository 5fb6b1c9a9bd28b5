/** What a bench found: a figure a round, ratios formed inside one round, and how the median stands to its bar. */

/** One figure, measured once a round. */
export type Series = { name: string; unit: string; values: readonly number[] };

/** What the project promises of a figure. */
export type Bar = { atLeast: number } | { atMost: number };

export type Verdict = {
  what: string;
  unit: string;
  median: number;
  min: number;
  max: number;
  bar: Bar;
  passes: boolean;
};

export type Report = {
  name: string;
  about: string;
  rounds: number;
  series: Series[];
  verdicts: Verdict[];
  /** Versions of all programs that were measured. */
  versions: Record<string, string>;
  /** Peers that are not on this machine, with how to get them. */
  missing: string[];
  /** What a reader must know to judge the figures. */
  notes: string[];
};

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const [low, high] = [sorted[middle - 1], sorted[middle]];
  if (high === undefined) return Number.NaN;
  return sorted.length % 2 === 1 || low === undefined ? high : (low + high) / 2;
}

/** The value below which `share` (0 to 1) of the values lie; the array is sorted in place. */
export function quantile(values: number[], share: number): number {
  values.sort((a, b) => a - b);
  return values[Math.min(values.length - 1, Math.floor(values.length * share))] ?? Number.NaN;
}

/** Judges a figure by its median over all rounds. */
export function judge(what: string, unit: string, values: readonly number[], bar: Bar): Verdict {
  const middle = median(values);
  const passes = 'atLeast' in bar ? middle >= bar.atLeast : middle <= bar.atMost;
  return { what, unit, median: middle, min: Math.min(...values), max: Math.max(...values), bar, passes };
}

/** Judges `ours / theirs`, divided round by round: only figures of one round met the same noise. */
export function judgeRatio(what: string, ours: Series, theirs: Series, bar: Bar): Verdict {
  const ratios = ours.values.map((value, round) => value / (theirs.values[round] ?? Number.NaN));
  return judge(what, '×', ratios, bar);
}

/** Collects figures by name, in the order in which they first came. */
export class SeriesBook {
  private readonly held = new Map<string, { unit: string; values: number[] }>();

  add(name: string, unit: string, value: number): void {
    const series = this.held.get(name) ?? { unit, values: [] };
    series.values.push(value);
    this.held.set(name, series);
  }

  get(name: string): Series | undefined {
    const held = this.held.get(name);
    return held === undefined ? undefined : { name, ...held };
  }

  /** Throws for a name that was never added: a bug of the bench. */
  need(name: string): Series {
    const held = this.get(name);
    if (held === undefined) throw new Error(`no figure ${name}`);
    return held;
  }

  all(): Series[] {
    return [...this.held].map(([name, series]) => ({ name, ...series }));
  }
}
