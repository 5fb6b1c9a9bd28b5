/** Small records of what is under way, one file each, so that a restarted node knows what it had asked of whom. */
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { z } from 'zod';

export class RecordFiles<T> {
  readonly #directory: string;
  readonly #schema: z.ZodType<T>;

  /** The directory is made with the first record, with mode 0700: prompts may hold anything. */
  constructor(directory: string, schema: z.ZodType<T>) {
    this.#directory = directory;
    this.#schema = schema;
  }

  /** On disk when it returns. */
  write(name: string, record: T): void {
    mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
    const path = this.#path(name);
    writeFileSync(`${path}.new`, JSON.stringify(record), { mode: 0o600, flush: true });
    renameSync(`${path}.new`, path);
  }

  read(name: string): T | undefined {
    try {
      return this.#schema.parse(JSON.parse(readFileSync(this.#path(name), 'utf8')));
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
      throw error;
    }
  }

  drop(name: string): void {
    rmSync(this.#path(name), { force: true });
  }

  #path(name: string): string {
    return join(this.#directory, `${name}.json`);
  }
}
