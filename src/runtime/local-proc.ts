import { join } from 'node:path';
import type { ProcId } from '#core/brand.ts';
import type { Exit, Proc, WholeLine } from '#ports.ts';
import { isObject } from './json-lines.ts';
import { MailboxReader, MailboxWriter } from './mailbox.ts';
import type { OutboxLine } from './outbox-reader.ts';
import { OutboxReader } from './outbox-reader.ts';
import { RuntimeRefusal } from './refusal.ts';
import { WholeLines } from './whole-lines.ts';

export type LocalProcOptions = {
  id: ProcId;
  /** `procs/<id>` of the runtime's directory. */
  directory: string;
  /** Rings the holder: the inbox grew. */
  ring: () => void;
  /** Asks the holder for the ladder. */
  kill: (graceMs: number) => Promise<void>;
  /** Called once, when this no longer follows: the process ended, or `detach`. */
  left: (proc: LocalProc) => void;
};

/** A process under the holder: writes its inbox, follows its outbox. Nothing is read from disk until somebody asks for a line. */
export class LocalProc implements Proc {
  readonly id: ProcId;
  readonly lines: AsyncIterable<string>;
  readonly errors: AsyncIterable<string>;
  /** Rejects with `detached` when this stops following before the end is known. */
  readonly exited: Promise<Exit>;
  readonly #o: LocalProcOptions;
  readonly #readers = new Set<OutboxReader>();
  #inbox: MailboxWriter | undefined;
  #exit: Exit | undefined;
  #detached = false;
  #settle: { resolve: (exit: Exit) => void; reject: (error: Error) => void } | undefined;

  constructor(o: LocalProcOptions) {
    this.id = o.id;
    this.#o = o;
    this.lines = once(() => this.#lines('out'));
    this.errors = once(() => this.#lines('err'));
    this.exited = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    // Whoever does not ask for the exit need not hear that it stays unknown.
    this.exited.catch(() => {});
  }

  async write(line: string): Promise<void> {
    if (this.#detached) throw detached(this.id);
    if (this.#exit !== undefined)
      throw new RuntimeRefusal('proc_ended', `Process ${this.id} has ended; it reads no more.`);
    if (line.includes('\n')) throw new RuntimeRefusal('bad_line', 'A line for a process may not contain a line feed.');
    this.#inbox ??= new MailboxWriter(join(this.#o.directory, 'inbox.jsonl'));
    this.#inbox.append({ t: 'in', line });
    this.#o.ring();
  }

  async *written(): AsyncGenerator<string, void, undefined> {
    const reader = new MailboxReader(join(this.#o.directory, 'inbox.jsonl'));
    reader.finish();
    for await (const line of reader.lines()) {
      const value = line.kind === 'record' ? line.value : undefined;
      if (isObject(value) && typeof value['line'] === 'string') yield value['line'];
    }
  }

  whole(maxBytes: number): AsyncIterable<WholeLine> {
    return once(() => this.#whole(maxBytes));
  }

  async kill(graceMs: number): Promise<Exit> {
    if (this.#exit === undefined && !this.#detached) await this.#o.kill(graceMs);
    return this.exited;
  }

  async detach(): Promise<void> {
    if (this.#detached) return;
    this.#detached = true;
    for (const reader of this.#readers) reader.close();
    this.#inbox?.close();
    this.#settle?.reject(detached(this.id));
    if (this.#exit === undefined) this.#o.left(this);
  }

  /** The outbox may have grown. */
  ring(): void {
    for (const reader of this.#readers) reader.ring();
  }

  /** The process has ended; its outbox is complete. Only the first call counts. */
  ended(exit: Exit): void {
    if (this.#exit !== undefined || this.#detached) return;
    this.#exit = exit;
    for (const reader of this.#readers) reader.finish();
    this.#inbox?.close();
    this.#settle?.resolve(exit);
    this.#o.left(this);
  }

  async *#lines(stream: 'out' | 'err'): AsyncGenerator<string, void, undefined> {
    for await (const record of this.#records()) {
      // Not `yield*`, which would wrap each line once more.
      if (record.t === stream) for (const line of record.lines.split('\n')) yield line;
      else if (record.t === 'dropped' && stream === 'out') yield `[skep: ${record.bytes} bytes of output are not kept]`;
    }
  }

  async *#whole(maxBytes: number): AsyncGenerator<WholeLine, void, undefined> {
    const lines = new WholeLines(maxBytes);
    for await (const record of this.#records()) {
      if (record.t === 'out') for (const line of lines.push(record.lines, record.more === true)) yield line;
      else if (record.t === 'dropped') yield* lines.dropped(record.bytes);
    }
  }

  /** Each stream has a reader of its own, so that one that nobody reads costs nothing and holds up nothing. */
  async *#records(): AsyncGenerator<OutboxLine, void, undefined> {
    const reader = new OutboxReader(this.#o.directory);
    this.#readers.add(reader);
    if (this.#exit !== undefined) reader.finish();
    if (this.#detached) reader.close();
    try {
      for await (const record of reader.records()) yield record;
    } finally {
      this.#readers.delete(reader);
    }
  }
}

function detached(id: ProcId): RuntimeRefusal {
  return new RuntimeRefusal('detached', `Process ${id} is no longer followed here. It goes on.`);
}

/** Makes the iterator when the first reader comes; there is one reader. */
function once<T>(make: () => AsyncGenerator<T, void, undefined>): AsyncIterable<T> {
  let iterator: AsyncGenerator<T, void, undefined> | undefined;
  return { [Symbol.asyncIterator]: () => (iterator ??= make()) };
}
