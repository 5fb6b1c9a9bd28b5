/**
 * A file of JSON lines that somebody else appends to, followed line by line. What it does between two looks is here: wait for the doorbell or the
 * time, end at the end once nothing more will be written, tell a torn last line. How one look is taken is said by who extends it: by the offset in
 * one file (`mailbox.ts`), or across files that are moved aside (`shared-mailbox/follower.ts`).
 */
import { open, type FileHandle } from 'node:fs/promises';
import { Bell } from './bell.ts';
import { codeOf } from './refusal.ts';

/** One read: as much as a reader in a hurry takes at once, small enough to keep one for each of many followed files. */
export const READ_BYTES = 64 * 1024;

export abstract class GrowingFile<Line> {
  protected readonly path: string;
  readonly #bell = new Bell();
  #finished = false;
  #closed = false;

  constructor(path: string) {
    this.path = path;
  }

  /** The doorbell: the file may have grown, or the pace has changed. */
  ring(): void {
    this.#bell.ring();
  }

  /** Nothing more will be written: end at the end of the file. */
  finish(): void {
    this.#finished = true;
    this.#bell.ring();
  }

  /** End now, whatever is left, also when nobody asks for the next line any more. Idempotent. */
  close(): void {
    this.#closed = true;
    this.#bell.ring();
  }

  /** Lines until `finish` or `close`. Reads only when asked for the next one, so a slow consumer costs no memory. Call it once. */
  async *lines(): AsyncGenerator<Line, void, undefined> {
    while (!this.#closed) {
      // Both before the look: what is written or said during it is news for the next one.
      const last = this.#finished;
      this.#bell.clear();
      const goesOn = yield* this.look();
      if (goesOn) continue;
      if (last) break;
      await this.#bell.wait(this.pollMs());
    }
    const torn = this.#closed ? undefined : this.torn();
    if (torn !== undefined) yield torn;
  }

  protected get isClosed(): boolean {
    return this.#closed;
  }

  protected get isFinished(): boolean {
    return this.#finished;
  }

  /** Gives the whole lines that are there now. True: look again at once, there may be more. */
  protected abstract look(): AsyncGenerator<Line, boolean, undefined>;

  /** What is told of a last line that never got its end; undefined where there is none. */
  protected abstract torn(): Line | undefined;

  /** How long to wait for the doorbell at most; undefined: without end. Asked before each wait. */
  protected abstract pollMs(): number | undefined;
}

/** The file, or undefined where there is none. Throws what else the file system throws. */
export async function openedIfThere(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, 'r');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}
