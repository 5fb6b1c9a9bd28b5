/**
 * Short commands: children of the node itself, without a holder and without a trace on disk. They end with the node when it closes; a node that is
 * killed leaves them to their own end.
 */
import { mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { ExecOptions, ExecResult, Exit } from '#ports.ts';
import { Child } from './child.ts';
import { markOf } from './layout.ts';
import { ProcTable } from './proc-table.ts';
import { messageOf } from './refusal.ts';

/** What a short command may print on each stream. One that prints more is ended: half an answer is none. */
export const EXEC_OUTPUT_MAX_BYTES = 8 * 1024 * 1024;

/** What a command gets to tidy up when it took too long, printed too much, or the runtime closes. */
const EXEC_GRACE_MS = 2_000;

/** The commands under way. */
export class Executor {
  readonly #table = new ProcTable();
  readonly #running = new Set<Promise<ExecResult>>();
  readonly #children = new Set<Child>();
  #closed = false;

  /**
   * Runs a command to its end; `directory` is the runtime's, for the mark. `exit.error` is `timed_out`, `output_limit`, or says why it could not be started; then `code` is null, and what it
   * printed until then is in the result.
   */
  run(directory: string, argv: readonly [string, ...string[]], o: ExecOptions): Promise<ExecResult> {
    const result = this.#run(directory, argv, o).finally(() => this.#running.delete(result));
    this.#running.add(result);
    return result;
  }

  /** Ends what runs, and waits for it. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const child of this.#children) child.kill(EXEC_GRACE_MS);
    await Promise.allSettled(this.#running);
  }

  async #run(directory: string, argv: readonly [string, ...string[]], o: ExecOptions): Promise<ExecResult> {
    const place = mkdtempSync(join(tmpdir(), 'skep-exec-'));
    const output = { out: new Kept(), err: new Kept() };
    let why: string | null = null;
    let timer: NodeJS.Timeout | undefined;
    let child: Child | undefined;
    const result = (exit: Exit): ExecResult => ({ exit, stdout: output.out.text(), stderr: output.err.text() });
    try {
      const mark = markOf(directory, basename(place));
      const started = await Child.start(
        { argv, ...o, mark, pipeDirectory: place, stdin: input(place, o.stdin) },
        this.#table,
      );
      child = started;
      this.#children.add(started);
      const end = (reason: string): void => {
        why ??= reason;
        started.kill(EXEC_GRACE_MS);
      };
      timer = setTimeout(end, o.timeoutMs, 'timed_out');
      if (this.#closed) end('runtime_closed');
      const exit = await started.run((stream, chunk) => {
        if (!output[stream].take(chunk)) end('output_limit');
      });
      return result(why === null ? exit : { ...exit, code: null, error: why });
    } catch (error) {
      return result({ code: null, signal: null, error: `not_started: ${messageOf(error)}` });
    } finally {
      clearTimeout(timer);
      if (child !== undefined) this.#children.delete(child);
      rmSync(place, { recursive: true, force: true });
    }
  }
}

/** A file and no pipe: it has an end that can be read again, whoever opens /dev/stdin. */
function input(place: string, text: string | undefined): number {
  if (text === undefined) return openSync('/dev/null', 'r');
  const path = join(place, 'stdin');
  writeFileSync(path, text, { mode: 0o600 });
  return openSync(path, 'r');
}

class Kept {
  readonly #chunks: Buffer[] = [];
  #bytes = 0;

  /** False when it was too much: then nothing of the chunk is kept. */
  take(chunk: Buffer): boolean {
    if (this.#bytes + chunk.length > EXEC_OUTPUT_MAX_BYTES) return false;
    this.#bytes += chunk.length;
    this.#chunks.push(chunk);
    return true;
  }

  text(): string {
    return Buffer.concat(this.#chunks).toString();
  }
}
