import type { Exit, Proc } from '#ports.ts';

/** What it said last is what it died of. */
const LINES_KEPT = 10;

/** How a session ends whose server this node lost, and one that was closed. */
export const GONE: Exit = { code: null, signal: null, error: 'holder_lost' };
export const DONE: Exit = { code: 0, signal: null, error: null };

const LISTENING = /listening on (http:\/\/\S+)/;

/** A running `opencode serve`: its address is read from what it prints, from the beginning, also by a node that attaches. */
export class ServerProcess {
  readonly proc: Proc;
  /** Rejects when it ends, or this node stops, before it has told. */
  readonly url: Promise<string>;
  /** Its exit; undefined when this node stops following, and the server goes on. */
  readonly ended: Promise<Exit | undefined>;
  readonly #lines: string[] = [];
  #isOver = false;

  constructor(proc: Proc) {
    this.proc = proc;
    const url = Promise.withResolvers<string>();
    this.url = url.promise;
    // Whoever needs no address need not hear that there is none.
    this.url.catch(() => {});
    this.ended = Promise.all([this.#read(proc.lines, url.resolve), this.#read(proc.errors, url.resolve)]).then(
      () => proc.exited.catch(() => undefined),
      () => undefined,
    );
    const over = (): void => void (this.#isOver = true);
    proc.exited.then(over, over);
    void this.ended.then((exit) => url.reject(new Error(exit === undefined ? 'this node stops' : this.lastWords())));
  }

  /** It has ended, or this node stopped following it. */
  get isOver(): boolean {
    return this.#isOver;
  }

  lastWords(): string {
    return this.#lines.join('\n');
  }

  async #read(lines: AsyncIterable<string>, found: (url: string) => void): Promise<void> {
    for await (const line of lines) {
      const [, url] = LISTENING.exec(line) ?? [];
      if (url !== undefined) found(url);
      this.#lines.push(line);
      if (this.#lines.length > LINES_KEPT) this.#lines.shift();
    }
  }
}
