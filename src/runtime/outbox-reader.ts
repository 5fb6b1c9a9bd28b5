import { MailboxReader } from './mailbox.ts';
import type { OutboxRecord } from './outbox.ts';
import { outboxRecordOf, segmentPath, segmentsIn } from './outbox.ts';
import { codeOf } from './refusal.ts';

/** What a follower of an outbox meets: everything but the marks between segments, which it has followed or told as `dropped`. */
export type OutboxLine = Exclude<OutboxRecord, { t: 'next' | 'segment' }>;

/** A segment may be pushed out between the look and the opening; each further look finds a newer one, so more than a few would be a fault. */
const LOOKS_MAX = 100;

/** Follows an outbox through its segments, from its beginning to its exit. */
export class OutboxReader {
  readonly #directory: string;
  readonly #pollMs: number | undefined;
  #reader: MailboxReader | undefined;
  #finished = false;
  #closed = false;
  /** What the process had printed where the last segment ended. */
  #atBytes = 0;

  constructor(directory: string, o: { pollMs?: number } = {}) {
    this.#directory = directory;
    this.#pollMs = o.pollMs;
  }

  /** The doorbell: the outbox may have grown. */
  ring(): void {
    this.#reader?.ring();
  }

  /** Nothing more will be written, even if no exit stands there: end at the end. */
  finish(): void {
    this.#finished = true;
    this.#reader?.finish();
  }

  /** End now. Idempotent. */
  close(): void {
    this.#closed = true;
    this.#reader?.close();
  }

  /** Ends after the exit. Call it once. Throws what the file system throws. */
  async *records(): AsyncGenerator<OutboxLine, void, undefined> {
    let looks = 0;
    for (let segment: number | undefined = 0; segment !== undefined && !this.#closed;) {
      const current: number = segment;
      try {
        segment = yield* this.#follow(current);
        looks = 0;
      } catch (error) {
        looks += 1;
        if (codeOf(error) !== 'ENOENT' || looks > LOOKS_MAX) throw error;
        segment = this.#oldestFrom(current);
      }
    }
  }

  /** Reads one segment to its end; returns the next one's number, or undefined after the last. */
  async *#follow(segment: number): AsyncGenerator<OutboxLine, number | undefined, undefined> {
    const wait = this.#pollMs === undefined ? {} : { pollMs: this.#pollMs };
    const reader = new MailboxReader(segmentPath(this.#directory, segment), { ...wait, mustExist: segment > 0 });
    this.#reader = reader;
    if (this.#finished) reader.finish();
    if (this.#closed) reader.close();
    for await (const line of reader.lines()) {
      if (line.kind === 'fault') {
        yield { t: 'dropped', bytes: line.bytes };
        continue;
      }
      const record = outboxRecordOf(line.value);
      if (record === undefined) continue;
      if (record.t === 'next') {
        this.#atBytes = record.atBytes;
        return record.segment;
      }
      if (record.t === 'segment') {
        if (record.atBytes > this.#atBytes) yield { t: 'dropped', bytes: record.atBytes - this.#atBytes };
        continue;
      }
      yield record;
      if (record.t === 'exit') return undefined;
    }
    return undefined;
  }

  #oldestFrom(segment: number): number | undefined {
    return segmentsIn(this.#directory).find((one) => one >= segment);
  }
}
