/** Which parts of `src/` an input reached for the first time, as V8 counts blocks: inputs that reach something new are worth changing further. */
import { Session } from 'node:inspector/promises';

export class Coverage {
  readonly #session = new Session();
  readonly #seen = new Set<string>();

  static async start(): Promise<Coverage> {
    const coverage = new Coverage();
    coverage.#session.connect();
    await coverage.#session.post('Profiler.enable');
    await coverage.#session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
    await coverage.news();
    return coverage;
  }

  get blocks(): number {
    return this.#seen.size;
  }

  /** Blocks reached since the last question that were never reached before. */
  async news(): Promise<number> {
    const { result } = await this.#session.post('Profiler.takePreciseCoverage');
    const before = this.#seen.size;
    for (const { url, functions } of result) {
      if (!url.includes('/src/')) continue;
      for (const { ranges } of functions) {
        for (const { startOffset, endOffset, count } of ranges) {
          if (count > 0) this.#seen.add(`${url} ${startOffset} ${endOffset}`);
        }
      }
    }
    return this.#seen.size - before;
  }

  close(): void {
    this.#session.disconnect();
  }
}
