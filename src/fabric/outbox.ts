/**
 * What waits to be written to one peer. Frames queued in one turn of the event loop leave in one write; while a write is under way the next
 * ones gather. The queue is bounded: a peer that does not keep up loses it as a whole and is told of by `drained`, because half a queue helps
 * nobody and anti-entropy repairs all of it.
 */

/** Bytes queued for one peer, those being written included: some 8 full frames, or 10,000 ops. */
export const QUEUE_MAX_BYTES = 8 * 1024 * 1024;

/** Bytes handed to the socket at once: enough to keep it busy, little enough that an overflow finds the rest still droppable. */
const WRITE_MAX_BYTES = 256 * 1024;

export type OutboxOptions = {
  /** Writes the bytes; calls back when the socket took them all. Is never called again before that. */
  write: (bytes: Buffer, framesCount: number, done: () => void) => void;
  /** The queue overflowed and was dropped, and by now what was being written is gone: sending works again. */
  drained: () => void;
  queueMaxBytes?: number | undefined;
};

export class Outbox {
  readonly #options: OutboxOptions;
  readonly #queueMaxBytes: number;
  #frames: Buffer[] = [];
  /** Index of the first frame of `#frames` that was not written yet. */
  #first = 0;
  #queuedBytes = 0;
  #writingBytes = 0;
  #turn: NodeJS.Immediate | undefined;
  #overflowed = false;
  #closed = false;

  constructor(options: OutboxOptions) {
    this.#options = options;
    this.#queueMaxBytes = options.queueMaxBytes ?? QUEUE_MAX_BYTES;
  }

  /** `full` from an overflow until `drained` is called: the frame is not queued. `overflow` is the one that made it so. */
  push(frame: Buffer): 'queued' | 'full' | 'overflow' {
    if (this.#closed || this.#overflowed) return 'full';
    if (this.#queuedBytes + this.#writingBytes + frame.length > this.#queueMaxBytes) {
      this.#overflowed = true;
      this.#drop();
      if (this.#writingBytes === 0) this.#scheduleTurn();
      return 'overflow';
    }
    this.#frames.push(frame);
    this.#queuedBytes += frame.length;
    if (this.#writingBytes === 0) this.#scheduleTurn();
    return 'queued';
  }

  /** Ends the outbox: the bytes of all that is still queued, in order. Nothing is written or called back any more. */
  close(): Buffer {
    const rest = Buffer.concat(this.#frames.slice(this.#first));
    this.#closed = true;
    this.#drop();
    clearImmediate(this.#turn);
    return rest;
  }

  #scheduleTurn(): void {
    this.#turn ??= setImmediate(() => {
      this.#turn = undefined;
      this.#flush();
    });
  }

  #flush(): void {
    if (this.#closed) return;
    if (this.#queuedBytes > 0) {
      const frames = this.#takeFrames();
      const [only] = frames;
      const bytes = only !== undefined && frames.length === 1 ? only : Buffer.concat(frames);
      this.#writingBytes = bytes.length;
      this.#options.write(bytes, frames.length, () => {
        this.#writingBytes = 0;
        this.#flush();
      });
    } else if (this.#overflowed) {
      this.#overflowed = false;
      this.#options.drained();
    }
  }

  /** At least one frame, and at most as many as fit into one write. */
  #takeFrames(): Buffer[] {
    const start = this.#first;
    let bytes = 0;
    for (let frame = this.#frames[start]; frame !== undefined; frame = this.#frames[this.#first]) {
      if (bytes > 0 && bytes + frame.length > WRITE_MAX_BYTES) break;
      bytes += frame.length;
      this.#first += 1;
    }
    const taken = this.#frames.slice(start, this.#first);
    this.#queuedBytes -= bytes;
    // What is gone must not pile up below the index; half a list at a time, so that each frame is moved about once.
    if (this.#first * 2 >= this.#frames.length) {
      this.#frames = this.#frames.slice(this.#first);
      this.#first = 0;
    }
    return taken;
  }

  #drop(): void {
    this.#frames = [];
    this.#first = 0;
    this.#queuedBytes = 0;
  }
}
