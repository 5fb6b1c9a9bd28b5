import type { Exit, Proc, WholeLine } from '#ports.ts';
import type { Dialect } from './dialect.ts';
import { Requests } from './requests.ts';
import { saidIn } from './tool-end.ts';

/** The longest line that is read: above it a tool's answer is left out, and the session goes on. */
export const LINE_MAX_BYTES = 16 * 1024 * 1024;
/**
 * A tool that has not said a word by then will not. The slowest that was seen took four seconds, six of them starting at once; a machine with ten
 * times the work would end each of its tools at its start, again and again, by a limit that is near that.
 */
const START_MAX_MS = 120_000;
/** Between SIGTERM and SIGKILL, where nobody says otherwise. */
export const GRACE_MS = 5_000;
/** Lines of standard error that are kept, for when the tool ends in the middle of a turn. */
const ERRORS_KEPT = 20;

export type LineLimits = { startMs?: number; requestMs?: number; interruptMs?: number; silenceMs?: number };

/** How following a process ended: with its exit, or because this node follows it no more (undefined). */
type Followed = { exit: Exit } | undefined;

/** One process of a session, and its side of the protocol. */
export class ToolProcess {
  readonly proc: Proc;
  readonly dialect: Dialect;
  /** The last lines of its standard error. */
  readonly errors: string[] = [];
  isOver = false;
  /** It has taken up a turn. */
  hasWorked = false;
  /** It failed before it had taken anything up, as one does that cannot go on with its conversation: nothing more is asked of it. */
  isUseless = false;
  /** Resolves when it has ended and all it printed was taken. */
  done: Promise<void> = Promise.resolve();

  /** Why it did not start, where it ended by itself, or hung, before its first word. */
  failedStart: string | undefined;
  #firstError = '';
  #firstOutput = '';

  /** Why this node ended it, where it hung: `start_timeout`, `request_timeout`, and what was waited for. */
  hung: string | undefined;
  /** It has not printed a line. */
  isMute = true;
  readonly #startMs: number;
  readonly #requests: Requests;

  constructor(proc: Proc, dialect: Dialect, { startMs = START_MAX_MS, requestMs }: LineLimits = {}) {
    this.proc = proc;
    this.dialect = dialect;
    this.#startMs = startMs;
    this.#requests = new Requests({
      methods: dialect.answeredAtOnce ?? [],
      limitMs: requestMs,
      late: (method, limitMs) =>
        this.#hangs(`request_timeout: ${method}`, `has not answered ${method} within ${limitMs / 1000} s`),
    });
  }

  /** The first line that it printed: of its standard error, or where that has none, of its standard output. Empty for none. */
  get firstSaid(): string {
    return this.#firstError === '' ? this.#firstOutput : this.#firstError;
  }

  /** Hands over what it prints, line by line, each when the one before was taken. A tool that does not say a word in time is ended. */
  async follow(take: (line: WholeLine) => Promise<void>): Promise<Followed> {
    const late = setTimeout(
      () => this.#hangs('start_timeout', `has not said a word within ${this.#startMs / 1000} s of its start`),
      this.#startMs,
    );
    const errors = this.#readErrors();
    try {
      for await (const line of this.proc.whole(LINE_MAX_BYTES)) {
        clearTimeout(late);
        this.isMute = false;
        if (line.kind === 'line') {
          this.#requests.heard(line.text);
          this.#firstOutput ||= saidIn(line.text);
        }
        await take(line);
      }
      await errors;
      const exit = await this.proc.exited;
      return { exit: this.hung === undefined ? exit : { ...exit, error: this.hung } };
    } catch (error) {
      // This node stops; the process goes on.
      if (codeOf(error) === 'detached') return undefined;
      const why = `output_unreadable: ${String(error)}`;
      return { exit: { ...(await this.proc.kill(GRACE_MS)), code: null, error: why } };
    } finally {
      clearTimeout(late);
      this.#requests.stop();
      this.isOver = true;
    }
  }

  /** A process that has ended reads nothing; that it has is told by its output. */
  async write(line: string): Promise<void> {
    this.#requests.wrote(line);
    await this.proc.write(line).catch((error: unknown) => {
      if (codeOf(error) !== 'proc_ended' && codeOf(error) !== 'detached') throw error;
    });
  }

  /** True where it ended its turn without ever having worked: it is ended, too. */
  giveUpIfUseless(): boolean {
    if (this.hasWorked) return false;
    this.isUseless = true;
    this.proc.kill(GRACE_MS).catch(() => {});
    return true;
  }

  /** It is ended: nothing that is asked of it would be answered. */
  #hangs(error: string, what: string): void {
    this.hung ??= error;
    this.errors.push(`[skep: it ${what}]`);
    this.proc.kill(GRACE_MS).catch(() => {});
  }

  async #readErrors(): Promise<void> {
    for await (const line of this.proc.errors) {
      this.errors.push(line);
      this.#firstError ||= saidIn(line);
      if (this.errors.length > ERRORS_KEPT) this.errors.shift();
    }
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
