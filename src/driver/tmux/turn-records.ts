/** Turns under way, one small file each, so that a restarted node knows what it had asked of whom. */
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { ProcId } from '#core/brand.ts';

const recordSchema = z.object({
  /** The program that was asked: another one in the same pane knows nothing of it. */
  pid: z.number().int(),
  prompt: z.string(),
  /** The screen as it was before. */
  before: z.string(),
  /** By the wall clock: a turn's limit goes on while the node is down. */
  submittedMs: z.number(),
  hasRun: z.boolean(),
});
export type TurnRecord = z.output<typeof recordSchema>;

export class TurnRecords {
  readonly #directory: string;

  /** Made with mode 0700: prompts may hold anything. */
  constructor(directory: string) {
    this.#directory = directory;
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  }

  write(id: ProcId, record: TurnRecord): void {
    const path = this.#path(id);
    writeFileSync(`${path}.new`, JSON.stringify(record), { mode: 0o600, flush: true });
    renameSync(`${path}.new`, path);
  }

  read(id: ProcId): TurnRecord | undefined {
    try {
      return recordSchema.parse(JSON.parse(readFileSync(this.#path(id), 'utf8')));
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
      throw error;
    }
  }

  drop(id: ProcId): void {
    rmSync(this.#path(id), { force: true });
  }

  #path(id: ProcId): string {
    return join(this.#directory, `${id}.json`);
  }
}
