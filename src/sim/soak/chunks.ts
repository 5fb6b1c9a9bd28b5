/**
 * A soak's results on disk: one small JSON file for each chunk of seeds. A chunk that has its file is done, so a soak goes on where it was stopped,
 * and several processes share one by taking every second, third, … chunk.
 */
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { Counts, Kind } from './kinds.ts';

const counts = z.record(z.string(), z.number());
const chunkSchema = z.object({
  kind: z.string(),
  from: z.number(),
  seeds: z.number(),
  /** Of the code that ran. */
  commit: z.string(),
  counts,
  bites: counts,
  failed: z.array(z.object({ seed: z.number(), violations: z.array(z.string()) })),
  agreeMsMax: z.number(),
  cpuSeconds: z.number(),
});
export type Chunk = z.output<typeof chunkSchema>;

/** Violations kept of one seed: the first ones say what broke, and the seed replays all. */
const VIOLATIONS_MAX = 5;

export function addCounts(sum: Counts, more: Counts): void {
  for (const [name, count] of Object.entries(more)) sum[name] = (sum[name] ?? 0) + count;
}

export async function runChunk(o: { name: string; kind: Kind; from: number; commit: string }): Promise<Chunk> {
  const before = process.cpuUsage();
  const chunk: Chunk = {
    kind: o.name,
    from: o.from,
    seeds: o.kind.chunkSeeds,
    commit: o.commit,
    counts: {},
    bites: {},
    failed: [],
    agreeMsMax: 0,
    cpuSeconds: 0,
  };
  for (let seed = o.from; seed < o.from + chunk.seeds; seed++) {
    const { counts: seedCounts, bites, violations, agreeMs } = await o.kind.run(seed);
    addCounts(chunk.counts, seedCounts);
    addCounts(chunk.bites, bites);
    chunk.agreeMsMax = Math.max(chunk.agreeMsMax, Math.round(agreeMs ?? 0));
    if (violations.length > 0) chunk.failed.push({ seed, violations: violations.slice(0, VIOLATIONS_MAX) });
  }
  const { user, system } = process.cpuUsage(before);
  chunk.cpuSeconds = (user + system) / 1_000_000;
  return chunk;
}

const fileOf = ({ kind, from }: Pick<Chunk, 'kind' | 'from'>): string =>
  `${kind}-${String(from).padStart(6, '0')}.json`;

export class ChunkFiles {
  private readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
    mkdirSync(folder, { recursive: true });
  }

  /** Whole or not at all. */
  write(chunk: Chunk): void {
    const path = join(this.folder, fileOf(chunk));
    writeFileSync(`${path}.part`, JSON.stringify(chunk));
    renameSync(`${path}.part`, path);
  }

  has(chunk: Pick<Chunk, 'kind' | 'from'>): boolean {
    return readdirSync(this.folder).includes(fileOf(chunk));
  }

  all(): Chunk[] {
    const names = readdirSync(this.folder).filter((name) => name.endsWith('.json'));
    return names.toSorted().map((name) => chunkSchema.parse(JSON.parse(readFileSync(join(this.folder, name), 'utf8'))));
  }
}
