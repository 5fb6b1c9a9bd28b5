/**
 * What a process said, as a mailbox that its holder writes and nodes follow, bounded on disk.
 *
 * `outbox.jsonl` takes the first half of the bound. What comes after it goes to segments `outbox-1.jsonl`, `outbox-2.jsonl`, … of a quarter each,
 * of which the newest two stay: beginning and end are always there. A follower that keeps up sees everything; one that comes later, or is slower
 * than two segments, sees how many bytes are missing.
 *
 *     {"t":"started","pid":4711,"atMs":1767225600000}
 *     {"t":"out","lines":"first line\nsecond line"}
 *     {"t":"err","lines":"the beginning of a line above 64 KiB","more":true}
 *     {"t":"next","segment":1,"atBytes":524288}
 *     {"t":"segment","segment":1,"atBytes":524288}
 *     {"t":"dropped","bytes":1000}
 *     {"t":"exit","code":0,"signal":null,"error":null}
 */
import { closeSync, fstatSync, openSync, readdirSync, readSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Exit } from '#ports.ts';
import { isObject, JsonLines } from './json-lines.ts';
import { MailboxWriter } from './mailbox.ts';
import type { OutputText } from './output-splitter.ts';
import { codeOf } from './refusal.ts';

export type OutboxRecord =
  | { t: 'started'; pid: number; atMs: number }
  | { t: 'out' | 'err'; lines: string; more?: boolean }
  /** Output that is not here: pushed out by newer output, or refused by the disk. */
  | { t: 'dropped'; bytes: number }
  /** The last record. */
  | ({ t: 'exit' } & Exit)
  /** This segment ends, and that one follows. `atBytes`: how much the process had printed until then. */
  | { t: 'next'; segment: number; atBytes: number }
  | { t: 'segment'; segment: number; atBytes: number };

/** Below this, segments would hold less than one record. */
const BOUND_MIN_BYTES = 64 * 1024;

/** Whole segments kept beside the first; two, so that right after a turn to a new one there is still a full one. */
const SEGMENTS_KEPT = 2;

/** An exit's error is a sentence, not a dump: an exit record always fits into the end that {@link readExit} reads. */
export const EXIT_ERROR_MAX_CHARACTERS = 500;
const EXIT_RECORD_MAX_BYTES = 8 * 1024;

export function segmentPath(directory: string, segment: number): string {
  return join(directory, segment === 0 ? 'outbox.jsonl' : `outbox-${segment}.jsonl`);
}

/** Numbers of the segments that are there, in order. */
export function segmentsIn(directory: string): number[] {
  const numbers: number[] = [];
  for (const name of readdirSync(directory)) {
    const match = /^outbox(?:-([1-9][0-9]*))?\.jsonl$/.exec(name);
    if (match !== null) numbers.push(Number(match[1] ?? 0));
  }
  return numbers.toSorted((a, b) => a - b);
}

/** The record of a line, or undefined for what is none (a newer writer's kinds are skipped, not refused). */
export function outboxRecordOf(value: unknown): OutboxRecord | undefined {
  if (!isObject(value)) return undefined;
  const { t, lines, more, bytes, segment, atBytes, pid, atMs } = value;
  if ((t === 'out' || t === 'err') && typeof lines === 'string') return { t, lines, more: more === true };
  if (t === 'started' && typeof pid === 'number' && typeof atMs === 'number') return { t, pid, atMs };
  if (t === 'dropped' && typeof bytes === 'number') return { t, bytes };
  if ((t === 'next' || t === 'segment') && typeof segment === 'number' && typeof atBytes === 'number') {
    return { t, segment, atBytes };
  }
  const exit = t === 'exit' ? exitOf(value) : undefined;
  return exit === undefined ? undefined : { t: 'exit', ...exit };
}

/** Reads an {@link Exit} out of a record or a message; undefined where it is none. */
export function exitOf(value: unknown): Exit | undefined {
  if (!isObject(value)) return undefined;
  const { code, signal, error } = value;
  if (typeof code !== 'number' && code !== null) return undefined;
  if (typeof signal !== 'string' && signal !== null) return undefined;
  if (typeof error !== 'string' && error !== null) return undefined;
  return { code, signal, error };
}

/** Writes one process's outbox. Never throws for a disk that refuses: what could not be written is counted and told once it can. */
export class OutboxWriter {
  readonly #directory: string;
  readonly #boundBytes: number;
  #segment: number;
  #writer: MailboxWriter;
  #printedBytes = 0;
  #unwrittenBytes = 0;

  /** Goes on with the newest segment where there already is one (a holder that ends what its predecessor began). */
  constructor(directory: string, boundBytes: number) {
    this.#directory = directory;
    this.#boundBytes = Math.max(boundBytes, BOUND_MIN_BYTES);
    this.#segment = segmentsIn(directory).at(-1) ?? 0;
    this.#writer = new MailboxWriter(segmentPath(directory, this.#segment));
  }

  started(pid: number, atMs: number): void {
    this.#append({ t: 'started', pid, atMs });
  }

  text(stream: 'out' | 'err', text: OutputText): void {
    this.#printedBytes += text.bytes;
    const told = this.#unwrittenBytes === 0 || this.#append({ t: 'dropped', bytes: this.#unwrittenBytes });
    if (told) this.#unwrittenBytes = 0;
    const record: OutboxRecord = { t: stream, lines: text.lines, ...(text.more ? { more: true } : {}) };
    if (!told || !this.#append(record)) this.#unwrittenBytes += text.bytes;
    else if (this.#writer.sizeBytes >= this.#limitBytes()) this.#turn();
  }

  /** Writes the exit and closes. False when the disk refused it even after the older segments were removed. */
  exit(exit: Exit): boolean {
    const record: OutboxRecord = { t: 'exit', ...exit, error: exit.error?.slice(0, EXIT_ERROR_MAX_CHARACTERS) ?? null };
    if (this.#unwrittenBytes > 0) this.#append({ t: 'dropped', bytes: this.#unwrittenBytes });
    let written = this.#append(record);
    if (!written) {
      this.#keepNewest(1);
      written = this.#append(record);
    }
    this.#writer.close();
    return written;
  }

  #limitBytes(): number {
    return this.#boundBytes / (this.#segment === 0 ? 2 : 2 * SEGMENTS_KEPT);
  }

  #append(record: OutboxRecord): boolean {
    try {
      this.#writer.append(record);
      return true;
    } catch {
      // A full disk is the usual reason. The process goes on; the bytes are counted, and the next record that fits says so.
      return false;
    }
  }

  /** The new segment exists before the old one names it: a reader that then finds none knows that it was pushed out. */
  #turn(): void {
    const segment = this.#segment + 1;
    const path = segmentPath(this.#directory, segment);
    const mark = { segment, atBytes: this.#printedBytes };
    let next: MailboxWriter | undefined;
    try {
      next = new MailboxWriter(path);
      next.append({ t: 'segment', ...mark });
      this.#writer.append({ t: 'next', ...mark });
    } catch {
      // Without room for a new segment the old one goes on, and the next text tries again.
      next?.close();
      rmSync(path, { force: true });
      return;
    }
    this.#writer.close();
    this.#writer = next;
    this.#segment = segment;
    this.#keepNewest(SEGMENTS_KEPT);
  }

  #keepNewest(kept: number): void {
    for (const segment of segmentsIn(this.#directory)) {
      if (segment > 0 && segment <= this.#segment - kept)
        rmSync(segmentPath(this.#directory, segment), { force: true });
    }
  }
}

/** How the process of this directory ended; undefined while it has not, or nobody wrote it down. Throws for no directory (`ENOENT`). */
export function readExit(directory: string): Exit | undefined {
  const segment = segmentsIn(directory).at(-1);
  if (segment === undefined) return undefined;
  const record = recordAt(segmentPath(directory, segment), 'last');
  return record?.t === 'exit' ? exitOf(record) : undefined;
}

/** The pid of the process that writes here, from its first record; undefined while that is not there. */
export function readPid(directory: string): number | undefined {
  const record = recordAt(segmentPath(directory, 0), 'first');
  return record?.t === 'started' ? record.pid : undefined;
}

function recordAt(path: string, which: 'first' | 'last'): OutboxRecord | undefined {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (error) {
    // Pushed out between the listing and now: the process runs.
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const end = Buffer.alloc(EXIT_RECORD_MAX_BYTES);
    const from = which === 'first' ? 0 : Math.max(0, fstatSync(file).size - end.length);
    const bytes = readSync(file, end, 0, end.length, from);
    const found = [...new JsonLines().feed(end.subarray(0, bytes))].at(which === 'first' ? 0 : -1);
    return found?.kind === 'record' ? outboxRecordOf(found.value) : undefined;
  } finally {
    closeSync(file);
  }
}
