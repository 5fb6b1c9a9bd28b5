/**
 * Follows a mailbox on a file system that two machines share: no doorbell, no lock, and a file that may be moved aside while it is read. A place in
 * it is an inode and an offset, so that it holds across rotations and restarts.
 */
import { closeSync, fstatSync, openSync } from 'node:fs';
import { stat, type FileHandle } from 'node:fs/promises';
import { GrowingFile, openedIfThere, READ_BYTES } from '../growing-file.ts';
import { JsonLines } from '../json-lines.ts';
import { codeOf } from '../refusal.ts';
import { rotatedNumbers, rotatedPath } from './rotation.ts';

/** `inode` is text: on large file systems it has 64 bits. `offset`: where the next line begins. */
export type MailboxPosition = { inode: string; offset: number };

/**
 * `truncated`: the file became shorter than what was read of it; it is read from its beginning. `replaced`: the file that was read is not there any
 * more, under no name; what it may have held beyond is lost, and the one that stands there now is read from its beginning.
 */
type FollowFault = 'not_json' | 'too_long' | 'torn' | 'truncated' | 'replaced';

/** `position` is behind the line: a follower that begins there goes on with the next one. */
export type FollowedLine =
  | { kind: 'record'; value: unknown; position: MailboxPosition }
  | { kind: 'fault'; why: FollowFault; position: MailboxPosition };

export type MailboxFollowerOptions = {
  /** Behind the last line that was taken; without it, from the oldest file on. */
  from?: MailboxPosition | undefined;
  /** How long to wait before the next look; asked before each. */
  pollMs: () => number;
};

/**
 * Looks that do not find the file that was read, before it counts as gone: a network file system may show a directory as it was some seconds ago.
 */
const MISSES_MAX = 20;

/** Where the place is now: in the file that is written to, or in one that was moved aside, whose name stays its own. */
type Found = { path: string; rotated: number | undefined; inode: string | undefined };

/** Throws what the file system throws, but for a file that is not there. */
export class MailboxFollower extends GrowingFile<FollowedLine> {
  readonly #pollMs: () => number;
  #position: MailboxPosition | undefined;
  /** The number of the moved file that was read to its end: the next one, or else the file that is written to, follows. */
  #done: { number: number; inode: string } | undefined;
  #lines = new JsonLines();
  #misses = 0;
  #restsAt: string | undefined;

  constructor(path: string, o: MailboxFollowerOptions) {
    super(path);
    this.#position = o.from;
    this.#pollMs = o.pollMs;
  }

  protected pollMs(): number {
    return this.#pollMs();
  }

  protected torn(): FollowedLine | undefined {
    if (this.#lines.heldBytes === 0 || this.#position === undefined) return undefined;
    return { kind: 'fault', why: 'torn', position: this.#position };
  }

  /** Reads to the end of the file where the place is. True where another one follows. */
  protected async *look(): AsyncGenerator<FollowedLine, boolean, undefined> {
    if (this.#isAsBefore()) return false;
    const found = await this.#find();
    if (found === undefined) return yield* this.#missed();
    const file = await openedIfThere(found.path);
    if (file === undefined) return false;
    try {
      const { ino, size } = await file.stat({ bigint: true });
      const inode = String(ino);
      // Moved between the two looks at it, so that another one has its name: the next look finds it.
      if (found.inode !== undefined && inode !== found.inode) return false;
      this.#misses = 0;
      this.#position ??= { inode, offset: 0 };
      if (Number(size) < this.#position.offset) yield this.#beginAnew('truncated', inode);
      yield* this.#read(file);
    } finally {
      await file.close();
    }
    return found.rotated !== undefined && !this.isClosed && (yield* this.#leave(found.rotated));
  }

  /**
   * That the file which is written to is the one that was read, and ends where the reading ended: most looks find that, and a mailbox at rest is to cost
   * next to nothing. It is opened for it: on a network file system that is when its end is learnt, and `stat` may tell what was true a minute ago.
   */
  #isAsBefore(): boolean {
    const place = this.#position;
    if (place === undefined) return false;
    let file: number;
    try {
      file = openSync(this.path, 'r');
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return false;
      throw error;
    }
    try {
      const { ino, size } = fstatSync(file, { bigint: true });
      if (String(ino) !== place.inode || Number(size) !== place.offset + this.#lines.heldBytes) return false;
      this.#misses = 0;
      return true;
    } finally {
      closeSync(file);
    }
  }

  async *#read(file: FileHandle): AsyncGenerator<FollowedLine, void, undefined> {
    const buffer = Buffer.allocUnsafe(READ_BYTES);
    for (;;) {
      const place = this.#position;
      if (place === undefined || this.isClosed) return;
      const { bytesRead } = await file.read(buffer, 0, READ_BYTES, place.offset + this.#lines.heldBytes);
      if (bytesRead === 0) return;
      this.#restsAt = undefined;
      for (const line of this.#lines.feed(buffer.subarray(0, bytesRead))) {
        const position = { inode: place.inode, offset: (this.#position?.offset ?? 0) + line.bytes };
        this.#position = position;
        yield line.kind === 'record'
          ? { kind: 'record', value: line.value, position }
          : { kind: 'fault', why: line.why, position };
        if (this.isClosed) return;
      }
    }
  }

  /**
   * The end of a file that was moved aside. Whoever had opened it before it was moved has until the next look to end its line. True when the next
   * file is to be read.
   */
  *#leave(number: number): Generator<FollowedLine, boolean, undefined> {
    const place = this.#position;
    if (place === undefined) return false;
    if (this.#restsAt !== place.inode && !this.isFinished) {
      this.#restsAt = place.inode;
      return false;
    }
    if (this.#lines.heldBytes > 0) yield { kind: 'fault', why: 'torn', position: place };
    this.#lines = new JsonLines();
    this.#done = { number, inode: place.inode };
    this.#position = undefined;
    return true;
  }

  /** The file that was read has no name any more. */
  async *#missed(): AsyncGenerator<FollowedLine, boolean, undefined> {
    if (this.#position === undefined) return false;
    this.#misses += 1;
    if (this.#misses < MISSES_MAX && !this.isFinished) return false;
    const now = await inodeOf(this.path);
    if (now === undefined) return false;
    yield this.#beginAnew('replaced', now);
    return true;
  }

  #beginAnew(why: 'truncated' | 'replaced', inode: string): FollowedLine {
    const position = { inode, offset: 0 };
    this.#lines = new JsonLines();
    this.#position = position;
    this.#misses = 0;
    return { kind: 'fault', why, position };
  }

  async #find(): Promise<Found | undefined> {
    const now = await inodeOf(this.path);
    const place = this.#position;
    if (place === undefined) return this.#next(now, rotatedNumbers(this.path));
    if (now === place.inode) return { path: this.path, rotated: undefined, inode: now };
    for (const number of rotatedNumbers(this.path)) {
      const path = rotatedPath(this.path, number);
      if ((await inodeOf(path)) === place.inode) return { path, rotated: number, inode: place.inode };
    }
    return undefined;
  }

  #next(now: string | undefined, numbers: readonly number[]): Found | undefined {
    const done = this.#done;
    const number = numbers.find((one) => done === undefined || one > done.number);
    if (number !== undefined) return { path: rotatedPath(this.path, number), rotated: number, inode: undefined };
    // The name still stands for the file that was moved aside: a directory as it was before.
    if (now === undefined || now === done?.inode) return undefined;
    return { path: this.path, rotated: undefined, inode: now };
  }
}

async function inodeOf(path: string): Promise<string | undefined> {
  try {
    return String((await stat(path, { bigint: true })).ino);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}
